"""Who subscribes at the coordinator hears every event of the account once, typed; and what one listener breaks stays its own."""

from datetime import UTC, datetime
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_gateway.api.changes import (
    CallChanged,
    CallStatus,
    ContactChanged,
    GroupChanged,
    Presence,
    PresenceChanged,
)
from custom_components.whatsapp_gateway.api.errors import GatewayAnswerError
from custom_components.whatsapp_gateway.api.events import Event
from custom_components.whatsapp_gateway.api.models import IncomingMessage, MessageStatus, MessageStatusChanged
from custom_components.whatsapp_gateway.coordinator import WhatsAppCoordinator
from tests.integration.dialog import until
from tests.integration.scripted_gateway import ScriptedGateway, golden

NOW = "2026-11-24T08:15:30.123Z"
MOMENT = datetime(2026, 11, 24, 8, 15, 30, 123000, tzinfo=UTC)
ALICE, GROUP = "+15551230001", "group:120363001234567890"


def frame(kind: str, sequence: int, **data: Any) -> dict[str, Any]:
    return {"sequence": sequence, "account": "home", "type": kind, "time": NOW, "late": False, "data": data}


CALL = {"call_id": "C1", "person": ALICE, "chat": ALICE, "video": True, "status": "ringing", "timestamp": NOW}
GROUP_CHANGE = {"chat": GROUP, "message_id": "M1", "actor": ALICE, "change": "subject", "members": [], "value": "Home"}


async def coordinator_of(hass: HomeAssistant, entry: MockConfigEntry, gateway: ScriptedGateway) -> WhatsAppCoordinator:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    coordinator: WhatsAppCoordinator = entry.runtime_data
    return coordinator


async def test_every_kind_of_event_comes_typed_in_order_and_says_whether_it_waited(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    coordinator = await coordinator_of(hass, entry, gateway)
    heard: list[tuple[object, bool]] = []
    coordinator.async_subscribe(lambda event, waited: heard.append((event.data, waited)))
    for event in (
        golden("event-message-received") | {"sequence": 7},
        golden("event-message-delivered-group") | {"sequence": 8},
        frame("call.changed", 9, **CALL, backlog=True),
        frame("presence.changed", 9, chat=GROUP, person=ALICE, presence="typing", last_seen=None),
        frame("group.changed", 10, **GROUP_CHANGE, timestamp=NOW, backlog=False),
        frame("contact.changed", 11, chat=ALICE, phone=ALICE, lid="17", name=None, push_name="A", picture_changed=True),
        frame("something.new", 12),
    ):
        await gateway.send(event)
    await until(lambda: len(heard) == 7, "all are heard")
    assert isinstance(heard[0][0], IncomingMessage)
    assert isinstance(heard[1][0], MessageStatusChanged)
    assert (heard[1][0].message.status, heard[1][0].recipient) == (MessageStatus.DELIVERED, ALICE)
    assert heard[2:] == [
        (CallChanged("C1", ALICE, ALICE, True, CallStatus.RINGING, MOMENT, backlog=True), True),
        (PresenceChanged(GROUP, ALICE, Presence.TYPING, None), False),
        (GroupChanged(GROUP, "M1", ALICE, "subject", (), "Home", MOMENT, backlog=False), False),
        (ContactChanged(ALICE, ALICE, "17", None, "A", picture_changed=True), False),
        (None, False),
    ]
    await hass.config_entries.async_unload(entry.entry_id)


async def test_each_event_is_heard_once_and_only_of_this_account(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    coordinator = await coordinator_of(hass, entry, gateway)
    heard: list[int] = []
    coordinator.async_subscribe(lambda event, _: heard.append(event.sequence))
    status = golden("event-message-delivered-group")
    for sequence, account in ((7, "home"), (7, "home"), (8, "work"), (9, "home")):
        await gateway.send(status | {"sequence": sequence, "account": account})
    await until(lambda: gateway.acknowledged[-1:] == [9], "all is processed")
    assert heard == [7, 9]
    await hass.config_entries.async_unload(entry.entry_id)


async def test_the_position_moves_after_the_listeners_ran(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    coordinator = await coordinator_of(hass, entry, gateway)
    positions: list[int] = []

    def listener(event: Event, _: bool) -> None:
        assert coordinator.processed is not None
        positions.append(event.sequence - coordinator.processed.sequence)

    coordinator.async_subscribe(listener)
    await gateway.send(golden("event-message-received") | {"sequence": 7})
    await until(lambda: gateway.acknowledged == [7], "it is processed")
    assert positions == [1]
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_fault_of_one_listener_is_logged_and_stops_nobody(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    coordinator = await coordinator_of(hass, entry, gateway)
    heard: list[int] = []

    def broken(_event: Event, _waited: bool) -> None:
        raise RuntimeError("a fault")

    end = coordinator.async_subscribe(broken)
    coordinator.async_subscribe(lambda event, _: heard.append(event.sequence))
    await gateway.send(golden("event-message-received") | {"sequence": 7})
    await until(lambda: gateway.acknowledged == [7], "it is processed")
    assert heard == [7]
    assert "has a fault" in caplog.text
    end()
    caplog.clear()
    await gateway.send(golden("event-message-received") | {"sequence": 8})
    await until(lambda: heard == [7, 8], "the next is heard")
    assert "has a fault" not in caplog.text
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("call.changed", {**CALL, "backlog": False, "status": "singing"}),
        ("presence.changed", {"chat": GROUP, "person": ALICE, "presence": "asleep", "last_seen": None}),
        ("group.changed", {**GROUP_CHANGE, "members": [1], "timestamp": NOW, "backlog": False}),
        ("contact.changed", {"chat": ALICE}),
        ("message.status", {"messageId": "M1"}),
    ],
)
def test_an_event_that_is_none_is_refused_at_the_border(kind: str, data: dict[str, Any]) -> None:
    with pytest.raises(GatewayAnswerError):
        Event.parse(frame(kind, 7, **data))
