"""Chats: which there are, their pictures, what was read in them, and who types."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from whatsapp_bridge.api.answers import Answer, Nothing
from whatsapp_bridge.api.contacts import Search
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ASKING, BODY, PHONE, failures
from whatsapp_bridge.api.recipient import Recipient
from whatsapp_bridge.contact import ChatList
from whatsapp_bridge.engine_question import ask
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.phone_numbers import parse_recipient

router = APIRouter(prefix="/v1/accounts/{account}", tags=["chats"])

_LIMIT = 30.0
_DAY = 86_400
_CHAT = (*ASKING, *PHONE, ErrorCode.RECIPIENT_NOT_ON_WHATSAPP)
ChatId = Annotated[
    str, Path(max_length=80, description="A phone number or chat id of a person, or the chat id of a group")
]
MessageId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,64}$")]


class ReadMessage(BaseModel):
    """A received message; `author` is who wrote it, in a group."""

    model_config = ConfigDict(extra="forbid")

    message_id: MessageId
    author: Annotated[Recipient, StringConstraints(max_length=64)] | None = None


class ReadBody(BaseModel):
    """What was read in a chat."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[Recipient, StringConstraints(max_length=80)]
    messages: list[ReadMessage] = Field(min_length=1, max_length=100)


class PresenceBody(BaseModel):
    """What the other side sees us doing."""

    model_config = ConfigDict(extra="forbid")

    presence: Literal["typing", "recording", "paused"]


PICTURE_RESPONSES = failures(*_CHAT, ErrorCode.PICTURE_NOT_AVAILABLE, ErrorCode.MEDIA_DOWNLOAD_FAILED) | {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}, "description": "The picture"},
    206: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}, "description": "A range"},
    416: {"description": "There is no such range"},
}


@router.get("/chats", responses=failures(*ASKING))
async def list_chats(gateway: TheGateway, account: AccountId, search: Search = "") -> Answer[ChatList]:
    """Lists people and groups that messages can be sent to, the newest chat first."""
    gateway.accounts.get(account)
    return Answer(message="Chats", data=ChatList(chats=await gateway.known_chats.chats(account, search)))


@router.get("/chats/{chat}/picture", responses=PICTURE_RESPONSES, response_class=FileResponse)
async def get_picture(
    gateway: TheGateway, account: AccountId, chat: ChatId, size: Literal["preview", "full"] = "preview"
) -> FileResponse:
    """Returns the picture of a person or group; asked of WhatsApp once a day."""
    gateway.accounts.get(account)
    path = await gateway.chat_pictures.get(account, person_or_group(gateway, chat), preview=size == "preview")
    headers = {"Cache-Control": f"private, max-age={_DAY}", "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type="image/jpeg", headers=headers)


@router.post("/read", responses=failures(*_CHAT, *BODY))
async def mark_read(gateway: TheGateway, account: AccountId, body: ReadBody) -> Answer[Nothing]:
    """Marks received messages as read, for the owner's other devices and for who wrote them."""
    gateway.accounts.get(account)
    country = gateway.settings.country
    messages = [
        {"message_id": one.message_id, "author": None if one.author is None else parse_recipient(one.author, country)}
        for one in body.messages
    ]
    order = {"account": account, "chat": person_or_group(gateway, body.to), "messages": messages}
    await ask(gateway.engine, "message.mark_read", order, _LIMIT)
    return Answer(message="Marked as read", data=Nothing())


@router.put("/chats/{chat}/presence", responses=failures(*_CHAT, *BODY))
async def show_presence(gateway: TheGateway, account: AccountId, chat: ChatId, body: PresenceBody) -> Answer[Nothing]:
    """Shows that we type or record, for 25 seconds at most, or have stopped."""
    gateway.accounts.get(account)
    order = {"account": account, "chat": person_or_group(gateway, chat), "presence": body.presence}
    await ask(gateway.engine, "presence.send", order, _LIMIT)
    return Answer(message="Shown", data=Nothing())


@router.post("/chats/{chat}/presence", responses=failures(*_CHAT))
async def watch_presence(gateway: TheGateway, account: AccountId, chat: ChatId) -> Answer[Nothing]:
    """Lets `presence.changed` events come until the connection to WhatsApp ends; the account is seen online for as long."""
    gateway.accounts.get(account)
    order = {"account": account, "chat": person_or_group(gateway, chat)}
    await ask(gateway.engine, "presence.subscribe", order, _LIMIT)
    return Answer(message="Changes are told as events", data=Nothing())


def person_or_group(gateway: Gateway, text: str) -> str:
    """Returns the chat id of a person or group.

    Raises:
        BridgeError: `invalid_phone_number`, `validation_error`.
    """
    chat = parse_recipient(text, gateway.settings.country)
    if chat.startswith(("channel:", "status")):
        raise BridgeError(ErrorCode.VALIDATION_ERROR, "chat: neither a person nor a group")
    return chat
