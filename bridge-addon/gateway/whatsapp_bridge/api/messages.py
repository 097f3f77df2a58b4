"""Messages: send, follow, take back out of the queue."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from whatsapp_bridge.api.answers import Answer, failures
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.unicode_text import UnicodeText
from whatsapp_bridge.engine_protocol import TextContent
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.message import Message, MessageStatus, check_text
from whatsapp_bridge.message_store import Request
from whatsapp_bridge.phone_numbers import parse_recipient

router = APIRouter(prefix="/v1/accounts/{account}/messages", tags=["messages"])

LONGEST_WAIT = 60.0
SEND_RESPONSES = failures(400, 404, 409, 422, 429, 503, 504, 507) | {202: {"model": Answer[Message]}}


class TextMessage(BaseModel):
    """A text for a phone number or a chat id."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    to: str
    text: UnicodeText


IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")] | None,
    Header(description="The same key again answers with the first message, for seven days after it was settled"),
]
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for WhatsApp's acknowledgement")]


@router.post("", response_model=Answer[Message], responses=SEND_RESPONSES)
async def send_message(
    gateway: TheGateway,
    account: AccountId,
    body: TextMessage,
    idempotency_key: IdempotencyKey = None,
    wait: Wait = 0.0,
) -> JSONResponse:
    """Accepts a message: 200 once WhatsApp has it, 202 while it waits."""
    return await send_text(gateway, account, body, key=idempotency_key, wait=wait)


class MessageList(BaseModel):
    """Messages, newest first."""

    messages: list[Message]


@router.get("", responses=failures(404, 422))
async def list_messages(
    gateway: TheGateway,
    account: AccountId,
    status: MessageStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Answer[MessageList]:
    """Lists what was sent, or is to be, and what became of it."""
    return Answer(message="Messages", data=MessageList(messages=await gateway.outbox.newest(account, status, limit)))


@router.get("/{message_id}", responses=failures(404))
async def get_message(gateway: TheGateway, account: AccountId, message_id: str) -> Answer[Message]:
    """Returns what became of a message."""
    return Answer(message="Message", data=await gateway.outbox.get(account, message_id))


@router.delete("/{message_id}", responses=failures(404, 409))
async def cancel_message(gateway: TheGateway, account: AccountId, message_id: str) -> Answer[Message]:
    """Takes a message out of the queue."""
    message = await gateway.outbox.cancel(account, message_id)
    return Answer(message="Message taken out of the queue", data=message)


async def send_text(gateway: Gateway, account: str, body: TextMessage, *, key: str | None, wait: float) -> JSONResponse:
    """Accepts a text and answers with what became of it within `wait` seconds.

    Raises:
        BridgeError: it was not accepted, or has failed.
    """
    gateway.accounts.get(account)
    recipient = parse_recipient(body.to)
    check_text(body.text, gateway.settings.max_message_length)
    request: Request = {"content": TextContent(text=body.text).model_dump(mode="json")}
    accepted = await gateway.outbox.accept(account, recipient, request, key=key)
    message = accepted if isinstance(accepted, Message) else await gateway.outbox.wait_until_settled(accepted, wait)
    if (failure := _failure(message)) is not None:
        raise failure
    queued = message.status.unsettled
    answer = Answer[Message](message="Message queued" if queued else "Message sent", data=message)
    return JSONResponse(answer.model_dump(mode="json"), 202 if queued else 200)


_FAILURE_DETAILS = {
    ErrorCode.RECIPIENT_NOT_ON_WHATSAPP: "This number is not on WhatsApp.",
    ErrorCode.MESSAGE_EXPIRED: "WhatsApp did not acknowledge the message within its time to live.",
    ErrorCode.INTERNAL_ERROR: "The engine could not send the message; the gateway's log has it.",
}


def _failure(message: Message) -> BridgeError | None:
    """Returns the error of a message that will not be sent."""
    data = message.model_dump(mode="json")
    if message.status is MessageStatus.CANCELLED:
        return BridgeError(ErrorCode.MESSAGE_CANCELLED, "The message was taken out of the queue.", data=data)
    if message.error_code is None:
        return None
    code = ErrorCode(message.error_code)
    refused = f"WhatsApp refused the message (code {message.whatsapp_code})."
    account = "The account cannot send any more: look at its state."
    detail = _FAILURE_DETAILS.get(code, refused if code is ErrorCode.MESSAGE_REJECTED else account)
    return BridgeError(code, detail, data=data)
