"""Follows the gateway's events across lost connections."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
import random
from typing import Final, Never, Protocol

from .client import GatewayClient
from .connection import EventConnection
from .errors import GatewayAnswerError, GatewayApiVersionError, GatewayConnectionError, GatewayError
from .events import Event, Hello

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 30.0
"""Seconds until a lost connection is tried again: doubled each time, and up to a half taken off by chance."""

ACKNOWLEDGE_AFTER: Final = 0.02
"""Seconds until an event that was processed is acknowledged: what it sets off begins in the turns of the loop that follow. Who is killed meanwhile
gets it again."""


@dataclass(frozen=True, slots=True)
class Position:
    """The number of the last event processed, and the log that it counts in."""

    log: str
    sequence: int


class StreamListener(Protocol):
    """Who hears what the stream brings."""

    @property
    def consumer(self) -> str | None:
        """The name under which the gateway keeps events until they are acknowledged; None: nothing is acknowledged yet."""

    @property
    def position(self) -> Position | None:
        """Where to resume; None: hear only what is new."""

    def connected(self, hello: Hello) -> None:
        """A connection stands; this is the present state. Events that are older than it may follow."""

    def received(self, event: Event) -> int | None:
        """An event came. Returns the number up to which all is processed, None where nothing is yet."""

    def lost(self, error: GatewayError) -> None:
        """There is no connection now. It is tried again."""


async def follow_events(client: GatewayClient, listener: StreamListener) -> Never:
    """Follows the events until cancelled.

    Raises:
        GatewayAuthError: somebody must act first.
    """
    attempts = 0
    while True:
        try:
            position = listener.position
            since, log = (position.sequence, position.log) if position is not None else (None, None)
            async with client.events(since=since, log=log, consumer=listener.consumer) as connection:
                attempts = 0
                listener.connected(connection.hello)
                async with _acknowledging(connection) as acknowledge:
                    while True:
                        processed = listener.received(await connection.next())
                        if processed is not None:
                            acknowledge(processed)
                            await asyncio.sleep(0)  # what it set off has its turn before the next event
        except (GatewayConnectionError, GatewayAnswerError, GatewayApiVersionError) as error:
            listener.lost(error)
        pause = min(FIRST_PAUSE * 2**attempts, LONGEST_PAUSE)
        attempts = min(attempts + 1, 10)
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads reconnections, nothing secret


@asynccontextmanager
async def _acknowledging(connection: EventConnection) -> AsyncGenerator[Callable[[int], None]]:
    """Acknowledges meanwhile what it is given, a moment later; several at once by the newest."""
    newest = 0
    given = asyncio.Event()

    def give(sequence: int) -> None:
        nonlocal newest
        newest = sequence
        given.set()

    async def acknowledge() -> None:
        while True:
            await given.wait()
            given.clear()
            sequence = newest
            await asyncio.sleep(ACKNOWLEDGE_AFTER)
            await connection.acknowledge(sequence)

    task = asyncio.create_task(acknowledge(), name="acknowledging events to the gateway")
    try:
        yield give
    finally:
        task.cancel()
        # a connection that has ended is told by who reads from it
        with suppress(asyncio.CancelledError, GatewayConnectionError):
            await task
