"""The link was lost: the same number comes back to its entities, history and recipients, and no other number does."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.integration.conftest import ALICE, SECOND_PHONE
from tests.integration.dialog import (
    CONNECTIVITY,
    STATE,
    Step,
    is_state,
    qr_text,
    scan,
    shown_code,
    step_after_progress,
    until,
)
from tests.integration.scripted_gateway import ScriptedGateway, golden
from tests.simulator.client import Simulator, SimulatorError
from tests.stack.bridge import Bridge


async def offered(hass: HomeAssistant, simulator: Simulator) -> Step:
    """The phone unlinks the account; Home Assistant offers the dialog."""
    await simulator.unlink()
    await until(lambda: is_state(hass, STATE, "logged_out"), "the unlinking is seen")
    await until(lambda: bool(hass.config_entries.flow.async_progress()), "the dialog is offered")
    [flow] = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_link"
    return flow


async def test_the_same_number_finds_all_as_it_was(
    hass: HomeAssistant, linked: str, bridge: Bridge, simulator: Simulator
) -> None:
    before = er.async_entries_for_config_entry(er.async_get(hass), linked)
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), linked)
    flow = await offered(hass, simulator)
    await begin_linking(hass, flow["flow_id"])
    await simulator.scan_qr(await qr_text(bridge))
    await step_after_progress(hass, flow["flow_id"])
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "the account is connected again")
    [entry] = hass.config_entries.async_entries("whatsapp_gateway")
    assert (entry.entry_id, entry.data["phone"]) == (linked, simulator.phone)
    assert er.async_entries_for_config_entry(er.async_get(hass), linked) == before
    assert [device.id for device in dr.async_entries_for_config_entry(dr.async_get(hass), linked)] == [
        device.id for device in devices
    ]
    await hass.services.async_call("notify", "whatsapp", {"message": "Back", "target": [ALICE]}, blocking=True)
    [message] = await simulator.contact_messages(ALICE, wait=10)
    assert message.text == "Back"


async def test_another_number_is_refused_with_a_sentence_and_the_right_one_works_then(
    hass: HomeAssistant, linked: str, bridge: Bridge, simulator: Simulator
) -> None:
    flow = await offered(hass, simulator)
    await begin_linking(hass, flow["flow_id"])
    with pytest.raises(SimulatorError, match="companion_refused"):
        await simulator.scan_qr(await qr_text(bridge), phone=SECOND_PHONE)
    step = await step_after_progress(hass, flow["flow_id"])
    assert step["step_id"] == "pairing_other_number"
    assert step["description_placeholders"]["phone"] == simulator.phone

    await scan(hass, flow["flow_id"])
    await shown_code(hass, flow["flow_id"])
    await simulator.scan_qr(await qr_text(bridge))
    await step_after_progress(hass, flow["flow_id"])
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "the account is connected again")


async def begin_linking(hass: HomeAssistant, flow_id: str) -> None:
    await hass.config_entries.flow.async_configure(flow_id, {})
    await scan(hass, flow_id)
    await shown_code(hass, flow_id)


def other_number(entry: MockConfigEntry, hass: HomeAssistant) -> None:
    hass.config_entries.async_update_entry(entry, data={**entry.data, "phone": "+15559999999"})


async def test_an_entry_is_not_set_up_with_another_numbers_account(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    other_number(entry, hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "other_number"


async def test_a_gateway_that_has_another_number_under_this_name_is_refused(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    other_number(entry, hass)
    step = await entry.start_reconfigure_flow(hass)
    given = {"url": gateway.url, "token": gateway.token}
    step = await hass.config_entries.flow.async_configure(step["flow_id"], given)
    assert (step["step_id"], step["errors"]) == ("reconfigure", {"base": "other_number"})
    hass.config_entries.async_update_entry(entry, data={**entry.data, "phone": "+15550001000"})
    step = await hass.config_entries.flow.async_configure(step["flow_id"], given)
    assert (step["type"], step["reason"]) == ("abort", "reconfigure_successful")


async def test_an_entry_of_an_earlier_version_learns_its_number(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    assert "phone" not in entry.data
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert entry.data["phone"] == golden("event-hello")["accounts"][0]["phone"]
    await hass.config_entries.async_unload(entry.entry_id)
