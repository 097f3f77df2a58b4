"""Ten thousand messages wait."""

from statistics import median
import time

from benchmarks.arena import Arena
from benchmarks.contestants import Bridge
from benchmarks.figures import Comparison, Figure, Goal, Measured, Row

_QUEUED = 10_000
_SAMPLE = 200


async def _measure(arena: Arena) -> Measured:
    empty: dict[str, float] = {}
    full: dict[str, float] = {}
    async with arena.sides() as sides:
        for side in sides:
            if not isinstance(side.contestant, Bridge):
                continue
            contacts = await side.add_contacts(10)
            await side.stage.simulator.faults(drop=True, refuse_connections=True)
            empty[side.name] = await _accepted(side.contestant, contacts, _SAMPLE)
            for _ in range((arena.few(_QUEUED) - 2 * _SAMPLE) // 100):
                await _queue(side.contestant, contacts, 100)
            full[side.name] = await _accepted(side.contestant, contacts, _SAMPLE)
    return {"empty": empty, "full": full, "ratio": {name: full[name] / value for name, value in empty.items()}}


async def _queue(bridge: Bridge, contacts: list[str], number: int) -> None:
    for one in range(number):
        await bridge.message(contacts[one % len(contacts)], f"queued number {one}", wait=0)


async def _accepted(bridge: Bridge, contacts: list[str], number: int) -> float:
    """The median ms until a message was accepted and on the disk."""
    times: list[float] = []
    for one in range(number):
        started = time.perf_counter()
        await bridge.message(contacts[one % len(contacts)], f"measured number {one}", wait=0)
        times.append((time.perf_counter() - started) * 1000)
    return median(times)


QUEUE = Row(
    "queue",
    "A message is accepted while ten thousand wait",
    f"Median of {_SAMPLE} calls of `POST …/messages` with an empty queue and with {_QUEUED:,} messages in it, while WhatsApp cannot be reached.",
    (
        Figure("empty", "empty queue", "ms"),
        Figure("full", f"{_QUEUED:,} wait", "ms"),
        Figure("ratio", "the one to the other", "times", Goal(Comparison.AT_MOST, 1.1)),
    ),
    _measure,
    rounds=1,
)
