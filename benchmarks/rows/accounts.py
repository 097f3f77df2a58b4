"""Several accounts in one bridge."""

import asyncio
from collections import defaultdict

from benchmarks.arena import Arena
from benchmarks.contestants import Bridge, link_account
from benchmarks.figures import Comparison, Figure, Goal, Measured, Row
from benchmarks.processes import usage

_MORE = 3
"""WhatsApp links four devices to a phone."""

_QUIET_SECONDS = 20


async def _measure(arena: Arena) -> Measured:
    each: dict[str, float] = {}
    async with arena.stages() as stages:
        for stage in stages:
            if stage.checkout is None:
                continue
            memory: defaultdict[int, float] = defaultdict(float)
            async with stage.running() as contestant:
                await stage.link(contestant)
            for accounts in (1, 1 + _MORE):
                async with stage.running() as contestant:
                    assert isinstance(contestant, Bridge)
                    known = (await contestant.call("GET", "/v1/accounts"))["accounts"]
                    for number in range(len(known), accounts):
                        await link_account(contestant, stage.simulator, f"account {number}")
                async with stage.running() as contestant:
                    await contestant.connected()
                    await asyncio.sleep(arena.few(_QUIET_SECONDS))
                    memory[accounts] = usage(contestant.pid).resident
            each[stage.name] = (memory[1 + _MORE] - memory[1]) / _MORE
    return {"each": each}


ACCOUNTS = Row(
    "accounts",
    "Each further account",
    f"Resident set with {1 + _MORE} linked accounts less that with one, {_QUIET_SECONDS} s after a start, divided by {_MORE}.",
    (Figure("each", "memory", "MiB", Goal(Comparison.AT_MOST, 8)),),
    _measure,
    rounds=3,
)
