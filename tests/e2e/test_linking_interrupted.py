"""Home Assistant is restarted while a phone is being linked: the gateway goes on, and the next dialog takes over what there is."""

from pathlib import Path
from typing import Any

import pytest

from tests.simulator.client import running_simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.config_flow import begin_pairing, finished_flow, shown_qr_step
from tests.stack.home_assistant import HomeAssistant, home_assistant_again, running_home_assistant

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def offered(home_assistant: HomeAssistant, bridge: Bridge) -> dict[str, Any]:
    """Opens the dialog anew and chooses the account that an earlier one has left."""
    step = await home_assistant.start_flow()
    step = await home_assistant.answer_flow(step["flow_id"], url=bridge.url, token=bridge.token)
    assert step["step_id"] == "account"
    return await home_assistant.answer_flow(step["flow_id"], account="whatsapp")


async def test_a_restart_in_the_middle_loses_neither_the_account_nor_a_scan(tmp_path: Path) -> None:
    async with (
        running_simulator() as simulator,
        running_bridge(tmp_path / "bridge", simulator) as bridge,
        running_home_assistant(tmp_path / "config") as before,
    ):
        first = await begin_pairing(before, bridge)
        await before.process.stop()
        async with home_assistant_again(before) as home_assistant:
            step = await offered(home_assistant, bridge)
            assert step["step_id"] == "pair", "nobody has scanned"
            await home_assistant.answer_flow(step["flow_id"], next_step_id="scan")
            second = await shown_qr_step(home_assistant, step["flow_id"], but=first["qr_text"])
            await home_assistant.process.stop()
        # the phone scans what is still on a screen
        await simulator.scan_qr(second["qr_text"])
        async with home_assistant_again(before) as home_assistant:
            step = await offered(home_assistant, bridge)
            assert step["type"] == "create_entry", "it is linked already"
            assert (await finished_flow(home_assistant, step["flow_id"]))["title"] == simulator.phone
        assert (await simulator.state()).violations == []
