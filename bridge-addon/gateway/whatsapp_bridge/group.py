"""What a group is to every surface."""

from typing import Literal

from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.timestamps import Timestamp


class GroupSummary(BorderModel):
    """A group that an account is in."""

    chat: str
    """Its chat id: where messages to it go."""
    subject: str
    size: int
    """Members, ourselves counted."""
    created_at: Timestamp | None
    announce: bool
    """Only admins write."""
    locked: bool
    """Only admins change it."""


class GroupMember(BorderModel):
    """Somebody in a group; phone or LID is known."""

    chat: str
    phone: str | None
    lid: str | None
    role: Literal["member", "admin", "owner"]


class Group(GroupSummary):
    """A group with its members; `owner` is a chat id, None where it is hidden who made the group."""

    description: str | None
    owner: str | None
    members: list[GroupMember]


class MemberResult(BorderModel):
    """What became of one member; `whatsapp_code` says why not: 403 refuses, 404 is not there, 409 is in it already."""

    chat: str
    done: bool
    whatsapp_code: int | None


class MemberResults(BorderModel):
    """In the order that they were named in."""

    results: list[MemberResult]


class InviteLink(BorderModel):
    """Whoever opens it can join."""

    url: str


class GroupList(BorderModel):
    """Groups of an account."""

    groups: list[GroupSummary]
