"""Texts to a group, one after the other."""

from collections import defaultdict
from statistics import mean

from benchmarks.arena import Arena
from benchmarks.figures import Comparison, Figure, Goal, Measured, Row

_SIZES = (50, 256)
_BLOCKS = 4
_IN_A_BLOCK = 10


async def _measure(arena: Arena) -> Measured:
    rates: defaultdict[str, dict[str, float]] = defaultdict(dict)
    async with arena.sides() as sides:
        for size in _SIZES:
            groups: dict[str, str] = {}
            for side in sides:
                # the owner is a member too
                members = await side.add_contacts(size - 1, first=size * 1000, greet=False)
                groups[side.name] = await side.stage.simulator.add_group(f"Group of {size}", members)
                # the first text gives all of them the key for this group
                await side.contestant.send([groups[side.name]], 1)
            times: defaultdict[str, list[float]] = defaultdict(list)
            for _ in range(_BLOCKS):
                for side in sides:
                    times[side.name] += await side.contestant.send([groups[side.name]], _IN_A_BLOCK)
            rates[str(size)] = {name: 1000 / mean(values) for name, values in times.items()}
        for side in sides:
            await side.stage.refused_nothing()
    return rates


GROUPS = Row(
    "groups",
    "Messages a second to a group, one caller",
    f"{_BLOCKS} times {_IN_A_BLOCK} texts, each when the one before was acknowledged, in turn; all members have the key for the group. Bare Baileys has the group's metadata cached.",
    tuple(Figure(str(size), f"{size} members", "messages/s", Goal(Comparison.TIMES_AT_LEAST, 1.0)) for size in _SIZES),
    _measure,
    rounds=3,
)
