"""What crosses the border to the engine: docs/engine-protocol.md as models."""

from enum import StrEnum
from typing import Literal

from pydantic import JsonValue

from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.contact import Contact
from whatsapp_bridge.received_content import ReceivedContent
from whatsapp_bridge.timestamps import Timestamp

PROTOCOL_VERSION = 1

ACCOUNT_ID = r"^[a-z0-9][a-z0-9_-]{0,31}$"


class AccountState(StrEnum):
    """The one state machine of an account."""

    STARTING = "starting"
    PAIRING = "pairing"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    LOGGED_OUT = "logged_out"
    REPLACED = "replaced"
    BLOCKED = "blocked"
    FAILED = "failed"


class EngineErrorCode(StrEnum):
    """`data.error_code` of the engine's errors, as far as the gateway acts on them."""

    ACCOUNT_LOCKED = "account_locked"
    STORE_UNUSABLE = "store_unusable"
    ACCOUNT_NOT_STARTED = "account_not_started"
    ALREADY_PAIRED = "already_paired"
    PASSKEY_NOT_REQUESTED = "passkey_not_requested"
    INVALID_PARAMS = "invalid_params"
    NOT_CONNECTED = "not_connected"
    RECIPIENT_NOT_ON_WHATSAPP = "recipient_not_on_whatsapp"
    MESSAGE_REJECTED = "message_rejected"
    MESSAGE_NOT_KEPT = "message_not_kept"
    MEDIA_UNREADABLE = "media_unreadable"
    MEDIA_UPLOAD_FAILED = "media_upload_failed"
    NOT_POSSIBLE_HERE = "not_possible_here"
    GROUP_NOT_FOUND = "group_not_found"
    NOT_A_MEMBER = "not_a_member"
    PICTURE_NOT_AVAILABLE = "picture_not_available"
    CALL_NOT_KNOWN = "call_not_known"
    REFUSED = "refused"
    MEDIA_NOT_KNOWN = "media_not_known"
    MEDIA_GONE = "media_gone"
    MEDIA_TOO_LARGE = "media_too_large"
    MEDIA_DAMAGED = "media_damaged"
    MEDIA_DOWNLOAD_FAILED = "media_download_failed"
    STORAGE_FULL = "storage_full"
    ACKNOWLEDGEMENT_TIMEOUT = "acknowledgement_timeout"
    INTERNAL_ERROR = "internal_error"


class EngineIdentity(BorderModel):
    """Which engine it is."""

    name: str
    version: str
    library: str


class InitializeResult(BorderModel):
    """Answer to `initialize`."""

    protocol_version: int
    engine: EngineIdentity


class PingResult(BorderModel):
    """Answer to `ping`; `memory` is in resident bytes."""

    memory: int | None = None


class EraseResult(BorderModel):
    """Answer to `account.erase`."""

    unlinked: bool


class SendResult(BorderModel):
    """Answer to `message.send`: WhatsApp's server has the message."""

    message_id: str
    chat: str
    timestamp: Timestamp


class AccountStateChanged(BorderModel):
    """`account.state`."""

    account: str
    state: AccountState
    reason: str | None
    phone: str | None
    lid: str | None
    name: str | None
    since: Timestamp
    retry_at: Timestamp | None


class Pairing(BorderModel):
    """Where a pairing is; `qr`, `code` or `passkey` (WebAuthn request options) is valid until `expires_at`.

    `retry_at` comes with `pairing_rate_limited`: from then on WhatsApp may give a code again.
    """

    method: Literal["qr", "code"]
    status: Literal[
        "waiting",
        "passkey_required",
        "confirmation_required",
        "paired",
        "expired",
        "refused",
        "cancelled",
        "failed",
    ]
    qr: str | None = None
    code: str | None = None
    passkey: dict[str, JsonValue] | None = None
    expires_at: Timestamp | None = None
    error_code: str | None = None
    retry_at: Timestamp | None = None

    @property
    def under_way(self) -> bool:
        """Whether it still waits for somebody."""
        return self.status in {"waiting", "passkey_required", "confirmation_required"}


