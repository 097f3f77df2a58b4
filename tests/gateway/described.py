"""Every answer that a test gets is looked up in the OpenAPI document; error codes that came, and routes that the real engine served, are remembered."""

from functools import cache
import json
import re
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry
from whatsapp_bridge.api.app import routes
from whatsapp_bridge.errors import ErrorCode

ANSWERED: set[str] = set()
"""The error codes that were answered since the start."""

SERVED: set[str] = set()
"""The operations that have succeeded with the real engine behind the gateway."""


@cache
def document() -> dict[str, Any]:
    """The document as a gateway gives it."""
    spelled: dict[str, Any] = json.loads(json.dumps(routes(CollectorRegistry()).openapi()))
    return spelled


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """The paths, those without parameters first."""
    paths = sorted(document()["paths"].items(), key=lambda item: item[0].count("{"))
    return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), operations) for path, operations in paths]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for pattern, operations in _patterns():
        if pattern.fullmatch(path):
            return operations.get(method.lower())
    return None


async def described(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A middleware of aiohttp's client.

    Raises:
        AssertionError: the document does not describe the answer.
    """
    response = await handler(request)
    code = None
    if response.status >= 400 and response.content_type == "application/json":
        code = (await response.json())["error_code"]
        ANSWERED.add(code)
    operation = _operation(request.method, response.url.raw_path)
    if operation is None:
        return response
    answer = operation["responses"].get(str(response.status))
    where = f"{request.method} {response.url.path}"
    assert answer is not None, f"{where} does not describe {response.status} ({code})"
    if code is not None:
        codes = answer["content"]["application/json"]["schema"]["properties"]["error_code"]["enum"]
        assert code in codes, f"{where} does not describe {code}"
    return response


async def served(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A middleware of a client whose gateway has the real engine: remembers which operations succeed."""
    response = await handler(request)
    operation = _operation(request.method, response.url.raw_path)
    if operation is not None and response.status < 400:
        SERVED.add(operation["operationId"])
    return response


def never_served() -> list[str]:
    """The operations that no test has had from the real engine's gateway yet."""
    operations = {
        operation["operationId"] for methods in document()["paths"].values() for operation in methods.values()
    }
    return sorted(operations - SERVED)


def never_answered() -> list[str]:
    """The codes that no test has provoked yet."""
    return sorted(set(ErrorCode) - ANSWERED)
