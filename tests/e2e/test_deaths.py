"""Processes that die: Home Assistant says so, and all comes back without its restart and without a new scan."""

import asyncio
import os
from pathlib import Path
import signal
import time
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import ALICE, House
from tests.simulator.client import running_simulator
from tests.stack.bridge import running_bridge
from tests.stack.config_flow import begin_pairing, finished_flow
from tests.stack.entities import entity_id, followed_states
from tests.stack.home_assistant import running_home_assistant
from tests.stack.proc import children

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_killed_engine_is_restarted_and_a_message_sent_meanwhile_arrives(house: House) -> None:
    connectivity = await entity_id(house.home_assistant, "binary_sensor")
    async with followed_states(house.home_assistant, connectivity) as log:
        [engine] = children(house.bridge.process.pid)
        killed = time.monotonic()
        os.kill(engine, signal.SIGKILL)
        down = await log.reaches("off", after=killed)
        assert down - killed < 1
        await house.home_assistant.call("notify.whatsapp", message="sent while the engine was dead", target=ALICE)
        [message] = await house.simulator.contact_messages(ALICE, wait=20)
        assert message.text == "sent while the engine was dead"
        await log.reaches("on", after=down)


async def test_a_killed_gateway_is_unavailable_and_comes_back_when_it_is_started_again(tmp_path: Path) -> None:
    async with (
        running_simulator() as simulator,
        running_home_assistant(tmp_path / "config") as home_assistant,
    ):
        await simulator.add_contact(ALICE, "Alice")
        async with running_bridge(tmp_path / "bridge", simulator) as bridge:
            step = await begin_pairing(home_assistant, bridge)
            await simulator.scan_qr(step["qr_text"])
            await finished_flow(home_assistant, step["flow_id"])
            connectivity = await entity_id(home_assistant, "binary_sensor")
            async with followed_states(home_assistant, connectivity) as log:
                await log.reaches("on")
                killed = time.monotonic()
                bridge.process.kill()
                down = await log.reaches("unavailable", after=killed)
                assert down - killed < 1
                await bridge.process.ended()
                async with asyncio.timeout(5):
                    while (await simulator.state()).connections:
                        await asyncio.sleep(0.05)
                port = urlsplit(bridge.url).port
                assert port is not None
                async with running_bridge(tmp_path / "bridge", simulator, port=port):
                    await log.reaches("on", after=down, limit=40)
                    await home_assistant.call("notify.whatsapp", message="back", target=ALICE)
                    [message] = await simulator.contact_messages(ALICE, wait=10)
                    assert message.text == "back"
        assert (await simulator.state()).violations == []
