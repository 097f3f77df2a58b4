"""Several gateways, each with an account of the same id, live side by side."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.integration.dialog import begin, is_state, until
from tests.integration.scripted_gateway import ScriptedGateway, golden, running_scripted_gateway


async def test_an_account_of_the_same_id_at_another_gateway_has_its_own_entry_device_and_entities(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    async with running_scripted_gateway() as second:
        second.hello["gateway_id"] = "another"
        step = await begin(hass, url=second.url, token=second.token)
        assert step["step_id"] == "account"
        step = await hass.config_entries.flow.async_configure(step["flow_id"], {"account": "home"})
        assert step["type"] == "create_entry"
        added = step["result"]
        await hass.async_block_till_done()
        assert added.unique_id == "another_home"
        await second.listeners()
        devices = dr.async_get(hass)
        for each in (entry, added):
            assert len(dr.async_entries_for_config_entry(devices, each.entry_id)) == 1
            assert len(er.async_entries_for_config_entry(er.async_get(hass), each.entry_id)) >= 2
        await second.send(golden("event-account-state") | {"sequence": 100})
        await until(lambda: is_state(hass, "binary_sensor.home_connectivity_2", "off"), "the second is lost")
        assert is_state(hass, "binary_sensor.home_connectivity", "on")
        for each in (entry, added):
            await hass.config_entries.async_unload(each.entry_id)
