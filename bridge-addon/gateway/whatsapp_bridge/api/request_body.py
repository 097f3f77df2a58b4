"""Reads the body of a message: JSON, or multipart with the JSON in the part `message` and a file in the part `file`."""

from collections.abc import AsyncIterator
import json
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from whatsapp_bridge.api.composing import Upload
from whatsapp_bridge.api.message_bodies import MessageBody, message_body
from whatsapp_bridge.errors import BridgeError, ErrorCode

_PARTS = 2
_PART_BYTES = 512 * 1024

BODY_DESCRIPTION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/MessageBody"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["message", "file"],
                    "properties": {
                        "message": {"type": "string", "contentMediaType": "application/json"},
                        "file": {"type": "string", "format": "binary"},
                    },
                }
            },
        },
    }
}


async def _read(request: Request) -> AsyncIterator[tuple[MessageBody, Upload | None]]:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=1, max_part_size=_PART_BYTES) as form:
            yield _checked(_text_part(form)), file_part(form)
    else:
        yield _checked(await request.body()), None


ReadBody = Annotated[tuple[MessageBody, Upload | None], Depends(_read)]


def file_part(form: FormData) -> Upload:
    """Returns the part `file`.

    Raises:
        BridgeError: `validation_error`.
    """
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise BridgeError(ErrorCode.VALIDATION_ERROR, "file: the part is missing")
    return Upload(file=file.file, name=file.filename or None, mimetype=declared_type(file.content_type))


def declared_type(content_type: str | None) -> str | None:
    """Returns the MIME type of a part; what a client says where it does not know says nothing."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return None if kind in {"", "application/octet-stream"} else kind


def _text_part(form: FormData) -> bytes:
    part = form.get("message")
    if not isinstance(part, str):
        raise BridgeError(ErrorCode.VALIDATION_ERROR, "message: the part is missing, or is a file")
    return part.encode(errors="surrogatepass")


def _checked(content: bytes) -> MessageBody:
    if not content:
        raise BridgeError(ErrorCode.VALIDATION_ERROR, "body: is missing")
    try:
        value = json.loads(content)
    except ValueError, RecursionError:
        raise BridgeError(ErrorCode.INVALID_JSON, "The body is not JSON.") from None
    try:
        return message_body.validate_python(value)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from None
