"""What recipients write reaches their event entities, each message once, and their changes at WhatsApp are followed."""

from collections.abc import AsyncIterator
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.integration.dialog import until
from tests.integration.recipients import ALICE, FAMILY, put_recipient
from tests.integration.scripted_gateway import ScriptedGateway, golden

EVENT = "event.alice_message"
type Json = Any


@pytest.fixture
async def loaded(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: ScriptedGateway
) -> AsyncIterator[MockConfigEntry]:
    put_recipient(hass, entry, ALICE, "Alice")
    put_recipient(hass, entry, FAMILY, "Family")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await gateway.listeners()
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


type Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
async def told(hass: HomeAssistant) -> Told:
    """What an automation with Home Assistant's own trigger `event.received` gets; queued runs may overtake each other."""
    seen: Told = []
    hass.bus.async_listen("told", lambda event: seen.append((event.data["kind"], dict(event.data))))
    automation = {
        "alias": "listen",
        "mode": "queued",
        "max": 100,
        "triggers": {
            "trigger": "event.received",
            "target": {"entity_id": EVENT},
            "options": {"event_type": ["text", "poll_vote", "unsupported"]},
        },
        "actions": {
            "event": "told",
            "event_data": {
                "kind": "{{ trigger.to_state.attributes.event_type }}",
                "text": "{{ trigger.to_state.attributes.text }}",
                "backlog": "{{ trigger.to_state.attributes.backlog }}",
            },
        },
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    return seen


@pytest.fixture
def shown(hass: HomeAssistant) -> list[str]:
    """The texts that the entity's states show, in their order."""
    texts: list[str] = []

    @callback
    def changed(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if event.data["entity_id"] == EVENT and state is not None and "T" in state.state:
            if state.attributes["message_id"] not in seen:
                texts.append(state.attributes["text"])
            seen.add(state.attributes["message_id"])

    seen: set[str] = set()
    hass.bus.async_listen(EVENT_STATE_CHANGED, changed)
    return texts


def message(sequence: int, text: str, **changes: Any) -> Json:
    """Returns the event of a text by Alice."""
    event = golden("event-message-received")
    event["sequence"] = sequence
    event["data"] |= {"message_id": f"3A{sequence:018}", "chat": {"id": ALICE, "type": "person"}} | changes
    event["data"]["content"] = event["data"]["content"] | {"text": text}
    return event


@pytest.mark.usefixtures("loaded")
async def test_a_message_fires_the_entity_of_its_chat_alone(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    await gateway.send(message(501, "hello"))
    await until(lambda: state_of(hass, EVENT) != "unknown", "it is told")
    state = hass.states.get(EVENT)
    assert state is not None
    assert (state.attributes["event_type"], state.attributes["text"]) == ("text", "hello")
    assert state.attributes["message_id"] == f"3A{501:018}"
    assert "account_phone" not in state.attributes
    assert state_of(hass, "event.family_message") == "unknown"


@pytest.mark.usefixtures("loaded")
async def test_a_burst_is_told_whole_and_in_order(
    hass: HomeAssistant, gateway: ScriptedGateway, told: Told, shown: list[str]
) -> None:
    for number in range(50):
        await gateway.send(message(501 + number, f"number {number}"))
    await until(lambda: len(told) == 50, "all are told")
    texts = [f"number {number}" for number in range(50)]
    assert shown == texts
    assert sorted(data["text"] for _, data in told) == sorted(texts)


async def test_what_came_while_the_gateway_was_away_triggers_once_after_the_entity_is_available(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry, told: Told, shown: list[str]
) -> None:
    assert loaded
    await gateway.send(message(501, "before"))
    await until(lambda: len(told) == 1, "the first is told")
    gateway.hello["sequence"] = 503
    await gateway.drop()
    await until(lambda: state_of(hass, EVENT) == "unavailable", "the gateway is missed")
    await gateway.listeners()
    for sequence, text in ((501, "before"), (502, "meanwhile"), (503, "meanwhile too"), (504, "now")):
        await gateway.send(message(sequence, text))
    await until(lambda: len(told) >= 4, "all are told")
    assert shown == ["before", "meanwhile", "meanwhile too", "now"]
    assert {(data["text"], data["backlog"]) for _, data in told} == {
        ("before", False),
        ("meanwhile", True),
        ("meanwhile too", True),
        ("now", False),
    }
    assert len(told) == 4


async def test_what_came_before_the_phone_unlinked_the_account_triggers_too(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry, told: Told
) -> None:
    gateway.hello["accounts"][0]["state"] = "logged_out"
    gateway.hello["sequence"] = 501
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await gateway.listeners()
    assert state_of(hass, "notify.alice") == "unavailable"
    await gateway.send(message(501, "before"))
    await until(lambda: [data["text"] for _, data in told] == ["before"], "it triggers")


async def test_a_recipient_that_may_not_trigger_is_silent(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry, messages: list[Any]
) -> None:
    subentry = next(iter(loaded.subentries.values()))
    hass.config_entries.async_update_subentry(loaded, subentry, data={**subentry.data, "may_trigger": False})
    await gateway.send(message(501, "open the door"))
    await until(lambda: bool(messages), "the message is there")
    assert state_of(hass, EVENT) == "unknown"
    hass.config_entries.async_update_subentry(loaded, subentry, data={**subentry.data, "may_trigger": True})
    await gateway.send(message(502, "open the door"))
    await until(lambda: state_of(hass, EVENT) != "unknown", "it is told")


@pytest.mark.usefixtures("loaded")
async def test_what_the_owner_writes_elsewhere_is_no_event_but_in_the_own_chat_it_is(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry, messages: list[Any]
) -> None:
    own = gateway.hello["accounts"][0]["phone"]
    put_recipient(hass, loaded, own, "Me")
    await hass.async_block_till_done()
    await gateway.send(message(501, "to Alice", from_me=True))
    await gateway.send(message(502, "lights off", from_me=True, chat={"id": own, "type": "person"}))
    await until(lambda: len(messages) == 2, "both are there")
    assert state_of(hass, EVENT) == "unknown"
    state = hass.states.get("event.me_message")
    assert state is not None
    assert state.attributes["text"] == "lights off"


@pytest.mark.usefixtures("loaded")
async def test_a_kind_that_is_new_is_unsupported_and_no_fault(
    hass: HomeAssistant, gateway: ScriptedGateway, told: Told
) -> None:
    event = message(501, "")
    event["data"]["content"] = {"type": "hologram"}
    await gateway.send(event)
    await until(lambda: bool(told), "it is told")
    assert told[0][0] == "unsupported"


def changed(kind: str, sequence: int, **data: Any) -> Json:
    return {
        "sequence": sequence,
        "account": "home",
        "type": kind,
        "time": "2026-11-24T08:15:30.123Z",
        "late": False,
        "data": data,
    }


def group_changed(sequence: int, change: str, **data: Any) -> Json:
    usual: dict[str, Any] = {
        "chat": FAMILY,
        "message_id": "3A5F",
        "actor": ALICE,
        "change": change,
        "members": [],
        "value": None,
        "timestamp": "2026-11-24T08:15:30.123Z",
        "backlog": False,
    }
    return changed("group.changed", sequence, **usual | data)


def contact_changed(sequence: int, **data: Any) -> Json:
    usual: dict[str, Any] = {
        "chat": ALICE,
        "phone": ALICE,
        "lid": None,
        "name": None,
        "push_name": None,
        "picture_changed": False,
    }
    return changed("contact.changed", sequence, **usual | data)


def state_of(hass: HomeAssistant, entity_id: str) -> str:
    state = hass.states.get(entity_id)
    assert state is not None
    return state.state


def titles(entry: MockConfigEntry) -> list[str]:
    return [subentry.title for subentry in entry.subentries.values()]


async def test_new_names_are_followed_but_the_users_own_stay(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry
) -> None:
    alice = next(iter(loaded.subentries.values()))
    hass.config_entries.async_update_subentry(loaded, alice, title="Aunt Alice")
    await gateway.send(group_changed(501, "subject", value="Family 2027"))
    await gateway.send(contact_changed(502, name="Alice Miller"))
    await until(lambda: alice.data["name"] == "Alice Miller", "the new name is known")
    assert titles(loaded) == ["Aunt Alice", "Family 2027"]
    await hass.async_block_till_done()
    state = hass.states.get("notify.family")
    assert state is not None
    assert state.name == "Family 2027"


async def test_a_group_that_the_account_has_left_is_removed(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry
) -> None:
    own = gateway.hello["accounts"][0]["phone"]
    await gateway.send(group_changed(501, "removed", members=[ALICE]))
    await gateway.send(group_changed(502, "subject", value="Without Alice"))
    await until(lambda: titles(loaded) == ["Alice", "Without Alice"], "the group is still there")
    await gateway.send(group_changed(503, "removed", members=[own]))
    await until(lambda: titles(loaded) == ["Alice"], "the group is removed")
    await hass.async_block_till_done()
    assert hass.states.get("notify.family") is None


async def test_a_person_whose_number_becomes_known_stays_the_same_recipient(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry
) -> None:
    hidden = put_recipient(hass, loaded, "lid:777", "Somebody")
    await hass.async_block_till_done()
    await gateway.send(contact_changed(501, chat="+15557770000", phone="+15557770000", lid="777", push_name="Sam"))
    await until(lambda: hidden.unique_id == "+15557770000", "the number is known")
    await hass.async_block_till_done()
    await gateway.listeners()
    await gateway.send(message(502, "hi", chat={"id": "+15557770000", "type": "person"}))
    await until(lambda: state_of(hass, "event.somebody_message") not in {"unknown", "unavailable"}, "it is heard")
