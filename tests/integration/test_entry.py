"""An entry's life: states pushed, gone and back with the gateway, unloaded without leftovers, and its diagnostics."""

import asyncio

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_gateway.diagnostics import async_get_config_entry_diagnostics
from tests.integration.conftest import IDENTITY
from tests.integration.dialog import is_state, until
from tests.integration.scripted_gateway import ScriptedGateway, golden

CONNECTIVITY, STATE = "binary_sensor.home_connectivity", "sensor.home_state"


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


@pytest.mark.parametrize(
    "state",
    ["starting", "pairing", "connecting", "connected", "reconnecting", "replaced", "blocked", "failed"],
)
async def test_every_state_is_shown_as_it_is_pushed(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, state: str
) -> None:
    await set_up(hass, entry)
    await gateway.listeners()
    event = golden("event-account-state")
    event["sequence"] = 100
    event["data"] |= {"state": state}
    await gateway.send(event)
    await until(lambda: is_state(hass, STATE, state), f"the state is {state}")
    assert is_state(hass, CONNECTIVITY, "on" if state == "connected" else "off")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_one_service_device(hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry) -> None:
    await set_up(hass, entry)
    [device] = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert device.entry_type is dr.DeviceEntryType.SERVICE
    assert device.identifiers == {("whatsapp_gateway", IDENTITY)}
    assert device.sw_version == "0.1.0"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_lost_gateway_is_unavailable_within_a_second_and_comes_back(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    await set_up(hass, entry)
    await gateway.listeners()
    gateway.answer("GET", "/v1/events", (500, {}))
    await gateway.drop()
    async with asyncio.timeout(1):
        await until(lambda: is_state(hass, CONNECTIVITY, "unavailable"), "it is unavailable")
    del gateway.answers["GET", "/v1/events"]
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is back")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_gateway_that_is_away_at_the_start_is_waited_for(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(entry, data={**entry.data, "url": "http://127.0.0.1:9"})
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_an_account_that_the_gateway_does_not_have(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    gateway.hello["accounts"] = []
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR


async def test_another_api_version_is_a_repair_until_it_fits(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    gateway.hello["api_version"] = 2
    assert not await hass.config_entries.async_setup(entry.entry_id)
    issue_id = f"api_version_{entry.entry_id}"
    assert ir.async_get(hass).async_get_issue("whatsapp_gateway", issue_id) is not None
    gateway.hello["api_version"] = 1
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert ir.async_get(hass).async_get_issue("whatsapp_gateway", issue_id) is None
    await hass.config_entries.async_unload(entry.entry_id)


async def test_each_message_is_told_once_and_acknowledged_also_after_a_reload(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, messages: list[object]
) -> None:
    await set_up(hass, entry)
    await gateway.listeners()
    event = golden("event-message-received")
    for sequence in (7, 7, 8):
        await gateway.send(event | {"sequence": sequence})
    await until(lambda: len(messages) == 2 and gateway.acknowledged[-1:] == [8], "both are told and acknowledged")
    await hass.config_entries.async_reload(entry.entry_id)
    await gateway.listeners()
    resumed = gateway.requested("GET", "/v1/events")[-1].query
    assert resumed == {"since": "8", "log": gateway.hello["log"], "consumer": entry.entry_id.lower()}
    await gateway.send(event | {"sequence": 8})
    await gateway.send(event | {"sequence": 9})
    await until(lambda: gateway.acknowledged[-1] == 9, "the new one is acknowledged")
    assert len(messages) == 3
    await hass.config_entries.async_unload(entry.entry_id)


async def test_unloading_leaves_no_task_and_no_connection(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    await set_up(hass, entry)
    await gateway.listeners()
    before = len(asyncio.all_tasks())
    for _ in range(3):
        await hass.config_entries.async_reload(entry.entry_id)
        await gateway.listeners()
    await until(lambda: len(gateway.sockets) == 1, "the older connections are closed")
    await until(lambda: len(asyncio.all_tasks()) <= before, "no task is left")
    await hass.config_entries.async_unload(entry.entry_id)
    await until(lambda: not gateway.sockets, "the last connection is closed")


async def test_diagnostics_hold_no_secret_and_no_number(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    await set_up(hass, entry)
    text = str(await async_get_config_entry_diagnostics(hass, entry))
    assert "connected" in text
    for secret in (gateway.token, "15550001000"):
        assert secret not in text
    await hass.config_entries.async_unload(entry.entry_id)
