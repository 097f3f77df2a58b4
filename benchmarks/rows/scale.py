"""An account with many chats and a full event log."""

import asyncio
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
import sqlite3

from benchmarks.arena import Arena, Side
from benchmarks.figures import BARE, Comparison, Figure, Goal, Measured, Row, percentile

_CONTACTS = 1_000
_GROUPS = 200
_MEMBERS = 5
_EVENTS = 99_000
"""The log keeps 100,000 and then makes room for a tenth of them."""

_BLOCKS = 8
_IN_A_BLOCK = 25


async def _measure(arena: Arena) -> Measured:
    name = arena.names[-1]
    times: defaultdict[str, list[float]] = defaultdict(list)
    async with arena.stages() as few, arena.stages() as many, AsyncExitStack() as stack:
        small, large = few[-1], many[-1]
        assert name != BARE
        async with large.running() as contestant:
            await large.link(contestant)
            contacts = await Side(name, contestant, large).add_contacts(arena.few(_CONTACTS))
            for number in range(arena.few(_GROUPS)):
                members = contacts[number * _MEMBERS % len(contacts) :][:_MEMBERS]
                group = await large.simulator.add_group(f"Group {number}", members)
                await contestant.send([group], 1)
        await asyncio.to_thread(_fill_log, large.folder / "data/gateway.db", arena.few(_EVENTS))
        sides = {"small": small, "large": large}
        running = {key: await stack.enter_async_context(stage.running()) for key, stage in sides.items()}
        await small.link(running["small"])
        await running["large"].connected()
        await Side(name, running["small"], small).add_contacts(10)
        for contestant in running.values():
            await contestant.send(contacts[:10], 20)
        for _ in range(_BLOCKS):
            for key, contestant in running.items():
                times[key] += await contestant.send(contacts[:10], _IN_A_BLOCK)
    figures = {key: percentile(values, 0.5) for key, values in times.items()}
    return {
        **{key: {name: value} for key, value in figures.items()},
        "ratio": {name: figures["large"] / figures["small"]},
    }


def _fill_log(path: Path, events: int) -> None:
    """Writes events of the past into the log of a stopped gateway."""
    now = datetime.now(UTC)
    row = ("benchmark", "message.status", now.isoformat(), now.timestamp(), '{"message_id": "3EB0000000000000000000"}')
    with sqlite3.connect(path) as database:
        database.executemany(
            "INSERT INTO events (account, type, time, at, data) VALUES (?, ?, ?, ?, ?)", [row] * events
        )
    database.close()


SCALE = Row(
    "scale",
    "Many chats and a full event log",
    f"REST call to ack, p50, of {_BLOCKS * _IN_A_BLOCK} texts in turn: an installation with {_CONTACTS:,} contacts and {_GROUPS} groups that were all written to and {_EVENTS:,} events "
    "in its log, and one with 10 contacts and an empty log.",
    (
        Figure("small", "10 contacts, empty log", "ms"),
        Figure("large", f"{_CONTACTS:,} contacts, {_GROUPS} groups, {_EVENTS:,} events", "ms"),
        Figure("ratio", "the one to the other", "times", Goal(Comparison.AT_MOST, 1.1)),
    ),
    _measure,
    rounds=1,
)
