"""Tells listeners how many messages of an account wait: soon after it changes, not with every message."""

import asyncio
from collections.abc import Callable

from whatsapp_bridge.events import EventLog, EventType

PAUSE = 1.0
"""Seconds in which changes are put together; a message that is sent within them is not worth telling."""


class QueueReports:
    """The reports on all accounts. `waiting` counts an account's messages."""

    def __init__(self, events: EventLog, waiting: Callable[[str], int], pause: float = PAUSE) -> None:
        self._events = events
        self._waiting = waiting
        self._pause = pause
        self._due: dict[str, asyncio.TimerHandle] = {}
        self._told: dict[str, int] = {}

    def changed(self, account: str) -> None:
        """A message was added to an account's queue, or left it."""
        if account not in self._due:
            self._due[account] = asyncio.get_running_loop().call_later(self._pause, self._tell, account)

    def stop(self) -> None:
        """Tells no more."""
        for handle in self._due.values():
            handle.cancel()
        self._due.clear()

    def _tell(self, account: str) -> None:
        del self._due[account]
        waiting = self._waiting(account)
        if waiting != self._told.get(account, 0):
            self._told[account] = waiting
            self._events.publish(account, EventType.QUEUE_CHANGED, {"waiting": waiting}, kept=None)
