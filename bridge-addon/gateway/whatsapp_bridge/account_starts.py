"""Accounts that the engine could not start: each is tried again until it can be, and holds up no other meanwhile."""

import asyncio
from dataclasses import dataclass

from whatsapp_bridge.engine_protocol import EngineErrorCode

_LOCK_LIMIT = 15.0
"""Seconds for which a locked store is nothing to worry about: an engine of ours that was orphaned by SIGKILL holds it until it has flushed."""

_LOCK_PAUSE = 0.5
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 60.0


@dataclass
class Waiting:
    """An account that waits to be started, in the loop's time."""

    since: float
    at: float = 0.0
    pause: float = 0.0
    failed: bool = False
    """Whether somebody should look after it."""


class AccountStarts:
    """Which accounts wait to be started again, and when it is their turn."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiting] = {}
        self._changed = asyncio.Event()

    def refused(self, account_id: str, error_code: str) -> Waiting:
        """Notes that an account could not be started."""
        moment = asyncio.get_running_loop().time()
        waiting = self._waiting.setdefault(account_id, Waiting(moment))
        waiting.failed = error_code != EngineErrorCode.ACCOUNT_LOCKED or moment - waiting.since > _LOCK_LIMIT
        if waiting.failed:
            waiting.pause = min(max(_FIRST_PAUSE, waiting.pause * 2), _LONGEST_PAUSE)
        else:
            waiting.pause = _LOCK_PAUSE
        waiting.at = moment + waiting.pause
        self._changed.set()
        return waiting

    def take(self, account_id: str) -> Waiting | None:
        """Takes out an account that was started, or is not to be."""
        return self._waiting.pop(account_id, None)

    def put(self, account_id: str, waiting: Waiting | None) -> None:
        """Puts back what was taken."""
        if waiting is not None:
            self._waiting[account_id] = waiting
            self._changed.set()

    def clear(self) -> None:
        """Forgets all: an engine that comes up starts each account anew."""
        self._waiting.clear()

    async def due(self) -> list[str]:
        """Waits until it is some account's turn. One that does not take it has another one later."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            moment = loop.time()
            if due := [account_id for account_id, waiting in self._waiting.items() if waiting.at <= moment]:
                for account_id in due:
                    self._waiting[account_id].at = moment + self._waiting[account_id].pause
                return due
            wake_at = min((waiting.at for waiting in self._waiting.values()), default=None)
            try:
                async with asyncio.timeout_at(wake_at):
                    await self._changed.wait()
            except TimeoutError:
                continue
