"""The simple calls of the project that this one follows, same field names, on the oldest account."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict

from whatsapp_bridge.account import Account
from whatsapp_bridge.api.answers import Answer, failures
from whatsapp_bridge.api.dependencies import TheGateway
from whatsapp_bridge.api.messages import SEND_RESPONSES, IdempotencyKey, TextMessage, send_text
from whatsapp_bridge.api.pairing import QR_RESPONSES, AcceptHeader, ShownQr, qr_answer
from whatsapp_bridge.api.unicode_text import UnicodeText
from whatsapp_bridge.message import Message

router = APIRouter(tags=["simple calls"])

SEND_WAIT = 20.0
"""Seconds that `/send` waits for WhatsApp's acknowledgement."""


class SimpleText(BaseModel):
    """A text for a phone number."""

    model_config = ConfigDict(extra="forbid")

    phone: str
    message: UnicodeText


@router.post("/send", response_model=Answer[Message], responses=SEND_RESPONSES)
async def send(gateway: TheGateway, body: SimpleText, idempotency_key: IdempotencyKey = None) -> JSONResponse:
    """Sends a text and waits for WhatsApp's acknowledgement."""
    account = gateway.accounts.default().id
    text = TextMessage(type="text", to=body.phone, text=body.message)
    return await send_text(gateway, account, text, key=idempotency_key, wait=SEND_WAIT)


@router.get("/qr", response_model=Answer[ShownQr], responses=QR_RESPONSES)
async def qr(gateway: TheGateway, accept: AcceptHeader = "*/*") -> Response:
    """Returns the QR code that is valid now."""
    return qr_answer(gateway, gateway.accounts.default().id, accept)


@router.get("/status", responses=failures(404))
async def status(gateway: TheGateway) -> Answer[Account]:
    """Returns the account."""
    return Answer(message="Account", data=gateway.accounts.default())