class PairingUpdate(Pairing):
    """`pairing.update`."""

    account: str


class Chat(BorderModel):
    """Where a message stands."""

    id: str
    type: Literal["person", "group", "channel", "status"]


class Sender(BorderModel):
    """Who wrote a message; phone or LID is known."""

    phone: str | None
    lid: str | None
    push_name: str | None


class Quote(BorderModel):
    """The message that another one answers; `author` is a chat id, None if it is our own."""

    message_id: str
    author: str | None
    text: str | None


class ReceivedMessage(BorderModel):
    """A message that came in; `mentions` are chat ids."""

    message_id: str
    chat: Chat
    sender: Sender
    from_me: bool
    timestamp: Timestamp
    backlog: bool
    content: ReceivedContent
    quote: Quote | None
    mentions: list[str]
    forwarded: bool
    view_once: bool


class MessageReceived(ReceivedMessage):
    """`message.received`."""

    account: str
    delivery: int | None = None


class MessageStatusChanged(BorderModel):
    """`message.status`."""

    account: str
    delivery: int | None = None
    message_id: str
    chat: str
    status: Literal["sent", "delivered", "read", "played", "failed"]
    recipient: str
    timestamp: Timestamp
    error_code: str | None
    whatsapp_code: int | None


class Presence(BorderModel):
    """Who is online or types; `person` is who of them in a group."""

    chat: str
    person: str
    presence: Literal["available", "unavailable", "typing", "recording", "paused"]
    last_seen: Timestamp | None


class PresenceChanged(Presence):
    """`presence.changed`."""

    account: str


class Call(BorderModel):
    """A call to this account, and what has become of it; `chat` is the group's in a group call, else the caller's."""

    call_id: str
    person: str
    chat: str
    video: bool
    status: Literal["ringing", "accepted", "rejected", "missed", "ended"]
    timestamp: Timestamp
    backlog: bool


class CallChanged(Call):
    """`call.changed`."""

    account: str
    delivery: int | None = None


class GroupEvent(BorderModel):
    """What happened to a group. `actor` is who did it, None where WhatsApp does not tell; `members` are whom it is about."""

    chat: str
    message_id: str
    actor: str | None
    change: Literal[
        "created",
        "subject",
        "description",
        "picture",
        "announce",
        "locked",
        "invite",
        "added",
        "joined",
        "removed",
        "left",
        "promoted",
        "demoted",
    ]
    members: list[str]
    value: str | None
    """The new subject or description, `on` or `off` of a setting, `changed` or `removed` of a picture."""
    timestamp: Timestamp
    backlog: bool


class GroupChanged(GroupEvent):
    """`group.changed`."""

    account: str
    delivery: int | None = None


class ContactEvent(Contact):
    """Somebody whom the account knows has another name, push name, number or picture: all that is known now."""

    picture_changed: bool


class ContactChanged(ContactEvent):
    """`contact.changed`."""

    account: str
    delivery: int | None = None


Notification = (
    AccountStateChanged
    | PairingUpdate
    | MessageReceived
    | MessageStatusChanged
    | PresenceChanged
    | CallChanged
    | GroupChanged
    | ContactChanged
)

_NOTIFICATIONS: dict[str, type[Notification]] = {
    "account.state": AccountStateChanged,
    "pairing.update": PairingUpdate,
    "message.received": MessageReceived,
    "message.status": MessageStatusChanged,
    "presence.changed": PresenceChanged,
    "call.changed": CallChanged,
    "group.changed": GroupChanged,
    "contact.changed": ContactChanged,
}


def read_notification(method: str, params: object) -> Notification | None:
    """Checks a notification; None for a method that this version does not know.

    Raises:
        pydantic.ValidationError: the params are not of the method's form.
    """
    model = _NOTIFICATIONS.get(method)
    return None if model is None else model.model_validate(params)
