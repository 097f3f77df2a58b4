"""A message that came while somebody was away reaches automations, once, when all are back."""

from typing import Any

from homeassistant.core import CoreState, Event, HomeAssistant
from homeassistant.helpers.storage import Store
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.integration.conftest import StatesOf
from tests.integration.dialog import is_state, until
from tests.integration.scripted_gateway import ScriptedGateway, golden

CONNECTIVITY = "binary_sensor.home_connectivity"


async def remember_position(hass: HomeAssistant, entry: MockConfigEntry, log: str, sequence: int) -> None:
    """Leaves what an earlier run of Home Assistant would have written."""
    store = Store[dict[str, object]](hass, 1, f"whatsapp_gateway.{entry.entry_id}")
    await store.async_save({"log": log, "sequence": sequence})


def message(sequence: int) -> dict[str, object]:
    return {**golden("event-message-received"), "sequence": sequence}


async def test_while_home_assistant_starts_messages_stay_at_the_gateway(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    entry: MockConfigEntry,
    messages: list[Event],
    states_of: StatesOf,
) -> None:
    await remember_position(hass, entry, gateway.hello["log"], 4)
    hass.set_state(CoreState.starting)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    assert gateway.requested("GET", "/v1/events")[-1].query == {}
    await gateway.send(message(7))
    changed = golden("event-account-state") | {"sequence": 8}
    await gateway.send(changed)
    await until(lambda: is_state(hass, CONNECTIVITY, "off"), "the state is followed already")
    assert messages == []
    assert gateway.acknowledged == []

    hass.set_state(CoreState.running)
    hass.bus.async_fire("homeassistant_started")
    await until(lambda: len(gateway.requested("GET", "/v1/events")) == 3, "the stream is resumed")
    assert gateway.requested("GET", "/v1/events")[-1].query == {
        "since": "4",
        "log": gateway.hello["log"],
        "consumer": entry.entry_id.lower(),
    }
    await gateway.listeners()
    for sequence in (5, 6, 7):
        await gateway.send(message(sequence))
    await until(lambda: gateway.acknowledged[-1:] == [7], "all are acknowledged")
    assert [event.data["backlog"] for event in messages] == [True, True, False]
    assert "unavailable" not in states_of(CONNECTIVITY)
    await hass.config_entries.async_unload(entry.entry_id)


async def test_the_first_position_is_written_at_once_and_the_last_one_when_the_gateway_goes(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    entry: MockConfigEntry,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Home Assistant puts a delayed write off for as long as new ones are asked for: messages in a row would keep it from ever being written."""
    monkeypatch.setattr("custom_components.whatsapp_gateway.position_store.SAVE_DELAY", 3600.0)
    key = f"whatsapp_gateway.{entry.entry_id}"
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    await until(lambda: key in hass_storage, "a position is written")
    assert hass_storage[key]["data"]["sequence"] == gateway.hello["sequence"]
    newest = gateway.hello["sequence"] + 2
    for sequence in (newest - 1, newest):
        await gateway.send(message(sequence))
    await until(lambda: gateway.acknowledged[-1:] == [newest], "both are acknowledged")
    await gateway.drop()
    await until(lambda: hass_storage[key]["data"]["sequence"] == newest, "the newest position is written")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_gateway_that_lost_its_log_counts_anew_and_loses_no_message(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, messages: list[Event]
) -> None:
    await remember_position(hass, entry, "another log", 500)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    assert gateway.requested("GET", "/v1/events")[-1].query == {
        "since": "500",
        "log": "another log",
        "consumer": entry.entry_id.lower(),
    }
    await gateway.send(message(1))
    await until(lambda: len(messages) == 1, "the message is told")
    assert messages[0].data["backlog"] is True
    await until(lambda: gateway.acknowledged == [1], "it is acknowledged")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_old_states_that_are_sent_again_do_not_overwrite_the_present_one(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, states_of: StatesOf
) -> None:
    await remember_position(hass, entry, gateway.hello["log"], 2)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    await gateway.send(golden("event-account-state") | {"sequence": 5})
    await gateway.send(message(7))
    await until(lambda: gateway.acknowledged[-1:] == [7], "all is heard")
    assert is_state(hass, CONNECTIVITY, "on")
    assert "off" not in states_of(CONNECTIVITY)
    await hass.config_entries.async_unload(entry.entry_id)


async def test_each_account_acknowledges_for_itself(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, messages: list[Event]
) -> None:
    """The gateway keeps an event until each has, and sends none again that one has acknowledged, whatever that one has noted."""
    second = MockConfigEntry(
        domain="whatsapp_gateway",
        unique_id="work",
        data={"url": gateway.url, "token": gateway.token, "account": "work"},
    )
    gateway.hello["accounts"].append(gateway.hello["accounts"][0] | {"id": "work", "name": "Work"})
    second.add_to_hass(hass)
    for each in (entry, second):
        await remember_position(hass, each, gateway.hello["log"], 4)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners(2)
    await gateway.send(message(7))
    await until(lambda: sorted(gateway.acknowledged) == [7, 7], "both say so, each for itself")
    assert len(messages) == 1
    names = {request.query.get("consumer") for request in gateway.requested("GET", "/v1/events")} - {None}
    assert names == {entry.entry_id.lower(), second.entry_id.lower()}
    for each in (entry, second):
        await hass.config_entries.async_unload(each.entry_id)


async def test_an_account_removed_at_the_gateway_is_an_error_that_says_so(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    gateway.hello["accounts"] = []
    await gateway.send(golden("event-account-removed"))
    await until(lambda: entry.error_reason_translation_key == "account_not_found", "the entry says so")
    assert entry.state.name == "SETUP_ERROR"


async def test_a_token_rejected_while_running_asks_for_another(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    gateway.token = "another"
    await gateway.drop()
    await until(lambda: bool(hass.config_entries.flow.async_progress()), "the dialog is offered")
    [flow] = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"
    assert is_state(hass, CONNECTIVITY, "unavailable")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_fault_of_ours_is_not_hidden(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("custom_components.whatsapp_gateway.coordinator.fire_message", broken)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    await gateway.send(message(7))
    await until(lambda: is_state(hass, CONNECTIVITY, "unavailable"), "the state is not shown as known any more")
    assert "ended with a fault" in caplog.text
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_removed_entry_leaves_nothing_stored(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, hass_storage: dict[str, object]
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    await gateway.send(message(7))
    await until(lambda: gateway.acknowledged == [7], "a position is known")
    await hass.config_entries.async_unload(entry.entry_id)
    assert f"whatsapp_gateway.{entry.entry_id}" in hass_storage
    await hass.config_entries.async_remove(entry.entry_id)
    assert f"whatsapp_gateway.{entry.entry_id}" not in hass_storage
