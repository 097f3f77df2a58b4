"""Pairing: begin, cancel, and the code to scan."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Header
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from whatsapp_bridge.api.answers import Answer, Nothing
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ACCOUNT, BODY, ENGINE, PHONE, failures
from whatsapp_bridge.api.recipient import Phone
from whatsapp_bridge.engine_protocol import Pairing
from whatsapp_bridge.errors import ErrorCode
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.pairing import (
    PasskeyAssertion,
    answer_passkey,
    cancel_pairing,
    confirm_passkey,
    shown_qr,
    start_pairing,
)
from whatsapp_bridge.phone_numbers import parse_phone_number
from whatsapp_bridge.qr import qr_png, qr_svg, qr_terminal
from whatsapp_bridge.timestamps import Timestamp, now

router = APIRouter(prefix="/v1/accounts/{account}", tags=["pairing"])

_JSON, _SVG, _PNG, _TEXT = "application/json", "image/svg+xml", "image/png", "text/plain"
_MATCHES = {
    _JSON: _JSON,
    _SVG: _SVG,
    _PNG: _PNG,
    _TEXT: _TEXT,
    "*/*": _JSON,
    "application/*": _JSON,
    "image/*": _SVG,
    "text/*": _TEXT,
}
_NO_STORE = {"Cache-Control": "no-store", "Vary": "Accept"}

AcceptHeader = Annotated[str, Header(description=f"{_JSON}, {_SVG}, {_PNG} or {_TEXT}")]
_STRING = {"schema": {"type": "string"}}
QR_RESPONSES = failures(*ACCOUNT, ErrorCode.QR_NOT_AVAILABLE) | {
    200: {"content": {_SVG: _STRING, _PNG: {"schema": {"type": "string", "format": "binary"}}, _TEXT: _STRING}}
}
PAIRING_RESPONSES = failures(
    *ACCOUNT,
    *BODY,
    *ENGINE,
    *PHONE,
    ErrorCode.ACCOUNT_FAILED,
    ErrorCode.ALREADY_PAIRED,
    ErrorCode.PAIRING_OTHER_NUMBER,
    ErrorCode.PAIRING_RATE_LIMITED,
)
PASSKEY_RESPONSES = failures(*ACCOUNT, *BODY, *ENGINE, ErrorCode.PASSKEY_NOT_REQUESTED)


class QrPairing(BaseModel):
    """By a QR code that the phone scans."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["qr"]


class CodePairing(BaseModel):
    """By a code that the owner of `phone` types on it."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["code"]
    phone: Phone


class ShownQr(BaseModel):
    """The text to draw, and until when it is valid."""

    qr: str
    expires_at: Timestamp


class Confirmation(BaseModel):
    """Whether the codes are the same."""

    model_config = ConfigDict(extra="forbid")

    same: StrictBool


PairingRequest = Annotated[QrPairing | CodePairing, Field(discriminator="method"), Body()]


@router.post("/pairing", status_code=202, responses=PAIRING_RESPONSES)
async def begin_pairing(gateway: TheGateway, account: AccountId, body: PairingRequest) -> Answer[Pairing]:
    """Begins a pairing; one that is under way is replaced."""
    phone = parse_phone_number(body.phone, gateway.settings.country) if isinstance(body, CodePairing) else None
    pairing = await start_pairing(gateway.accounts, gateway.engine, account, body.method, phone)
    return Answer(message="Pairing started", data=pairing)


@router.delete("/pairing", responses=failures(*ACCOUNT, *ENGINE))
async def end_pairing(gateway: TheGateway, account: AccountId) -> Answer[Nothing]:
    """Cancels the pairing that is under way."""
    await cancel_pairing(gateway.accounts, gateway.engine, account)
    return Answer(message="Pairing cancelled", data=Nothing())


@router.post("/pairing/passkey", status_code=202, responses=PASSKEY_RESPONSES)
async def answer_with_passkey(gateway: TheGateway, account: AccountId, body: PasskeyAssertion) -> Answer[Nothing]:
    """Brings the assertion that the browser has made on WhatsApp's page."""
    await answer_passkey(gateway.accounts, gateway.engine, account, body)
    return Answer(message="Passkey handed to WhatsApp", data=Nothing())


@router.post("/pairing/confirmation", status_code=202, responses=PASSKEY_RESPONSES)
async def confirm_pairing(gateway: TheGateway, account: AccountId, body: Confirmation) -> Answer[Nothing]:
    """Tells whether phone and gateway show the same code."""
    await confirm_passkey(gateway.accounts, gateway.engine, account, same=body.same)
    return Answer(message="Confirmed" if body.same else "Pairing ended", data=Nothing())


@router.get("/qr", response_model=Answer[ShownQr], responses=QR_RESPONSES)
async def get_qr(gateway: TheGateway, account: AccountId, accept: AcceptHeader = "*/*") -> Response:
    """Returns the QR code that is valid now."""
    return qr_answer(gateway, account, accept)


def qr_answer(gateway: Gateway, account: str, accept: str) -> Response:
    """Returns the QR code of an account in the form that `accept` prefers; JSON where it knows none of ours.

    Raises:
        BridgeError: `account_not_found`, `qr_not_available`.
    """
    text, expires_at = shown_qr(gateway.accounts, account, now())
    match preferred_type(accept):
        case "image/svg+xml":
            return Response(qr_svg(text), media_type=_SVG, headers=_NO_STORE)
        case "image/png":
            return Response(qr_png(text), media_type=_PNG, headers=_NO_STORE)
        case "text/plain":
            return PlainTextResponse(qr_terminal(text), headers=_NO_STORE)
        case _:
            answer = Answer[ShownQr](
                message="Scan this code with WhatsApp on the phone: Linked devices, Link a device",
                data=ShownQr(qr=text, expires_at=expires_at),
            )
            return JSONResponse(answer.model_dump(mode="json"), headers=_NO_STORE)


def preferred_type(accept: str) -> str:
    """Returns which of our types an Accept header wants most (RFC 9110, section 12.5.1)."""
    best, best_weight = _JSON, 0.0
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    weight = 0.0
        if name in _MATCHES and weight > best_weight:
            best, best_weight = _MATCHES[name], weight
    return best
