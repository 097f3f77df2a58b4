"""The gateway's routes that tell whom an account can write to."""

from dataclasses import dataclass
from typing import Final, Self

from .connection import GatewayConnection, check
from .errors import GatewayAnswerError
from .fields import fields, items, number, optional, text, truth

LARGEST_PREVIEW: Final = 128 * 1024
RESYNC_LIMIT: Final = 75.0
"""Seconds: a long address book takes its time."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A person or group that an account knows; `name` is None for a person that nobody has named."""

    id: str
    type: str
    name: str | None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks decoded JSON.

        Raises:
            GatewayAnswerError: it is no chat.
        """
        data = fields(value)
        return cls(id=text(data, "chat"), type=text(data, "type"), name=optional(text, data, "name"))


@dataclass(frozen=True, slots=True)
class Group:
    """A group that an account is in. Only admins write where `announce`."""

    id: str
    subject: str
    size: int
    announce: bool

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks decoded JSON.

        Raises:
            GatewayAnswerError: it is no group.
        """
        data = fields(value)
        return cls(
            id=text(data, "chat"),
            subject=text(data, "subject"),
            size=number(data, "size"),
            announce=truth(data, "announce"),
        )


@dataclass(frozen=True, slots=True)
class CheckedNumber:
    """Whether a phone number (as it was asked for) is on WhatsApp, and its chat id there."""

    number: str
    phone: str
    exists: bool
    chat: str | None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks decoded JSON.

        Raises:
            GatewayAnswerError: it is none.
        """
        data = fields(value)
        return cls(
            number=text(data, "number"),
            phone=text(data, "phone"),
            exists=truth(data, "exists"),
            chat=optional(text, data, "chat"),
        )


class ChatRoutes(GatewayConnection):
    """Whom an account can write to. Errors are those of the whole client."""

    async def chats(self, account: str, search: str = "") -> list[Chat]:
        """Returns the people and groups that an account knows, the newest first; `search` is a part of name or number."""
        query = {"search": search} if search else None
        answer = fields(await self.call("GET", "v1", "accounts", account, "chats", query=query))
        return [Chat.parse(item) for item in items(answer, "chats")]

    async def resync_contacts(self, account: str) -> None:
        """Has the phone's address book and the groups fetched anew."""
        await self.call("POST", "v1", "accounts", account, "contacts", "resync", limit=RESYNC_LIMIT)

    async def groups(self, account: str) -> list[Group]:
        """Asks WhatsApp which groups an account is in."""
        answer = fields(await self.call("GET", "v1", "accounts", account, "groups"))
        return [Group.parse(item) for item in items(answer, "groups")]

    async def group(self, account: str, chat: str) -> Group:
        """Asks WhatsApp for one group."""
        return Group.parse(await self.call("GET", "v1", "accounts", account, "groups", chat))

    async def check_numbers(self, account: str, numbers: list[str]) -> list[CheckedNumber]:
        """Asks WhatsApp which phone numbers (1 to 50, international) it knows."""
        body = {"numbers": numbers}
        answer = fields(await self.call("POST", "v1", "accounts", account, "numbers", body=body))
        checked = [CheckedNumber.parse(item) for item in items(answer, "numbers")]
        if len(checked) != len(numbers):
            raise GatewayAnswerError(f"{len(checked)} answers to {len(numbers)} numbers")
        return checked

    async def create_group(self, account: str, subject: str, members: list[str]) -> Group:
        """Makes a group of the account and others (phone numbers)."""
        body = {"subject": subject, "members": members}
        return Group.parse(await self.call("POST", "v1", "accounts", account, "groups", body=body))

    async def mark_read(self, account: str, chat: str, messages: list[tuple[str, str | None]]) -> None:
        """Marks received messages (1 to 100 of a chat, each with its author) as read."""
        read = [{"message_id": message_id, "author": author} for message_id, author in messages]
        await self.call("POST", "v1", "accounts", account, "read", body={"to": chat, "messages": read})

    async def show_presence(self, account: str, chat: str, presence: str) -> None:
        """Shows in a chat that we are `typing` or `recording`, for 25 seconds at most, or have `paused`."""
        await self.call("PUT", "v1", "accounts", account, "chats", chat, "presence", body={"presence": presence})

    async def picture(self, account: str, chat: str) -> bytes:
        """Returns the small picture (JPEG) of a person or group; refused with `picture_not_available` where there is none."""
        route = ("GET", "v1", "accounts", account, "chats", chat, "picture")
        async with self.request(*route, accept="image/jpeg", query={"size": "preview"}) as response:
            await check(response)
            return await response.content.read(LARGEST_PREVIEW)

    async def reject_call(self, account: str, call_id: str) -> None:
        """Rejects a call that rings."""
        await self.call("POST", "v1", "accounts", account, "calls", call_id, "reject")
