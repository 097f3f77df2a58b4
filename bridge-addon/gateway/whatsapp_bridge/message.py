"""What a message that we send is to every surface."""

from enum import StrEnum
import unicodedata

from pydantic import ConfigDict, Field

from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.timestamps import Timestamp


class MessageStatus(StrEnum):
    """The life of a message."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def unsettled(self) -> bool:
        """Whether it is still to be sent."""
        return self in {MessageStatus.QUEUED, MessageStatus.SENDING}

    @property
    def progress(self) -> int:
        """How far it has come; 0 until WhatsApp has it. What is known to have arrived stays so."""
        return _PROGRESS.get(self, 0)


_PROGRESS = {
    MessageStatus.SENT: 1,
    MessageStatus.DELIVERED: 2,
    MessageStatus.READ: 3,
    MessageStatus.PLAYED: 4,
}


class Message(BorderModel):
    """A message that was accepted."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    message_id: str = Field(alias="messageId")
    to: str
    """The chat id that it was accepted for."""
    chat: str
    """The chat id that WhatsApp put it in."""
    status: MessageStatus
    timestamp: Timestamp
    """WhatsApp's where it was sent, else when it was accepted."""
    error_code: str | None = None
    whatsapp_code: int | None = None


class MessageEvent(Message):
    """A message's new status; in a group `recipient` (a chat id) says whose, and `timestamp` is that of the status."""

    recipient: str


_BLANK_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Zs", "Zl", "Zp"})
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def check_text(text: str, longest: int) -> None:
    """Checks the text of a message.

    Raises:
        BridgeError: `message_empty`: it has no visible character; `message_too_long`: more than `longest` characters.
    """
    if len(text) > longest:
        detail = f"The text has {len(text)} characters; at most {longest} are allowed."
        raise BridgeError(ErrorCode.MESSAGE_TOO_LONG, detail)
    if all(unicodedata.category(letter) in _BLANK_CATEGORIES or letter in _BLANK_LETTERS for letter in text):
        raise BridgeError(ErrorCode.MESSAGE_EMPTY, "The text is empty.")
