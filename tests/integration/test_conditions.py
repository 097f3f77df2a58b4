"""Conditions look at the accounts' connections, and at the message that triggered."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import condition, device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from tests.integration.automation import automation
from tests.integration.dialog import CONNECTIVITY, is_state, until
from tests.integration.scripted_gateway import ScriptedGateway, golden


async def check(hass: HomeAssistant, name: str, variables: dict[str, Any] | None = None, **options: Any) -> bool:
    """Evaluates a condition as an automation does."""
    config = await condition.async_validate_condition_config(
        hass, {"condition": f"whatsapp_gateway.{name}", "options": options}
    )
    checker = await condition.async_from_config(hass, config)
    try:
        return bool(checker.async_check(variables=variables))
    finally:
        checker.async_unload()


async def test_connected_is_connected_to_whatsapp_and_known_to_be(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    assert await async_setup_component(hass, "homeassistant", {})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    [device] = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert await check(hass, "is_connected")
    assert await check(hass, "is_connected", device_id=[device.id])
    assert not await check(hass, "is_connected", device_id=[device.id, "another device"])
    changed = golden("event-account-state") | {"sequence": 100}
    await gateway.send(changed)
    await until(lambda: is_state(hass, CONNECTIVITY.replace("whatsapp", "home"), "off"), "it is lost")
    assert not await check(hass, "is_connected")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_without_an_account_nothing_is_connected(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "homeassistant", {})
    assert not await check(hass, "is_connected")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 1),
        ({"text": "thank you 👍"}, 1),
        ({"text": "no thanks"}, 0),
        ({"sender": "+15551230001", "chat_type": "person"}, 1),
        ({"sender": "+15551230002"}, 0),
    ],
)
@pytest.mark.parametrize("trigger", ["ours", "the event"])
async def test_a_message_is_compared_whichever_trigger_brought_it(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    entry: MockConfigEntry,
    options: dict[str, Any],
    expected: int,
    trigger: str,
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    matches = {"condition": "whatsapp_gateway.message_matches", "options": options}
    if trigger == "ours":
        runs = await automation(hass, "message_received", [matches])
    else:
        runs = async_capture_events(hass, "automation_ran")
        config = {
            "alias": "Automation",
            "triggers": [{"trigger": "event", "event_type": "whatsapp_gateway_message"}],
            "conditions": [matches],
            "actions": [{"event": "automation_ran"}],
        }
        assert await async_setup_component(hass, "automation", {"automation": config})
    await gateway.send(golden("event-message-received") | {"sequence": 7})
    await until(lambda: gateway.acknowledged == [7], "it is processed")
    await hass.async_block_till_done()
    assert len(runs) == expected
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("variables", [None, {}, {"trigger": {"platform": "state"}}, {"trigger": None}])
async def test_without_a_message_nothing_matches(hass: HomeAssistant, variables: dict[str, Any] | None) -> None:
    assert await async_setup_component(hass, "homeassistant", {})
    assert not await check(hass, "message_matches", variables)
