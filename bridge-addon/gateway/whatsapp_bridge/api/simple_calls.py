"""The simple calls of the project that this one follows, same field names, on the oldest account."""

from typing import Annotated

from fastapi import APIRouter, Form, UploadFile
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from whatsapp_bridge.account import Account
from whatsapp_bridge.api.answers import Answer
from whatsapp_bridge.api.composing import Upload
from whatsapp_bridge.api.dependencies import TheGateway
from whatsapp_bridge.api.failures import failures
from whatsapp_bridge.api.message_bodies import ImageBody, MediaSource, TextBody, message_body
from whatsapp_bridge.api.messages import SEND_RESPONSES, IdempotencyKey, SentAlbum, send as send_any
from whatsapp_bridge.api.pairing import QR_RESPONSES, AcceptHeader, ShownQr, qr_answer
from whatsapp_bridge.api.recipient import Recipient
from whatsapp_bridge.api.request_body import declared_type
from whatsapp_bridge.api.unicode_text import UnicodeText, encodable
from whatsapp_bridge.errors import ErrorCode

router = APIRouter(tags=["simple calls"])

SEND_WAIT = 20.0
"""Seconds that `/send` waits for WhatsApp's acknowledgement."""


FILE_WAIT = 60.0
"""Seconds that the calls with a file wait for it."""


class SimpleText(BaseModel):
    """A text for a phone number."""

    model_config = ConfigDict(extra="forbid")

    phone: Recipient
    message: UnicodeText


@router.post("/send", response_model=Answer[SentAlbum], responses=SEND_RESPONSES)
async def send(gateway: TheGateway, body: SimpleText, idempotency_key: IdempotencyKey = None) -> JSONResponse:
    """Sends a text and waits for WhatsApp's acknowledgement."""
    account = gateway.accounts.default().id
    text = TextBody(type="text", to=body.phone, text=body.message)
    return await send_any(gateway, account, text, None, key=idempotency_key, wait=SEND_WAIT)


class SimpleImage(BaseModel):
    """A picture for a phone number, by its address."""

    model_config = ConfigDict(extra="forbid")

    phone: Recipient
    imageUrl: Annotated[str, StringConstraints(max_length=4096)]  # noqa: N815 - the original's name
    caption: UnicodeText | None = None


@router.post("/send-image-url", response_model=Answer[SentAlbum], responses=SEND_RESPONSES)
async def send_image_url(
    gateway: TheGateway, body: SimpleImage, idempotency_key: IdempotencyKey = None
) -> JSONResponse:
    """Fetches a picture, sends it and waits for WhatsApp's acknowledgement."""
    account = gateway.accounts.default().id
    image = ImageBody(type="image", to=body.phone, media=MediaSource(url=body.imageUrl), caption=body.caption)
    return await send_any(gateway, account, image, None, key=idempotency_key, wait=FILE_WAIT)


@router.post("/send-file", response_model=Answer[SentAlbum], responses=SEND_RESPONSES)
async def send_file(
    gateway: TheGateway,
    phone: Annotated[Recipient, Form(), AfterValidator(encodable)],
    file: UploadFile,
    caption: Annotated[UnicodeText | None, Form()] = None,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Sends a file, as picture, film or sound where it is one that WhatsApp plays, and waits for the acknowledgement."""
    account = gateway.accounts.default().id
    upload = Upload(file=file.file, name=file.filename or None, mimetype=declared_type(file.content_type))
    fields = {"to": phone, "media": {}} | ({"caption": caption} if caption else {})
    body = message_body.validate_python({"type": file_kind(upload.mimetype, has_caption=bool(caption))} | fields)
    return await send_any(gateway, account, body, upload, key=idempotency_key, wait=FILE_WAIT)


def file_kind(mimetype: str | None, *, has_caption: bool) -> str:
    """Returns the type that a file is sent as, by what it is said to be; a sound has no caption."""
    if mimetype in {"image/jpeg", "image/png", "image/webp"}:
        return "image"
    if mimetype is not None and mimetype.startswith("video/"):
        return "video"
    if mimetype is not None and mimetype.startswith("audio/") and not has_caption:
        return "audio"
    return "document"


@router.get("/qr", response_model=Answer[ShownQr], responses=QR_RESPONSES)
async def qr(gateway: TheGateway, accept: AcceptHeader = "*/*") -> Response:
    """Returns the QR code that is valid now."""
    return qr_answer(gateway, gateway.accounts.default().id, accept)


@router.get("/status", responses=failures(ErrorCode.ACCOUNT_NOT_FOUND))
async def status(gateway: TheGateway) -> Answer[Account]:
    """Returns the account."""
    return Answer(message="Account", data=gateway.accounts.default())
