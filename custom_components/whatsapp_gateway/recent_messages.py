"""Remembers whose a message was, so that a message id is all that an action needs to answer it or to react to it."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from homeassistant.core import callback

from .api.events import Event
from .api.models import IncomingMessage

KEPT: Final = 2000
"""Messages of an account; they are forgotten when Home Assistant stops."""
LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class RecentMessage:
    """A message: its chat, who wrote it (a phone number or chat id, None for us), and how it began."""

    chat: str
    author: str | None
    text: str | None


class RecentMessages:
    """The last messages of an account, in both directions."""

    def __init__(self) -> None:
        self._messages: OrderedDict[str, RecentMessage] = OrderedDict()

    def find(self, message_id: str) -> RecentMessage | None:
        """Returns a message, None if it was too long ago."""
        return self._messages.get(message_id)

    @callback
    def heard(self, event: Event, _waited: bool) -> None:
        """Remembers what was received."""
        if isinstance(message := event.data, IncomingMessage):
            lid = f"lid:{message.sender_lid}" if message.sender_lid else None
            author = None if message.from_me else message.sender_phone or lid
            self.remember(message.message_id, RecentMessage(message.chat_id, author, _beginning(message.text)))

    def sent(self, message_id: str, chat: str, text: object) -> None:
        """Remembers what Home Assistant sent."""
        self.remember(message_id, RecentMessage(chat, None, _beginning(text)))

    def remember(self, message_id: str, message: RecentMessage) -> None:
        """Takes a message in, and forgets the oldest where there are too many."""
        self._messages[message_id] = message
        self._messages.move_to_end(message_id)
        while len(self._messages) > KEPT:
            self._messages.popitem(last=False)


def _beginning(text: object) -> str | None:
    return text[:LONGEST_TEXT] if isinstance(text, str) else None
