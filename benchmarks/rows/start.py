"""A linked contestant is started."""

import asyncio
from collections import defaultdict
from statistics import median
import time

from benchmarks.arena import Arena, Stage
from benchmarks.contestants import START_LIMIT, Bridge
from benchmarks.figures import Comparison, Figure, Goal, Measured, Row

_STARTS = 5


async def _measure(arena: Arena) -> Measured:
    connected: defaultdict[str, list[float]] = defaultdict(list)
    listening: defaultdict[str, list[float]] = defaultdict(list)
    async with arena.stages() as stages:
        for stage in stages:
            async with stage.running() as contestant:
                await stage.link(contestant)
        for _ in range(_STARTS):
            for stage in stages:
                ready_after, connected_after = await _start(stage)
                connected[stage.name].append(connected_after)
                if ready_after is not None:
                    listening[stage.name].append(ready_after)
    return {
        "connected": {name: median(values) for name, values in connected.items()},
        "listening": {name: median(values) for name, values in listening.items()},
    }


async def _start(stage: Stage) -> tuple[float | None, float]:
    """Returns after how many ms it listened for HTTP, and was connected."""
    started = time.time()
    async with stage.running() as contestant, asyncio.timeout(START_LIMIT):
        ready_after = (time.time() - started) * 1000 if isinstance(contestant, Bridge) else None
        return ready_after, (await contestant.connected() - started) * 1000


START = Row(
    "start",
    "Start of a linked installation",
    f"{_STARTS} starts each, in turn, with files in the page cache; from the start of the first process. Connected: Baileys' `open`, and "
    "the line of the gateway's log that says so.",
    (
        Figure("connected", "until connected", "ms", Goal(Comparison.TIMES_AT_MOST, 1.5)),
        Figure("listening", "until HTTP is served", "ms"),
    ),
    _measure,
)
