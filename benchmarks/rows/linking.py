"""A phone scans the code of a contestant that was never linked."""

import asyncio
from collections import defaultdict
import shutil
from statistics import median
import time

from benchmarks.arena import Arena, Stage
from benchmarks.contestants import START_LIMIT, Bare, Bridge, begin_linking
from benchmarks.figures import Comparison, Figure, Goal, Measured, Row

_SCANS = 20


async def _measure(arena: Arena) -> Measured:
    connected: defaultdict[str, list[float]] = defaultdict(list)
    async with arena.stages() as stages:
        for _ in range(arena.few(_SCANS)):
            for stage in stages:
                connected[stage.name].append(await _scan(stage))
    return {"connected": {name: median(values) for name, values in connected.items()}}


async def _scan(stage: Stage) -> float:
    """Returns after how many ms it was connected. It begins with an empty folder, and without a linked device on the phone."""
    await stage.simulator.unlink()
    await asyncio.to_thread(shutil.rmtree, stage.folder, ignore_errors=True)
    async with stage.running() as contestant, asyncio.timeout(START_LIMIT):
        code = await _code(contestant)
        started = time.perf_counter()
        await stage.simulator.scan_qr(code)
        await contestant.connected()
        return (time.perf_counter() - started) * 1000


async def _code(contestant: Bare | Bridge) -> str:
    if isinstance(contestant, Bridge):
        _, code = await begin_linking(contestant)
        return code
    return await contestant.codes.get()


LINKING = Row(
    "linking",
    "QR code scanned until connected",
    f"{_SCANS} scans each, in turn, of a process that was just started with an empty folder, and shows its first code; from the phone's scan. Connected: "
    "Baileys' `open`, and the line of the gateway's log that says so.",
    (Figure("connected", "until connected", "ms", Goal(Comparison.TIMES_AT_MOST, 1.5)),),
    _measure,
)
