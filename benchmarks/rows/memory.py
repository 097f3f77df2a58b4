"""What stays in memory."""

import asyncio
from collections import defaultdict

from benchmarks.arena import Arena, Side, Stage
from benchmarks.figures import BARE, Comparison, Figure, Goal, Measured, Row
from benchmarks.processes import usage, usage_alone

_CONTACTS = 10
_QUIET_SECONDS = 30.0
_SETTLING_SECONDS = 10.0
_IN_FLIGHT = 4
_STEPS = (1_000, 10_000)
_FLAT = 1.15


async def _measure(arena: Arena) -> Measured:
    figures: defaultdict[str, dict[str, float]] = defaultdict(dict)
    async with arena.stages() as stages:
        for stage in stages:
            await _measure_one(arena, stage, figures)
    return figures


async def _measure_one(arena: Arena, stage: Stage, figures: defaultdict[str, dict[str, float]]) -> None:
    async with stage.running() as contestant:
        await stage.link(contestant)
        contacts = await Side(stage.name, contestant, stage).add_contacts(_CONTACTS)
    async with stage.running() as contestant:
        await contestant.connected()
        await asyncio.sleep(_SETTLING_SECONDS)
        before = usage(contestant.pid).cpu
        await asyncio.sleep(_QUIET_SECONDS - _SETTLING_SECONDS)
        idle = usage(contestant.pid)
        figures["cpu"][stage.name] = (idle.cpu - before) * 100 / (_QUIET_SECONDS - _SETTLING_SECONDS)
        figures["idle"][stage.name] = idle.resident
        figures["idle_pss"][stage.name] = idle.proportional
        if stage.name != BARE:
            alone = usage_alone(contestant.pid)
            figures["gateway"][stage.name] = alone.resident
            figures["engine"][stage.name] = idle.resident - alone.resident
        sent = 0
        for step in _STEPS:
            await contestant.send(contacts, arena.few(step) - sent, _IN_FLIGHT)
            sent = arena.few(step)
            figures[f"after_{step}"][stage.name] = usage(contestant.pid).resident
        await stage.refused_nothing()
    figures["growth"][stage.name] = figures["after_10000"][stage.name] / figures["after_1000"][stage.name]


MEMORY = Row(
    "memory",
    "Memory and idle CPU, all processes together",
    f"Resident set (as the peers were measured), {_QUIET_SECONDS:g} s after the start of a linked installation, and after 1,000 and 10,000 texts to {_CONTACTS} contacts, "
    f"{_IN_FLIGHT} callers at a time. The proportional set counts pages that two processes share once. CPU: the last 20 of these seconds.",
    (
        Figure("idle", "idle, resident", "MiB", Goal(Comparison.TIMES_AT_MOST, 1.4)),
        Figure("idle_pss", "idle, proportional", "MiB"),
        Figure("gateway", "idle, the gateway alone", "MiB"),
        Figure("engine", "idle, the engine alone", "MiB"),
        Figure("cpu", "CPU, idle and connected", "% of a core", Goal(Comparison.AT_MOST, 0.5)),
        Figure("after_1000", "after 1,000 texts", "MiB"),
        Figure("after_10000", "after 10,000 texts", "MiB"),
        Figure("growth", "10,000 texts to 1,000 texts", "times", Goal(Comparison.AT_MOST, _FLAT)),
    ),
    _measure,
    rounds=3,
)
