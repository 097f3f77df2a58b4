"""Messages: send, follow, take back out of the queue."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, StringConstraints

from whatsapp_bridge.api.answers import Answer
from whatsapp_bridge.api.composing import Composed, Composer, Upload, release
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ACCOUNT, BODY, ENGINE, PHONE, STORAGE, failures
from whatsapp_bridge.api.message_bodies import AlbumBody, ButtonsBody, MessageBody
from whatsapp_bridge.api.request_body import BODY_DESCRIPTION, ReadBody
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.message import Message, MessageStatus
from whatsapp_bridge.outgoing_message import OutgoingMessage

router = APIRouter(prefix="/v1/accounts/{account}/messages", tags=["messages"])

LONGEST_WAIT = 60.0


class SentAlbum(Message):
    """The frame of an album, and its parts."""

    items: list[Message] | None = None


SEND_RESPONSES = failures(
    *ACCOUNT,
    *BODY,
    *ENGINE,
    *PHONE,
    *STORAGE,
    ErrorCode.ACCOUNT_NOT_PAIRED,
    ErrorCode.ACCOUNT_LOGGED_OUT,
    ErrorCode.ACCOUNT_REPLACED,
    ErrorCode.ACCOUNT_BLOCKED,
    ErrorCode.ACCOUNT_FAILED,
    ErrorCode.IDEMPOTENCY_CONFLICT,
    ErrorCode.QUEUE_FULL,
    ErrorCode.MESSAGE_EMPTY,
    ErrorCode.MESSAGE_TOO_LONG,
    ErrorCode.MESSAGE_CANCELLED,
    ErrorCode.MESSAGE_EXPIRED,
    ErrorCode.MESSAGE_NOT_KEPT,
    ErrorCode.MESSAGE_REJECTED,
    ErrorCode.NOT_POSSIBLE_HERE,
    ErrorCode.RECIPIENT_NOT_ON_WHATSAPP,
    ErrorCode.MEDIA_TOO_LARGE,
    ErrorCode.MEDIA_EMPTY,
    ErrorCode.MEDIA_UNREADABLE,
    ErrorCode.MEDIA_TYPE_MISMATCH,
    ErrorCode.MEDIA_TYPE_NOT_ALLOWED,
    ErrorCode.MEDIA_URL_FORBIDDEN,
    ErrorCode.MEDIA_URL_FAILED,
    ErrorCode.MEDIA_URL_TIMEOUT,
    ErrorCode.MEDIA_UPLOAD_FAILED,
    ErrorCode.MEDIA_CONVERTER_MISSING,
) | {202: {"model": Answer[SentAlbum], "description": "The message waits in the queue, or is being sent"}}
_ONE = (*ACCOUNT, ErrorCode.MESSAGE_NOT_FOUND, ErrorCode.STORAGE_UNUSABLE)


IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,255}$")] | None,
    Header(description="The same key again answers with the first message, for seven days after it was settled"),
]
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for WhatsApp's acknowledgement")]


@router.post("", response_model=Answer[SentAlbum], responses=SEND_RESPONSES, openapi_extra=BODY_DESCRIPTION)
async def send_message(
    gateway: TheGateway,
    account: AccountId,
    read: ReadBody,
    idempotency_key: IdempotencyKey = None,
    wait: Wait = 0.0,
) -> JSONResponse:
    """Accepts a message: 200 once WhatsApp has it, 202 while it waits."""
    body, upload = read
    return await send(gateway, account, body, upload, key=idempotency_key, wait=wait)


class MessageList(BaseModel):
    """Messages, newest first."""

    messages: list[Message]


@router.get("", responses=failures(*ACCOUNT, ErrorCode.STORAGE_UNUSABLE))
async def list_messages(
    gateway: TheGateway,
    account: AccountId,
    status: MessageStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Answer[MessageList]:
    """Lists what was sent, or is to be, and what became of it."""
    return Answer(message="Messages", data=MessageList(messages=await gateway.outbox.newest(account, status, limit)))


@router.get("/{message_id}", responses=failures(*_ONE))
async def get_message(gateway: TheGateway, account: AccountId, message_id: str) -> Answer[Message]:
    """Returns what became of a message."""
    return Answer(message="Message", data=await gateway.outbox.get(account, message_id))


@router.delete("/{message_id}", responses=failures(*_ONE, ErrorCode.MESSAGE_ALREADY_SENT))
async def cancel_message(gateway: TheGateway, account: AccountId, message_id: str) -> Answer[Message]:
    """Takes a message out of the queue."""
    message = await gateway.outbox.cancel(account, message_id)
    return Answer(message="Message taken out of the queue", data=message)


async def send(
    gateway: Gateway, account: str, body: MessageBody, upload: Upload | None, *, key: str | None, wait: float
) -> JSONResponse:
    """Accepts a message and answers with what became of it within `wait` seconds.

    Raises:
        BridgeError: it was not accepted, or has failed.
    """
    gateway.outbox.check_accepts(account)
    composer = Composer(gateway.settings, gateway.files)
    chat = composer.recipient(body.to)
    if isinstance(body, AlbumBody):
        return await _send_album(gateway, account, composer, chat, body, key=key, wait=wait)
    composed = await composer.compose(body, upload)
    ttl = None if isinstance(body, ButtonsBody) else body.ttl
    message = await _followed(gateway, await _accept(gateway, account, chat, composed, key=key, ttl=ttl), wait)
    return _answer(SentAlbum(**message.model_dump(by_alias=False)))


async def _send_album(
    gateway: Gateway, account: str, composer: Composer, chat: str, body: AlbumBody, *, key: str | None, wait: float
) -> JSONResponse:
    """Accepts the frame, then its parts, which name it. A chat's messages go out in this order."""
    frame, parts = await composer.album(body)
    accepted: list[OutgoingMessage | Message] = []
    try:
        accepted.append(await _accept(gateway, account, chat, frame, key=key, ttl=body.ttl))
        album = _message(accepted[0]).message_id
        for number, part in enumerate(parts):
            part_key = f"{key}/{number}" if key is not None else None
            accepted.append(await _accept(gateway, account, chat, part, key=part_key, ttl=body.ttl, album=album))
    finally:
        release(gateway.files, parts[max(0, len(accepted) - 1) :])
    deadline = asyncio.get_running_loop().time() + wait
    messages = [
        await _followed(gateway, one, max(0.0, deadline - asyncio.get_running_loop().time())) for one in accepted
    ]
    return _answer(SentAlbum(**messages[0].model_dump(by_alias=False), items=messages[1:]))


