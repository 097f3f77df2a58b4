"""Events as consumers get them, one model for each kind, told apart by `type`: over the WebSocket and by webhooks alike."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from whatsapp_bridge.account import Account
from whatsapp_bridge.engine_protocol import Call, ContactEvent, GroupEvent, Pairing, Presence, ReceivedMessage
from whatsapp_bridge.message import MessageEvent
from whatsapp_bridge.timestamps import Timestamp


class Frame(BaseModel):
    """What all events have. `late`: it had happened before the consumer listened."""

    sequence: int
    account: str
    time: Timestamp
    late: bool


class AccountFrame(Frame):
    """An account is in another state, or came, was changed, or went."""

    type: Literal["account.state", "account.added", "account.changed", "account.removed"]
    data: Account


class PairingFrame(Frame):
    """A pairing has gone on; over the WebSocket alone."""

    type: Literal["pairing.update"]
    data: Pairing


class ReceivedFrame(Frame):
    """A message has come in."""

    type: Literal["message.received"]
    data: ReceivedMessage


class StatusFrame(Frame):
    """A message that was sent has another status."""

    type: Literal["message.status"]
    data: MessageEvent


class PresenceFrame(Frame):
    """Somebody comes, goes or types; over the WebSocket alone."""

    type: Literal["presence.changed"]
    data: Presence


class CallFrame(Frame):
    """A call rings, or has ended."""

    type: Literal["call.changed"]
    data: Call


class GroupFrame(Frame):
    """A group was changed."""

    type: Literal["group.changed"]
    data: GroupEvent


class ContactFrame(Frame):
    """A person's name, number or picture is new to us."""

    type: Literal["contact.changed"]
    data: ContactEvent


class QueueLength(BaseModel):
    """How many messages of an account are still to be sent."""

    waiting: int


class QueueFrame(Frame):
    """More or fewer messages wait; over the WebSocket alone."""

    type: Literal["queue.changed"]
    data: QueueLength


EventFrame = Annotated[
    AccountFrame
    | PairingFrame
    | ReceivedFrame
    | StatusFrame
    | PresenceFrame
    | CallFrame
    | GroupFrame
    | ContactFrame
    | QueueFrame,
    Field(discriminator="type"),
]

event_frame: TypeAdapter[EventFrame] = TypeAdapter(EventFrame)
