"""Each way that leads to a link, from Home Assistant's dialog to the simulated phone and back."""

from collections.abc import AsyncIterator
import json

from homeassistant.core import HomeAssistant
import pytest

from tests.integration.dialog import (
    CONNECTIVITY,
    begin,
    current_step,
    is_state,
    qr_text,
    shown_code,
    step_after_progress,
    until,
)
from tests.simulator.client import Simulator, SimulatorError
from tests.stack.bridge import Bridge
from tests.stack.qr import read_qr_svg


@pytest.fixture
async def flow_id(hass: HomeAssistant, bridge: Bridge) -> AsyncIterator[str]:
    """A dialog that shows a QR code; at the end it has linked the account."""
    step = await begin(hass, url=bridge.url, token=bridge.token)
    await shown_code(hass, step["flow_id"])
    yield step["flow_id"]
    await is_linked(hass, step["flow_id"])


async def is_linked(hass: HomeAssistant, flow_id: str) -> None:
    assert (await step_after_progress(hass, flow_id))["type"] == "finished"
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "the account is connected")
    [entry] = hass.config_entries.async_entries("whatsapp_gateway")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_secret_that_is_renewed_while_the_code_is_shown(
    hass: HomeAssistant, flow_id: str, bridge: Bridge, simulator: Simulator
) -> None:
    before = await shown_code(hass, flow_id)
    await simulator.faults(refresh_secret=True)
    after = read_qr_svg(await shown_code(hass, flow_id, but=before))
    assert after == await qr_text(bridge)
    assert after.split(",")[0] == read_qr_svg(before).split(",")[0], "no ref is used up"
    await simulator.scan_qr(after)


async def test_a_secret_that_is_renewed_after_the_scan(
    hass: HomeAssistant, flow_id: str, bridge: Bridge, simulator: Simulator
) -> None:
    before = await shown_code(hass, flow_id)
    await simulator.faults(refresh_after_scan=True)
    with pytest.raises(SimulatorError, match="secret_retired"):
        await simulator.scan_qr(read_qr_svg(before))
    await simulator.scan_qr(read_qr_svg(await shown_code(hass, flow_id, but=before)))


async def brings_the_passkey(hass: HomeAssistant, flow_id: str, simulator: Simulator) -> None:
    step = await step_after_progress(hass, flow_id)
    assert step["step_id"] == "passkey"
    answer = {"assertion": json.dumps(await simulator.passkey_assertion())}
    await hass.config_entries.flow.async_configure(flow_id, answer)


@pytest.mark.parametrize("fault", ["required", "options-on-request"])
async def test_a_passkey_with_the_proof_that_the_code_was_ours(
    hass: HomeAssistant, flow_id: str, bridge: Bridge, simulator: Simulator, fault: str
) -> None:
    await simulator.faults(passkey=fault)
    await simulator.scan_qr(await qr_text(bridge))
    await brings_the_passkey(hass, flow_id, simulator)


@pytest.mark.parametrize("passkey", [False, True])
async def test_a_code_that_is_typed(
    hass: HomeAssistant, bridge: Bridge, simulator: Simulator, *, passkey: bool
) -> None:
    if passkey:
        await simulator.faults(passkey="required")
    step = await begin(hass, way="code", url=bridge.url, token=bridge.token)
    flow_id = step["flow_id"]
    step = await hass.config_entries.flow.async_configure(flow_id, {"phone": "170"})
    assert step["errors"] == {"phone": "invalid_phone"}
    await hass.config_entries.flow.async_configure(flow_id, {"phone": f"{simulator.phone[:2]} ({simulator.phone[2:]})"})
    await until(lambda: current_step(hass, flow_id)["progress_action"] == "type_code", "the code is shown")
    shown = current_step(hass, flow_id)["description_placeholders"]
    assert len(shown["code"]) == 9
    assert shown["code"][4] == "-"
    assert len(shown["until"]) == len("14:03")
    await simulator.enter_code(shown["code"].replace("-", ""))
    if passkey:
        await brings_the_passkey(hass, flow_id, simulator)
        step = await step_after_progress(hass, flow_id)
        assert step["step_id"] == "compare_codes", "without the proof of a scanned code"
        assert step["description_placeholders"]["code"] == await simulator.passkey_code()
        await hass.config_entries.flow.async_configure(flow_id, {"next_step_id": "codes_same"})
    await is_linked(hass, flow_id)
