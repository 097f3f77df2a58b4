"""A link that drops again and again: Home Assistant follows at once, and nothing is left behind."""

import asyncio
import os
from pathlib import Path
import time

import aiohttp
import pytest

from tests.e2e.conftest import ALICE, House
from tests.stack.entities import entity_id, followed_states
from tests.stack.proc import children

pytestmark = pytest.mark.asyncio(loop_scope="module")

DROPS = 10
IDLE_SECONDS = float(os.environ.get("SOAK_SECONDS", "20"))
"""How long the link is watched in all; `scripts/soak` takes five minutes."""


def open_files(pid: int) -> int:
    """Counts a process's open files and sockets."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def metric(house: House, name: str) -> float:
    """Reads a gauge of the gateway."""
    headers = {"Authorization": f"Bearer {house.bridge.token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{house.bridge.url}/metrics", headers=headers) as answer,
    ):
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


async def test_ten_drops_are_each_seen_within_a_second_and_leave_nothing(house: House) -> None:
    connectivity = await entity_id(house.home_assistant, "binary_sensor")
    [engine] = children(house.bridge.process.pid)
    async with followed_states(house.home_assistant, connectivity) as log:
        await log.reaches("on")
        files_before = open_files(house.bridge.process.pid), open_files(engine)
        tasks_before = await metric(house, "whatsapp_bridge_tasks")
        for _ in range(DROPS):
            dropped = time.monotonic()
            await house.simulator.faults(drop=True)
            down = await log.reaches("off", "unavailable", after=dropped)
            assert down - dropped < 1
            up = await log.reaches("on", after=down)
            assert up - down < 10
            assert (await house.simulator.state()).connections == 1
            await asyncio.sleep(max(0.0, IDLE_SECONDS / DROPS - (time.monotonic() - dropped)))
        changes = [state for _, state in log.states]
        assert changes == ["on", *["off", "on"] * DROPS]
    async with asyncio.timeout(10):
        while (open_files(house.bridge.process.pid), open_files(engine)) > files_before:
            await asyncio.sleep(0.1)
    assert await metric(house, "whatsapp_bridge_tasks") <= tasks_before
    assert children(house.bridge.process.pid) == [engine]


async def test_it_still_sends_afterwards(house: House) -> None:
    await house.home_assistant.call("notify.whatsapp", message="Still here", target=ALICE)
    messages = await house.simulator.contact_messages(ALICE, wait=10)
    assert messages[-1].text == "Still here"
