"""What the gateway tells of accounts, pairings and messages (docs/api.md), checked once, here."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from .fields import Fields, choice, fields, moment, number, optional, text, truth


class AccountState(StrEnum):
    """The state that an account is in."""

    STARTING = "starting"
    PAIRING = "pairing"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    LOGGED_OUT = "logged_out"
    REPLACED = "replaced"
    BLOCKED = "blocked"
    FAILED = "failed"


class PairingStatus(StrEnum):
    """How far a pairing has come."""

    WAITING = "waiting"
    PASSKEY_REQUIRED = "passkey_required"
    CONFIRMATION_REQUIRED = "confirmation_required"
    PAIRED = "paired"
    EXPIRED = "expired"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Pairing:
    """An attempt to link an account to a phone. `qr` is the text of the code that is valid until `expires_at`.

    `code` is the code to type or to compare, `passkey` holds WebAuthn request options (JSON).
    """

    status: PairingStatus
    qr: str | None
    code: str | None
    passkey: dict[str, object] | None
    expires_at: datetime | None
    error_code: str | None
    retry_at: datetime | None
    """From when on WhatsApp may give a code again."""

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks decoded JSON.

        Raises:
            GatewayAnswerError: it is no Pairing.
        """
        data = fields(value)
        return cls(
            status=choice(PairingStatus, data, "status"),
            qr=optional(text, data, "qr"),
            code=optional(text, data, "code"),
            passkey=dict(fields(data["passkey"])) if data.get("passkey") is not None else None,
            expires_at=optional(moment, data, "expires_at"),
            error_code=optional(text, data, "error_code"),
            retry_at=optional(moment, data, "retry_at"),
        )


@dataclass(frozen=True, slots=True)
class Account:
    """A linked WhatsApp number, or one that waits to be linked."""

    id: str
    name: str
    phone: str | None
    """E.164, of the present or last link; None until it was linked once."""
    state: AccountState
    reason: str | None
    since: datetime
    retry_at: datetime | None
    pairing: Pairing | None

    @property
    def linked(self) -> bool:
        """Whether a phone has linked it: it is, or will be by itself, connected."""
        return self.phone is not None and self.state not in {AccountState.LOGGED_OUT, AccountState.PAIRING}

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks decoded JSON.

        Raises:
            GatewayAnswerError: it is no Account.
        """
        data = fields(value)
        return cls(
            id=text(data, "id"),
            name=text(data, "name"),
            phone=optional(text, data, "phone"),
            state=choice(AccountState, data, "state"),
            reason=optional(text, data, "reason"),
            since=moment(data, "since"),
            retry_at=optional(moment, data, "retry_at"),
            pairing=None if data.get("pairing") is None else Pairing.parse(data["pairing"]),
        )


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """How many messages of an account wait to be sent."""

    waiting: int

    @classmethod
    def parse(cls, value: Fields) -> Self:
        """Checks the data of the event `queue.changed`.

        Raises:
            GatewayAnswerError: it is none.
        """
        return cls(number(value, "waiting"))


class MessageStatus(StrEnum):
    """What became of a message that we sent."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message that the gateway has accepted."""

    message_id: str
    chat: str
    status: MessageStatus
    timestamp: datetime
    error_code: str | None
    whatsapp_code: int | None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks decoded JSON.

        Raises:
            GatewayAnswerError: it is no Message.
        """
        data = fields(value)
        return cls(
            message_id=text(data, "messageId"),
            chat=text(data, "chat"),
            status=choice(MessageStatus, data, "status"),
            timestamp=moment(data, "timestamp"),
            error_code=optional(text, data, "error_code"),
            whatsapp_code=optional(number, data, "whatsapp_code"),
        )


@dataclass(frozen=True, slots=True)
class MessageStatusChanged:
    """What became of a message that we sent, for one of its recipients (a chat id). `timestamp` in it is that of the status."""

    message: OutgoingMessage
    recipient: str

    @classmethod
    def parse(cls, value: Fields) -> Self:
        """Checks the data of the event `message.status`.

        Raises:
            GatewayAnswerError: it is none.
        """
        return cls(OutgoingMessage.parse(value), text(value, "recipient"))


@dataclass(frozen=True, slots=True)
class Quote:
    """The message that another one answers; `author` is a chat id, None if it is our own."""

    message_id: str
    author: str | None
    text: str | None

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks decoded JSON.

        Raises:
            GatewayAnswerError: it is no quote.
        """
        data = fields(value)
        return cls(text(data, "message_id"), optional(text, data, "author"), optional(text, data, "text"))


_CAPTIONED = frozenset({"image", "video", "document"})


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message received.

    `content` is all of it as docs/api.md has it, `content_type` its kind; `text` are the words of a text or below a picture.
    """

    message_id: str
    chat_id: str
    chat_type: str
    sender_phone: str | None
    sender_lid: str | None
    sender_name: str | None
    from_me: bool
    timestamp: datetime
    backlog: bool
    content_type: str
    text: str | None
    content: Fields
    quote: Quote | None
    forwarded: bool

    @classmethod
    def parse(cls, value: Fields) -> Self:
        """Checks the data of the event `message.received`.

        Raises:
            GatewayAnswerError: it is none.
        """
        chat, sender, content = (fields(value.get(part)) for part in ("chat", "sender", "content"))
        content_type = text(content, "type")
        return cls(
            message_id=text(value, "message_id"),
            chat_id=text(chat, "id"),
            chat_type=text(chat, "type"),
            sender_phone=optional(text, sender, "phone"),
            sender_lid=optional(text, sender, "lid"),
            sender_name=optional(text, sender, "push_name"),
            from_me=truth(value, "from_me"),
            timestamp=moment(value, "timestamp"),
            backlog=truth(value, "backlog"),
            content_type=content_type,
            text=_words(content_type, content),
            content=content,
            quote=None if value.get("quote") is None else Quote.parse(value["quote"]),
            forwarded=truth(value, "forwarded"),
        )


def _words(content_type: str, content: Fields) -> str | None:
    if content_type == "text":
        return text(content, "text")
    return optional(text, content, "caption") if content_type in _CAPTIONED else None