async def _accept(
    gateway: Gateway,
    account: str,
    chat: str,
    composed: Composed,
    *,
    key: str | None,
    ttl: float | None,
    album: str | None = None,
) -> OutgoingMessage | Message:
    request = composed.request
    if album is not None and isinstance(content := request["content"], dict):
        request = request | {"content": content | {"album": album}}
    return await gateway.outbox.accept(
        account, chat, request, identity=composed.identity, key=key, ttl=ttl, files=composed.files
    )


def _message(accepted: OutgoingMessage | Message) -> Message:
    return accepted if isinstance(accepted, Message) else accepted.message


async def _followed(gateway: Gateway, accepted: OutgoingMessage | Message, wait: float) -> Message:
    """Returns what became of a message within `wait` seconds.

    Raises:
        BridgeError: it has failed.
    """
    message = accepted if isinstance(accepted, Message) else await gateway.outbox.wait_until_settled(accepted, wait)
    if (failure := _failure(message)) is not None:
        raise failure
    return message


def _answer(message: SentAlbum) -> JSONResponse:
    queued = any(one.status.unsettled for one in (message, *(message.items or [])))
    answer = Answer[SentAlbum](message="Message queued" if queued else "Message sent", data=message)
    body = answer.model_dump(mode="json", exclude={"data": {"items"}} if message.items is None else None)
    return JSONResponse(body, 202 if queued else 200)


_FAILURE_DETAILS = {
    ErrorCode.MESSAGE_NOT_KEPT: "The message that this one is about is not kept, or was not sent from here.",
    ErrorCode.NOT_POSSIBLE_HERE: "A linked device cannot send this here.",
    ErrorCode.MEDIA_UNREADABLE: "The engine could not read the file.",
    ErrorCode.MEDIA_UPLOAD_FAILED: "WhatsApp's media servers did not take the file.",
    ErrorCode.VALIDATION_ERROR: "WhatsApp does not take this content in this chat.",
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
