"""Which errors a route may answer: told by code, as OpenAPI wants them. A test compares what is told with what is answered."""

from itertools import groupby
from typing import Any

from whatsapp_bridge.api.answers import Failure
from whatsapp_bridge.errors import ErrorCode, http_status

EVERYWHERE = (ErrorCode.UNAUTHORIZED, ErrorCode.RATE_LIMITED, ErrorCode.VALIDATION_ERROR, ErrorCode.INTERNAL_ERROR)
"""What every route but liveness may answer."""

PATH = (ErrorCode.NOT_FOUND, ErrorCode.METHOD_NOT_ALLOWED)
"""A path with a parameter that holds a `/`, or nothing, is another path."""

ACCOUNT = (*PATH, ErrorCode.ACCOUNT_NOT_FOUND)
"""A route of an account."""

BODY = (ErrorCode.INVALID_JSON, ErrorCode.BODY_TOO_LARGE)
"""A route that reads a body."""

ENGINE = (ErrorCode.ENGINE_UNAVAILABLE,)
"""A route that asks the engine."""

ASKING = (*ACCOUNT, *ENGINE, ErrorCode.NOT_CONNECTED, ErrorCode.REFUSED_BY_WHATSAPP)
"""A route that asks WhatsApp while the caller waits."""

STORAGE = (ErrorCode.STORAGE_FULL, ErrorCode.STORAGE_UNUSABLE)
"""A route that writes to the database before it answers."""

PHONE = (ErrorCode.INVALID_PHONE_NUMBER,)
"""A route that takes phone numbers as people write them."""


def failures(*codes: ErrorCode) -> dict[int | str, dict[str, Any]]:
    """Describes for OpenAPI which errors a route may answer, beside those of every route."""
    told = sorted({*EVERYWHERE, *codes}, key=lambda code: (http_status(code), code))
    return {int(status): _failure(list(group)) for status, group in groupby(told, key=http_status)}


def _failure(codes: list[ErrorCode]) -> dict[str, Any]:
    named = ", ".join(f"`{code}`" for code in codes)
    narrowed = {"properties": {"error_code": {"enum": [str(code) for code in codes]}}}
    return {"model": Failure, "description": named, "content": {"application/json": {"schema": narrowed}}}
