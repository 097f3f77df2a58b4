"""What an account's device shows and offers beside its state: counters, times, buttons, the code to scan. Quiet by default."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.image import async_get_image
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    mock_restore_cache_with_extra_data,
)

from tests.integration.conftest import IDENTITY
from tests.integration.dialog import CONNECTIVITY, STATE, is_state, qr_text, scan, shown_code, until
from tests.integration.scripted_gateway import ScriptedGateway, golden
from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge
from tests.stack.qr import read_qr_picture

WAITING = "sensor.home_messages_waiting"
RECEIVED, SENT, FAILED = (f"sensor.home_messages_{what}_today" for what in ("received", "sent", "failed"))
LAST_RECEIVED, LAST_SENT = "sensor.home_last_message_received", "sensor.home_last_message_sent"
PNG = b"\x89PNG\r\n\x1a\n"


def enable_all(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Registers the entities that are off by default as a user who wants them would."""
    registry = er.async_get(hass)
    for platform, key, name in (
        ("sensor", "received_today", "messages_received_today"),
        ("sensor", "sent_today", "messages_sent_today"),
        ("sensor", "failed_today", "messages_failed_today"),
        ("sensor", "last_received", "last_message_received"),
        ("sensor", "last_sent", "last_message_sent"),
        ("sensor", "gateway_version", "gateway_version"),
        ("button", "resync", "refresh_contacts_and_groups"),
        ("button", "unlink", "unlink"),
        ("image", "qr_code", "qr_code_to_scan"),
    ):
        registry.async_get_or_create(
            platform,
            "whatsapp_gateway",
            f"{IDENTITY}_{key}",
            suggested_object_id=f"home_{name}",
            config_entry=entry,
            disabled_by=None,
        )


