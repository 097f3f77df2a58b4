"""Remembers over restarts up to which event an account's messages were processed."""

from typing import Final, TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from .api.stream import Position
from .const import DOMAIN

VERSION: Final = 1
SAVE_DELAY: Final = 5.0
"""Seconds that pass before a new position is written; Home Assistant's stop and the entry's unload write it at once."""


class _Stored(TypedDict):
    log: str
    sequence: int


class PositionStore:
    """The position of one config entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._hass = hass
        self._store = Store[_Stored](hass, VERSION, f"{DOMAIN}.{entry_id}", private=True)
        self.position: Position | None = None
        """None until the first connection ever."""
        self._unwritten = False

    async def load(self) -> None:
        """Reads what was written before."""
        if (stored := await self._store.async_load()) is not None:
            self.position = Position(stored["log"], stored["sequence"])

    def move(self, position: Position) -> None:
        """Takes over a new position; it is written soon.

        The first one at once: without any, what comes while Home Assistant is away would be taken for older than the entry.
        """
        if position != self.position:
            first = self.position is None
            self.position = position
            self._unwritten = True
            if first:
                self.hurry()
            else:
                self._store.async_delay_save(self._stored, SAVE_DELAY)

    def hurry(self) -> None:
        """Writes it without delay: the gateway is gone, and may have died before it wrote down what it was told.

        A shorter delay would not do: Home Assistant waits for the longest that was asked for, and each message asks anew.
        """
        if self._unwritten:
            self._hass.async_create_task(self.flush(), "position of whatsapp_gateway", eager_start=True)

    async def flush(self) -> None:
        """Writes the position now, if it has changed."""
        if self._unwritten:
            await self._store.async_save(self._stored())

    async def erase(self) -> None:
        """Forgets it: the entry is removed."""
        await self._store.async_remove()

    def _stored(self) -> _Stored:
        assert self.position is not None  # noqa: S101 - nothing is written before there is one
        self._unwritten = False
        return {"log": self.position.log, "sequence": self.position.sequence}
