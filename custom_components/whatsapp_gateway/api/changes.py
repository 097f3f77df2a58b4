"""What the gateway tells of calls, presence, groups and people (docs/api.md), checked once, here.

Persons, chats and members are chat ids.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from .fields import Fields, choice, moment, optional, text, texts, truth


class CallStatus(StrEnum):
    """How far a call to us has come."""

    RINGING = "ringing"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    MISSED = "missed"
    ENDED = "ended"


class Presence(StrEnum):
    """What a person does now."""

    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"
    TYPING = "typing"
    RECORDING = "recording"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class CallChanged:
    """A call to us; `chat` is the group's in a group call, else the person's. `backlog`: it was over before we heard of it."""

    call_id: str
    person: str
    chat: str
    video: bool
    status: CallStatus
    timestamp: datetime
    backlog: bool

    @classmethod
    def parse(cls, value: Fields) -> Self:
        """Checks the data of the event `call.changed`.

        Raises:
            GatewayAnswerError: it is none.
        """
        return cls(
            call_id=text(value, "call_id"),
            person=text(value, "person"),
            chat=text(value, "chat"),
            video=truth(value, "video"),
            status=choice(CallStatus, value, "status"),
            timestamp=moment(value, "timestamp"),
            backlog=truth(value, "backlog"),
        )


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """A person comes, goes or writes in a chat. It is not kept: who does not listen misses it."""

    chat: str
    person: str
    presence: Presence
    last_seen: datetime | None

    @classmethod
    def parse(cls, value: Fields) -> Self:
        """Checks the data of the event `presence.changed`.

        Raises:
            GatewayAnswerError: it is none.
        """
        return cls(
            chat=text(value, "chat"),
            person=text(value, "person"),
            presence=choice(Presence, value, "presence"),
            last_seen=optional(moment, value, "last_seen"),
        )


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """A group is another now. `change` is one of the engine protocol's, `value` the new subject, description or setting."""

    chat: str
    message_id: str
    actor: str | None
    change: str
    members: tuple[str, ...]
    value: str | None
    timestamp: datetime
    backlog: bool

    @classmethod
    def parse(cls, value: Fields) -> Self:
        """Checks the data of the event `group.changed`.

        Raises:
            GatewayAnswerError: it is none.
        """
        return cls(
            chat=text(value, "chat"),
            message_id=text(value, "message_id"),
            actor=optional(text, value, "actor"),
            change=text(value, "change"),
            members=texts(value, "members"),
            value=optional(text, value, "value"),
            timestamp=moment(value, "timestamp"),
            backlog=truth(value, "backlog"),
        )


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """A person's name, number or picture is new to us. `name` is the address book's, `push_name` the person's own."""

    chat: str
    phone: str | None
    lid: str | None
    name: str | None
    push_name: str | None
    picture_changed: bool

    @classmethod
    def parse(cls, value: Fields) -> Self:
        """Checks the data of the event `contact.changed`.

        Raises:
            GatewayAnswerError: it is none.
        """
        return cls(
            chat=text(value, "chat"),
            phone=optional(text, value, "phone"),
            lid=optional(text, value, "lid"),
            name=optional(text, value, "name"),
            push_name=optional(text, value, "push_name"),
            picture_changed=truth(value, "picture_changed"),
        )
