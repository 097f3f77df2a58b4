"""A message on its way, in memory until it is settled and that is written."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict, Unpack

from whatsapp_bridge.message import Message, MessageStatus
from whatsapp_bridge.message_store import Request


class Outcome(TypedDict, total=False):
    """What WhatsApp has said of a message; what is left out was not told."""

    chat: str
    timestamp: datetime
    error_code: str | None
    whatsapp_code: int | None


@dataclass(eq=False)
class OutgoingMessage:
    """A message that was accepted. Times are the loop's."""

    account: str
    message: Message
    kind: str
    """The type of its content."""
    request: Request | None
    """None once it is settled: contents do not outlive their delivery."""
    files: tuple[str, ...]
    accepted_at: float
    expires_at: float
    first_to_chat: bool
    tried: bool
    """Whether it may have reached WhatsApp, also in an earlier run."""
    tried_on_disk: bool = False
    """Whether the database says so, or says it ahead: of a message that nothing holds up once it is accepted."""
    attempts: int = 0
    not_before: float = 0.0
    upload_seconds: float = 0.0
    """How long its file may take to be uploaded."""
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self, status: MessageStatus, **outcome: Unpack[Outcome]) -> None:
        """Puts it into another state."""
        self.message = self.message.model_copy(
            update={"status": status, "error_code": None, "whatsapp_code": None} | dict(outcome)
        )
        if not status.unsettled:
            self.request = None
            self.settled.set()


def kind_of(request: Request) -> str:
    """Returns the type of content that a request sends."""
    content = request.get("content")
    return str(content.get("type", "unknown")) if isinstance(content, dict) else "unknown"
