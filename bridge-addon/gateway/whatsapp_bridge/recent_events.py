"""The last events in memory, for people who look: what happened, never what was written or who it was with."""

from collections import deque
from datetime import datetime
import json

from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.event_store import Event
from whatsapp_bridge.timestamps import Timestamp

KEPT = 50


class RecentEvent(BorderModel):
    """An event. `detail` is one word that says how: a state, a status, a kind of content."""

    time: Timestamp
    account: str
    type: str
    detail: str | None = None


class RecentEvents:
    """The last 50 events, newest first."""

    def __init__(self) -> None:
        self._events: deque[RecentEvent] = deque(maxlen=KEPT)

    def note(self, event: Event) -> None:
        """Notes an event."""
        time = datetime.fromisoformat(event.time)
        detail = _detail(json.loads(event.data))
        self._events.appendleft(RecentEvent(time=time, account=event.account, type=event.type, detail=detail))

    def all(self) -> list[RecentEvent]:
        """Returns them."""
        return list(self._events)


def _detail(data: dict[str, object]) -> str | None:
    """Returns the one word: only from fields whose values are from a list of ours."""
    content = data.get("content")
    kind = content.get("type") if isinstance(content, dict) else None
    for word in (kind, data.get("status"), data.get("state"), data.get("presence"), data.get("change")):
        if isinstance(word, str):
            return word
    return None
