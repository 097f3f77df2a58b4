"""One caller sends one text after the other."""

from collections import defaultdict

from benchmarks.arena import Arena
from benchmarks.figures import Comparison, Figure, Goal, Measured, Row, percentile
from benchmarks.processes import usage

_CONTACTS = 10
_BLOCKS = 10
_IN_A_BLOCK = 50


async def _measure(arena: Arena) -> Measured:
    times: defaultdict[str, list[float]] = defaultdict(list)
    cpu: defaultdict[str, float] = defaultdict(float)
    async with arena.sides() as sides:
        contacts = {side.name: await side.add_contacts(_CONTACTS) for side in sides}
        for _ in range(arena.few(_BLOCKS)):
            for side in sides:
                before = usage(side.contestant.pid).cpu
                times[side.name] += await side.contestant.send(contacts[side.name], _IN_A_BLOCK)
                cpu[side.name] += usage(side.contestant.pid).cpu - before
        for side in sides:
            await side.stage.refused_nothing()
    return {
        "p50": {name: percentile(values, 0.5) for name, values in times.items()},
        "p99": {name: percentile(values, 0.99) for name, values in times.items()},
        "cpu": {name: cpu[name] * 1000 / len(values) for name, values in times.items()},
    }


LATENCY = Row(
    "latency",
    "REST call to WhatsApp's acknowledgement: a text, one caller",
    f"{_BLOCKS} times {_IN_A_BLOCK} texts to {_CONTACTS} contacts with open sessions and delivery receipts, in turn with bare Baileys. Ours: "
    "`POST …/messages?wait=30` until its answer; the message is on the disk before it is sent. Bare: `sendMessage` until the ack.",
    (
        Figure("p50", "p50", "ms", Goal(Comparison.TIMES_AT_MOST, 1.25)),
        Figure("p99", "p99", "ms", Goal(Comparison.TIMES_AT_MOST, 1.5)),
        Figure("cpu", "CPU time per message, all processes", "ms"),
    ),
    _measure,
)
