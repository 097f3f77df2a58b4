"""Finds the integration's entities and follows their states through Home Assistant's WebSocket API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import time
from typing import Any

from tests.stack.home_assistant import HomeAssistant


async def entity_id(home_assistant: HomeAssistant, domain: str, name: str = "") -> str:
    """Returns the one entity that the integration has in a domain (`binary_sensor`, `sensor`), or the one of a name (`state`)."""
    async with home_assistant.socket() as socket:
        entries = await socket.command("config/entity_registry/list")
    found = [
        str(entry["entity_id"])
        for entry in entries
        if entry["platform"] == "whatsapp_gateway"
        and entry["entity_id"].startswith(f"{domain}.")
        and entry["entity_id"].endswith(f"_{name}" if name else "")
    ]
    assert len(found) == 1, f"expected one {domain} of the integration, found {found}"
    return found[0]


@dataclass
class StateLog:
    """The states that an entity went through, each with the time (`time.monotonic`) at which it was seen."""

    entity_id: str
    states: list[tuple[float, str]] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def follow(self, events: asyncio.Queue[dict[str, Any]]) -> None:
        """Takes over state changes until cancelled."""
        while True:
            change = (await events.get())["variables"]["trigger"]["to_state"]
            async with self._changed:
                self.states.append((time.monotonic(), str(change["state"])))
                self._changed.notify_all()

    async def reaches(self, *wanted: str, after: float = 0.0, limit: float = 10.0) -> float:
        """Waits for one of the wanted states, entered after a moment, and returns when it was."""

        def moment() -> float | None:
            return next((when for when, state in self.states if when >= after and state in wanted), None)

        try:
            async with asyncio.timeout(limit), self._changed:
                await self._changed.wait_for(lambda: moment() is not None)
        except TimeoutError:
            raise AssertionError(f"{self.entity_id} did not get to {wanted} in {limit} s: {self.states}") from None
        when = moment()
        assert when is not None
        return when


@asynccontextmanager
async def followed_states(home_assistant: HomeAssistant, entity: str) -> AsyncIterator[StateLog]:
    """Follows an entity's state changes; the present state is the log's first."""
    async with home_assistant.socket() as socket:
        events = await socket.subscribe("subscribe_trigger", trigger={"trigger": "state", "entity_id": entity})
        log = StateLog(entity)
        log.states.append((time.monotonic(), await home_assistant.state(entity)))
        follower = asyncio.create_task(log.follow(events), name=f"states of {entity}")
        try:
            yield log
        finally:
            follower.cancel()
            await asyncio.gather(follower, return_exceptions=True)
