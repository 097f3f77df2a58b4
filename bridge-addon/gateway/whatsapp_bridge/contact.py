"""What a person and a chat are to every surface."""

from typing import Literal

from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.timestamps import Timestamp


class Contact(BorderModel):
    """Somebody whom an account knows; phone or LID is known."""

    chat: str
    """The chat id: where messages to them go."""
    phone: str | None
    lid: str | None
    name: str | None
    """In the phone's address book."""
    push_name: str | None
    """What they call themselves."""


class ContactList(BorderModel):
    """People whom an account knows."""

    contacts: list[Contact]


class KnownChat(BorderModel):
    """Somebody, or a group, that messages can be sent to."""

    chat: str
    type: Literal["person", "group"]
    name: str | None
    """The name in the address book, else what they call themselves; a group's subject."""
    last_message_at: Timestamp | None
    """When something was last written in it, as far as this gateway has seen."""


class ChatList(BorderModel):
    """Chats, the newest first."""

    chats: list[KnownChat]