@pytest.fixture
async def account(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> AsyncIterator[MockConfigEntry]:
    """An account with all its entities enabled."""
    enable_all(hass, entry)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


def state(hass: HomeAssistant, entity_id: str) -> State:
    found = hass.states.get(entity_id)
    assert found is not None, entity_id
    return found


async def test_quiet_by_default(hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    enabled = {each.entity_id for each in registered if each.disabled_by is None}
    assert enabled == {"binary_sensor.home_connectivity", "sensor.home_state", WAITING, "button.home_restart"}
    assert all(each.entity_category is not None for each in registered)
    await hass.config_entries.async_unload(entry.entry_id)


async def test_messages_waiting_are_known_at_once_and_followed(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    assert state(hass, WAITING).state == "0"
    await gateway.send(golden("event-queue-changed"))
    await until(lambda: is_state(hass, WAITING, "2"), "the change is told")
    gateway.hello["waiting"] = {"home": 5, "work": 7}
    await gateway.drop()
    await until(lambda: is_state(hass, WAITING, "5"), "the next hello tells it")
    assert state(hass, "sensor.home_gateway_version").state == "0.1.0"


async def test_messages_are_counted_by_what_became_of_them_and_when(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    assert state(hass, LAST_RECEIVED).state == "unknown"
    for sequence, name in enumerate(
        (
            "event-message-received",
            "event-message-received-image",
            "event-message-received-reaction",
            "event-message-received-own",
            "event-message-sent",
            "event-message-delivered-group",
            "event-message-failed",
            "event-message-expired",
        ),
        7,
    ):
        await gateway.send(golden(name) | {"sequence": sequence})
    await until(lambda: gateway.acknowledged[-1:] == [14], "all are processed")
    assert [state(hass, each).state for each in (RECEIVED, SENT, FAILED)] == ["2", "1", "2"]
    assert state(hass, LAST_RECEIVED).state == "2026-11-24T08:15:30+00:00"
    assert state(hass, LAST_SENT).state == "2026-11-24T08:15:30+00:00"


async def test_an_older_message_does_not_turn_the_clock_back(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    await gateway.send(golden("event-message-received") | {"sequence": 7})
    older = golden("event-message-received") | {"sequence": 8}
    older["data"]["timestamp"] = "2026-11-01T00:00:00.000Z"
    await gateway.send(older)
    await until(lambda: gateway.acknowledged[-1:] == [8], "both are processed")
    assert state(hass, LAST_RECEIVED).state == "2026-11-24T08:15:30+00:00"
    assert state(hass, RECEIVED).state == "2"


async def test_midnight_begins_anew(hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry) -> None:
    await gateway.send(golden("event-message-received") | {"sequence": 7})
    await until(lambda: is_state(hass, RECEIVED, "1"), "it is counted")
    midnight = dt_util.start_of_local_day() + timedelta(days=1)
    async_fire_time_changed(hass, midnight + timedelta(seconds=1))
    await until(lambda: is_state(hass, RECEIVED, "0"), "a new day")
    assert state(hass, RECEIVED).attributes["last_reset"] == midnight.isoformat()


@pytest.mark.parametrize(("days", "expected"), [(0, "4"), (1, "0")])
async def test_a_restart_keeps_todays_numbers_and_times_but_not_yesterdays_numbers(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, days: int, expected: str
) -> None:
    reset = (dt_util.start_of_local_day() - timedelta(days=days)).isoformat()
    number = {"native_value": 4, "native_unit_of_measurement": None}
    moment = datetime(2026, 11, 24, 8, tzinfo=dt_util.UTC)
    time = {
        "native_value": {"__type": "<class 'datetime.datetime'>", "isoformat": moment.isoformat()},
        "native_unit_of_measurement": None,
    }
    mock_restore_cache_with_extra_data(
        hass, [(State(RECEIVED, "4", {"last_reset": reset}), number), (State(LAST_SENT, moment.isoformat()), time)]
    )
    enable_all(hass, entry)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert state(hass, RECEIVED).state == expected
    assert state(hass, LAST_SENT).state == "2026-11-24T08:00:00+00:00"
    await hass.config_entries.async_unload(entry.entry_id)


async def press(hass: HomeAssistant, name: str) -> None:
    await hass.services.async_call("button", "press", {"entity_id": f"button.home_{name}"}, blocking=True)


async def test_the_buttons_ask_the_gateway_and_say_when_it_refuses(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    gateway.answer("POST", "/v1/accounts/home/restart", (202, golden("answer-account-restarted")))
    await press(hass, "restart")
    gateway.answer("POST", "/v1/accounts/home/contacts/resync", (200, golden("answer-nothing")))
    await press(hass, "refresh_contacts_and_groups")
    gateway.answer("POST", "/v1/accounts/home/unlink", (200, golden("answer-unlinked")), "error-engine-unavailable")
    await press(hass, "unlink")
    with pytest.raises(HomeAssistantError) as refused:
        await press(hass, "unlink")
    assert refused.value.translation_key == "engine_unavailable"
    for route in ("restart", "contacts/resync"):
        assert len(gateway.requested("POST", f"/v1/accounts/home/{route}")) == 1


async def test_only_what_is_linked_can_be_unlinked_and_nothing_without_the_gateway(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    changed = golden("event-account-state") | {"sequence": 100}
    changed["data"] |= {"state": "logged_out", "reason": "unlinked"}
    await gateway.send(changed)
    await until(lambda: is_state(hass, "button.home_unlink", "unavailable"), "there is nothing to unlink")
    assert not is_state(hass, "button.home_restart", "unavailable")
    gateway.answer("GET", "/v1/events", (500, {}))
    await gateway.drop()
    await until(lambda: is_state(hass, "button.home_restart", "unavailable"), "the gateway is gone")
    assert state(hass, RECEIVED).state == "0", "what has been is still known"


async def test_the_code_to_scan_is_a_picture_while_one_is_due(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    image = "image.home_qr_code_to_scan"
    assert is_state(hass, image, "unavailable")
    await gateway.send(golden("event-pairing-waiting-qr"))
    await until(lambda: not is_state(hass, image, "unavailable"), "a code is due")
    first = state(hass, image).state
    gateway.answer("GET", "/v1/accounts/home/qr", (200, PNG))
    picture = await async_get_image(hass, image)
    assert (picture.content, picture.content_type) == (PNG, "image/png")
    rotated = golden("event-pairing-waiting-qr")
    rotated["data"]["qr"] = "2@another"
    await gateway.send(rotated)
    await until(lambda: state(hass, image).state != first, "the frontend is told to fetch the new one")
    gateway.answer("GET", "/v1/accounts/home/qr", "error-engine-unavailable")
    with pytest.raises(HomeAssistantError):
        await async_get_image(hass, image)
    await gateway.send(golden("event-pairing-paired"))
    await until(lambda: is_state(hass, image, "unavailable"), "nothing is to be scanned any more")


async def test_unlinked_with_the_button_and_linked_again(
    hass: HomeAssistant, linked: str, simulator: Simulator, bridge: Bridge
) -> None:
    """With the real gateway, engine and simulated WhatsApp."""
    registry = er.async_get(hass)
    [unlink] = [
        each.entity_id
        for each in er.async_entries_for_config_entry(registry, linked)
        if each.translation_key == "unlink"
    ]
    registry.async_update_entity(unlink, disabled_by=None)
    await hass.config_entries.async_reload(linked)
    await hass.services.async_call("button", "press", {"entity_id": unlink}, blocking=True)
    await until(lambda: is_state(hass, STATE, "logged_out"), "it is unlinked")
    assert all(device["removed"] for device in (await simulator.state()).linked_devices)
    await until(lambda: bool(hass.config_entries.flow.async_progress()), "the dialog is offered")
    [flow] = hass.config_entries.flow.async_progress()
    await hass.config_entries.flow.async_configure(flow["flow_id"], {})
    await scan(hass, flow["flow_id"])
    await shown_code(hass, flow["flow_id"])
    await simulator.scan_qr(await qr_text(bridge))
    await until(lambda: is_state(hass, STATE, "connected"), "it is linked again")


async def test_the_connection_is_restarted_by_the_button(hass: HomeAssistant, linked: str) -> None:
    """With the real gateway, engine and simulated WhatsApp."""
    seen: list[Any] = []
    hass.bus.async_listen("state_changed", lambda event: seen.append(event.data["new_state"].state))
    await hass.services.async_call("button", "press", {"entity_id": "button.whatsapp_restart"}, blocking=True)
    await until(lambda: "connecting" in seen and is_state(hass, STATE, "connected"), "it is connected anew")


async def test_the_code_on_a_dashboard_links_the_phone(hass: HomeAssistant, linked: str, simulator: Simulator) -> None:
    """With the real gateway, engine and simulated WhatsApp."""
    entry = hass.config_entries.async_get_entry(linked)
    assert entry is not None
    image = "image.whatsapp_qr_code_to_scan"
    er.async_get(hass).async_update_entity(image, disabled_by=None)
    await hass.config_entries.async_reload(linked)
    await simulator.unlink()
    await until(lambda: is_state(hass, STATE, "logged_out"), "it is unlinked")
    await entry.runtime_data.client.begin_pairing(entry.runtime_data.account_id)
    await until(lambda: not is_state(hass, image, "unavailable"), "a code is due")
    await simulator.scan_qr(read_qr_picture((await async_get_image(hass, image)).content))
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is linked again")
    await until(lambda: is_state(hass, image, "unavailable"), "the code is gone")
