"""The OpenAPI document and its page: complete, self-contained, and what the examples say."""

from base64 import b64encode
import json
import re
from typing import Any

import pytest
from whatsapp_bridge.api.examples import ROUTES
from whatsapp_bridge.error_meanings import MEANINGS
from whatsapp_bridge.errors import ErrorCode

from scripts.generate import generated
from tests.gateway.conftest import TOKEN, Api
from tests.gateway.described import document

OPERATIONS = {
    operation["operationId"]: operation for methods in document()["paths"].values() for operation in methods.values()
}
NO_JSON = {"metrics", "get_media", "get_picture"}


def as_basic(password: str) -> str:
    return f"Basic {b64encode(f'anybody:{password}'.encode()).decode()}"


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_what_is_made_of_something_else_is_up_to_date(path: Any) -> None:
    assert path.read_text() == generated()[path], "run scripts/generate"


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_route_is_described_with_examples(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["description"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        assert body["examples"], "ROUTES in api/examples.py names the golden examples of a body"
    for status, answer in operation["responses"].items():
        if name not in NO_JSON or status >= "400":
            content = answer.get("content", {}).get("application/json", {})
            assert content.get("examples") or status == "416", f"ROUTES in api/examples.py has no example of {status}"


def test_no_example_is_of_a_route_that_is_gone() -> None:
    assert set(ROUTES) <= set(OPERATIONS)


def test_every_error_code_has_a_meaning_and_a_route() -> None:
    assert set(MEANINGS) == set(ErrorCode)
    described = {
        code
        for operation in OPERATIONS.values()
        for answer in operation["responses"].values()
        for code in answer.get("content", {})
        .get("application/json", {})
        .get("schema", {})
        .get("properties", {})
        .get("error_code", {})
        .get("enum", [])
    }
    assert described == set(ErrorCode)


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
async def test_a_browser_gives_the_token_as_a_password(api: Api, path: str) -> None:
    async with api.session.get(api.url + path) as refused:
        assert (refused.status, refused.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    for header, status in (
        (as_basic(TOKEN), 200),
        (as_basic("wrong"), 401),
        ("Basic *", 401),
        (f"Bearer {TOKEN}", 200),
    ):
        async with api.session.get(api.url + path, headers={"Authorization": header}) as answer:
            assert answer.status == status, header


async def test_a_password_is_no_token_where_a_browser_could_be_made_to_call(api: Api) -> None:
    assert (await api("GET", "/status", Authorization=as_basic(TOKEN))).status == 401


async def test_the_page_needs_nothing_from_elsewhere_and_names_everything(api: Api) -> None:
    reply = await api("GET", "/docs")
    page = reply.body.decode()
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert not re.search(r"<(script|link|img|iframe)|(src|href)=\"(https?:)?//", page)
    for name in OPERATIONS:
        assert f'id="{name}"' in page
    for code in ErrorCode:
        assert f'<tr id="{code}">' in page
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= set(re.findall(r'id="([^"]+)"', page))


async def test_the_document_is_what_the_gateway_gives(api: Api) -> None:
    reply = await api("GET", "/openapi.json")
    assert reply.body == json.loads(json.dumps(document()))
    assert reply.body["openapi"].startswith("3.1")
