"""Automations start when something happens at WhatsApp, with what they need to know, and only when their options say so."""

from datetime import timedelta
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from tests.integration.automation import automation
from tests.integration.dialog import until
from tests.integration.scripted_gateway import ScriptedGateway, golden

NOW = "2026-11-24T08:15:30.123Z"
ALICE, GROUP = "+15551230001", "group:120363001234567890"


def event(kind: str, sequence: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"sequence": sequence, "account": "home", "type": kind, "time": NOW, "late": False, "data": data}


def call(sequence: int, status: str) -> dict[str, Any]:
    data = {"call_id": "C1", "person": ALICE, "chat": ALICE, "video": False, "status": status, "timestamp": NOW}
    return event("call.changed", sequence, data | {"backlog": False})


@pytest.fixture
async def account(hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry) -> Any:
    """The scripted gateway's account, set up. Yields the id of its device."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    [device] = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    yield device.id
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_message_brings_its_data_and_what_the_pattern_found(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str, entry: MockConfigEntry
) -> None:
    runs = await automation(hass, "message_received", pattern=r"^thank (?P<whom>\w+)", device_id=account)
    await gateway.send(golden("event-message-received") | {"sequence": 7})
    await until(lambda: len(runs) == 1, "it ran")
    data = runs[0].data["trigger"]
    assert data["platform"] == "whatsapp_gateway.message_received"
    assert data["description"] == "a message from Alice"
    assert (data["config_entry_id"], data["chat_id"], data["text"]) == (entry.entry_id, ALICE, "Thank you 👍")
    assert data["found"] == {"whom": "you"}


@pytest.mark.parametrize(
    ("trigger", "example", "options", "expected"),
    [
        ("reaction_received", "event-message-received-reaction", {"emoji": "👍"}, {"emoji": "👍", "author": None}),
        ("poll_answered", "event-message-received-poll-vote", {"option": ["yes", "no"]}, {"options": ["Yes"]}),
        ("message_delivered", "event-message-delivered-group", {"chat": GROUP}, {"recipient": ALICE, "chat_id": GROUP}),
        ("message_failed", "event-message-failed", {"chat": ALICE}, {"error_code": "message_rejected"}),
        ("message_failed", "event-message-expired", {}, {"status": "expired", "error_code": "message_expired"}),
    ],
)
async def test_what_becomes_of_messages_triggers(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    account: str,
    trigger: str,
    example: str,
    options: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    runs = await automation(hass, trigger, **options)
    await gateway.send(golden(example) | {"sequence": 70})
    await until(lambda: len(runs) == 1, "it ran")
    assert expected.items() <= runs[0].data["trigger"].items()


@pytest.mark.parametrize(
    ("trigger", "example", "options"),
    [
        ("message_received", "event-message-received-reaction", {}),
        ("message_received", "event-message-received-edit", {}),
        ("message_received", "event-message-received-own", {}),
        ("message_received", "event-message-received", {"chat": GROUP}),
        ("message_received", "event-message-received", {"sender": "+15551239999"}),
        ("message_received", "event-message-received", {"chat_type": "group"}),
        ("message_received", "event-message-received", {"kind": "image"}),
        ("message_received", "event-message-received", {"text": "thank"}),
        ("message_received", "event-message-received", {"pattern": "^you"}),
        ("message_received", "event-message-received-image", {"pattern": "^x"}),
        ("message_received", "event-message-received", {"device_id": "another"}),
        ("reaction_received", "event-message-received-reaction", {"emoji": "❤️"}),
        ("reaction_received", "event-message-received", {}),
        ("poll_answered", "event-message-received-poll-vote", {"option": "No"}),
        ("poll_answered", "event-message-received-poll-vote", {"sender": "+15551239999"}),
        ("message_read", "event-message-delivered-group", {}),
        ("message_delivered", "event-message-delivered-group", {"chat": ALICE}),
        ("call_received", "event-message-received", {}),
    ],
)
async def test_what_the_options_leave_out_does_not_trigger(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    account: str,
    trigger: str,
    example: str,
    options: dict[str, Any],
) -> None:
    runs = await automation(hass, trigger, **options)
    await gateway.send(golden(example) | {"sequence": 70})
    await until(lambda: gateway.acknowledged[-1:] == [70], "it is processed")
    await hass.async_block_till_done()
    assert runs == []


@pytest.mark.parametrize(
    "options",
    [
        {"text": ["x", " THANK YOU 👍"]},
        {"sender": "+1 (555) 123-0001", "chat_type": ["person"]},
        {"sender": "0015551230001"},
        {"sender": 15551230001},
        {"sender": "(555) 123-0001"},
        {"sender": "lid:170000000000001"},
        {"chat": [ALICE], "kind": ["text", "image"], "include_waited": False},
    ],
)
async def test_numbers_and_texts_may_be_written_as_people_write(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str, options: dict[str, Any]
) -> None:
    hass.config.country = "US"
    runs = await automation(hass, "message_received", **options)
    await gateway.send(golden("event-message-received") | {"sequence": 7})
    await until(lambda: len(runs) == 1, "it ran")


async def test_a_reaction_or_a_vote_taken_back_does_not_trigger(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str
) -> None:
    runs = await automation(hass, "reaction_received")
    reaction = golden("event-message-received-reaction") | {"sequence": 7}
    reaction["data"]["content"]["emoji"] = ""
    await gateway.send(reaction)
    await until(lambda: gateway.acknowledged[-1:] == [7], "it is processed")
    await hass.async_block_till_done()
    assert runs == []


async def test_own_messages_and_other_kinds_when_they_are_asked_for(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str
) -> None:
    runs = await automation(hass, "message_received", include_own=True, kind=["text", "reaction"])
    await gateway.send(golden("event-message-received-own") | {"sequence": 7})
    await gateway.send(golden("event-message-received-reaction") | {"sequence": 8})
    await until(lambda: len(runs) == 2, "it ran for both")
    assert [run.data["trigger"]["content_type"] for run in runs] == ["text", "reaction"]


async def test_what_waited_triggers_unless_it_is_left_out(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str
) -> None:
    runs = await automation(hass, "message_received", include_waited=False)
    waited = golden("event-message-received") | {"sequence": 7}
    waited["data"]["backlog"] = True
    await gateway.send(waited)
    await gateway.send(golden("event-message-received") | {"sequence": 8})
    await until(lambda: gateway.acknowledged[-1:] == [8], "both are processed")
    await until(lambda: len(runs) == 1, "it ran")
    await hass.async_block_till_done()
    assert [run.data["trigger"]["backlog"] for run in runs] == [False]


async def test_a_call_that_rings_triggers_and_its_end_only_when_asked_for(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str
) -> None:
    runs = await automation(hass, "call_received")
    await gateway.send(call(7, "ringing"))
    await gateway.send(call(8, "missed"))
    await until(lambda: gateway.acknowledged[-1:] == [8], "both are processed")
    await until(lambda: len(runs) == 1, "it ran")
    data = runs[0].data["trigger"]
    assert (data["caller"], data["status"], data["video"], data["chat_type"]) == (ALICE, "ringing", False, "person")


async def test_what_a_recipient_does_triggers_by_its_device_and_only_while_it_may(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str, entry: MockConfigEntry
) -> None:
    data = {"chat": ALICE, "kind": "person", "name": "Alice", "may_trigger": True}
    subentry = ConfigSubentry(data=MappingProxyType(data), subentry_type="recipient", title="Alice", unique_id=ALICE)
    hass.config_entries.async_add_subentry(entry, subentry)
    await hass.async_block_till_done()
    devices = {
        device.name: device.id for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    }
    runs = await automation(hass, "message_received", device_id=devices["Alice"])
    await gateway.send(golden("event-message-received-group") | {"sequence": 7})
    await gateway.send(golden("event-message-received") | {"sequence": 8})
    await until(lambda: len(runs) == 1, "it ran")
    assert runs[0].data["trigger"]["chat_id"] == ALICE
    hass.config_entries.async_update_subentry(entry, subentry, data=data | {"may_trigger": False})
    await gateway.send(golden("event-message-received") | {"sequence": 9})
    await gateway.send(call(10, "ringing"))
    await until(lambda: gateway.acknowledged[-1:] == [10], "all is processed")
    await hass.async_block_till_done()
    assert len(runs) == 1


async def test_a_trigger_outlives_a_reload_of_the_entry(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str, entry: MockConfigEntry
) -> None:
    runs = await automation(hass, "message_received", device_id=account)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await until(lambda: len(gateway.sockets) == 1, "the old connection is closed")
    await gateway.listeners()
    await gateway.send(golden("event-message-received") | {"sequence": 7})
    await until(lambda: len(runs) == 1, "it ran once")


def state(sequence: int, state: str, reason: str | None = None) -> dict[str, Any]:
    changed = golden("event-account-state") | {"sequence": sequence}
    changed["data"] |= {"state": state, "reason": reason}
    return dict(changed)


async def test_a_lost_connection_triggers_once_and_says_what_is_lost(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str
) -> None:
    runs = await automation(hass, "connection_lost", device_id=account)
    await gateway.send(state(100, "reconnecting", "connection_lost"))
    await gateway.send(state(101, "connecting"))
    await until(lambda: len(runs) == 1, "it ran")
    data = runs[0].data["trigger"]
    assert (data["gateway_lost"], data["state"], data["reason"]) == (False, "reconnecting", "connection_lost")
    assert data["description"] == "the lost connection of +15550001000"
    await gateway.send(state(102, "connected"))
    await until(lambda: gateway.acknowledged[-1:] == [102], "it is back")
    gateway.answer("GET", "/v1/events", (500, {}))
    await gateway.drop()
    await until(lambda: len(runs) == 2, "it ran again")
    data = runs[1].data["trigger"]
    assert (data["gateway_lost"], data["state"], data["reason"]) == (True, None, None)


async def test_a_short_loss_does_not_trigger_one_that_wants_to_wait(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str
) -> None:
    runs = await automation(hass, "connection_lost", None, **{"for": {"minutes": 5}})
    await gateway.send(state(100, "reconnecting"))
    await gateway.send(state(101, "connected"))
    await gateway.send(state(102, "reconnecting"))
    await until(lambda: gateway.acknowledged[-1:] == [102], "all is known")
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=4))
    await hass.async_block_till_done()
    assert runs == []
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=6))
    await until(lambda: len(runs) == 1, "it ran once")


async def test_the_loss_of_another_account_does_not_trigger(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str
) -> None:
    runs = await automation(hass, "connection_lost", device_id="another device")
    await gateway.send(state(100, "reconnecting"))
    await until(lambda: gateway.acknowledged[-1:] == [100], "it is known")
    await hass.async_block_till_done()
    assert runs == []


async def test_an_account_that_was_not_connected_cannot_be_lost(
    hass: HomeAssistant, gateway: ScriptedGateway, account: str
) -> None:
    await gateway.send(state(100, "reconnecting"))
    await until(lambda: gateway.acknowledged[-1:] == [100], "it is known")
    runs = await automation(hass, "connection_lost")
    await gateway.send(state(101, "connecting"))
    await until(lambda: gateway.acknowledged[-1:] == [101], "it is known")
    await hass.async_block_till_done()
    assert runs == []


@pytest.mark.parametrize(
    "options",
    [
        {"sender": "Alice"},
        {"chat": "crowd:1"},
        {"pattern": "("},
        {"kind": "smoke"},
        {"chat_type": "crowd"},
        {"unknown": 1},
    ],
)
async def test_options_that_cannot_be_right_are_refused_when_the_automation_is_saved(
    hass: HomeAssistant, account: str, options: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError, match="valid"):
        await automation(hass, "message_received", **options)
