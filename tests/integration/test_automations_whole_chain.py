"""Triggers and conditions with the real gateway, engine and simulated WhatsApp."""

from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest

from tests.integration.automation import automation
from tests.integration.conftest import ALICE, SECOND_PHONE
from tests.integration.dialog import until
from tests.simulator.client import Simulator


async def ask(hass: HomeAssistant, simulator: Simulator) -> str:
    """Sends Alice a poll and returns its message id."""
    poll = {"message": "Close the garage?", "target": ALICE, "data": {"poll": {"options": ["Close it", "Leave it"]}}}
    await hass.services.async_call("notify", "whatsapp", poll, blocking=True)
    [asked] = await simulator.contact_messages(ALICE, wait=10)
    return asked.message_id


async def test_a_message_of_a_group_starts_the_automation_that_waits_for_its_words(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    group = await simulator.add_group("Family", [ALICE, SECOND_PHONE])
    is_from_alice = {"condition": "whatsapp_gateway.message_matches", "options": {"sender": ALICE}}
    connected = {"condition": "whatsapp_gateway.is_connected"}
    runs = await automation(
        hass, "message_received", [is_from_alice, connected], chat=group, pattern=r"(?P<degrees>\d+) degrees"
    )
    await simulator.contact_send(ALICE, "21 degrees, please")
    await simulator.contact_send(SECOND_PHONE, "make it 30 degrees", group=group)
    await simulator.contact_send(ALICE, "make it 22 Degrees", group=group)
    await until(lambda: len(runs) == 1, "it ran")
    data = runs[0].data["trigger"]
    assert (data["chat_id"], data["sender_phone"], data["found"]) == (group, ALICE, {"degrees": "22"})


async def test_an_answer_to_a_poll_and_a_reaction_start_automations(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    asked = await ask(hass, simulator)
    runs = await automation(hass, "poll_answered", option="Close it")
    await simulator.contact_write(ALICE, {"kind": "poll_vote", "message_id": asked, "options": ["Leave it"]})
    await simulator.contact_write(ALICE, {"kind": "poll_vote", "message_id": asked, "options": ["Close it"]})
    await until(lambda: len(runs) == 1, "it ran")
    data = runs[0].data["trigger"]
    assert (data["message_id"], data["options"], data["sender_phone"]) == (asked, ["Close it"], ALICE)


async def test_a_reaction_to_our_message_starts_an_automation(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    asked = await ask(hass, simulator)
    runs = await automation(hass, "reaction_received", emoji=["👍", "❤️"])
    await simulator.contact_write(ALICE, {"kind": "reaction", "message_id": asked, "emoji": "👍"})
    await until(lambda: len(runs) == 1, "it ran")
    data = runs[0].data["trigger"]
    assert (data["message_id"], data["emoji"], data["author"]) == (asked, "👍", None)


async def test_delivered_and_read_start_automations(hass: HomeAssistant, linked: str, simulator: Simulator) -> None:
    [device] = dr.async_entries_for_config_entry(dr.async_get(hass), linked)
    runs = await automation(hass, "message_read", device_id=device.id)
    asked = await ask(hass, simulator)
    await simulator.read(ALICE, asked)
    await until(lambda: len(runs) == 1, "it ran")
    data = runs[0].data["trigger"]
    assert (data["message_id"], data["recipient"], data["status"]) == (asked, ALICE, "read")


async def test_a_message_to_nobody_starts_the_automation_for_failures(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    runs = await automation(hass, "message_failed")
    with pytest.raises(Exception, match="not on WhatsApp"):
        await hass.services.async_call("notify", "whatsapp", {"message": "x", "target": "+15559999999"}, blocking=True)
    await until(lambda: len(runs) == 1, "it ran")
    assert runs[0].data["trigger"]["error_code"] == "recipient_not_on_whatsapp"


async def test_a_lost_link_starts_an_automation(hass: HomeAssistant, linked: str, simulator: Simulator) -> None:
    not_connected = {"condition": "not", "conditions": [{"condition": "whatsapp_gateway.is_connected"}]}
    runs: list[Event] = await automation(hass, "connection_lost", [not_connected])
    await simulator.faults(drop=True)
    await until(lambda: len(runs) == 1, "it ran")
    assert runs[0].data["trigger"]["reason"] == "connection_lost"


async def test_a_message_on_the_phone_starts_an_automation(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    runs = await automation(hass, "message_delivered", chat=ALICE)
    asked = await ask(hass, simulator)
    await until(lambda: len(runs) == 1, "it ran")
    data = runs[0].data["trigger"]
    assert (data["message_id"], data["recipient"], data["status"]) == (asked, ALICE, "delivered")


async def test_a_call_starts_an_automation_and_is_rejected(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    runs = await automation(hass, "call_received", chat=ALICE)
    call_id = await simulator.call(ALICE, video=True)
    await until(lambda: len(runs) == 1, "it ran")
    data = runs[0].data["trigger"]
    assert (data["call_id"], data["caller"], data["video"], data["status"]) == (call_id, ALICE, True, "ringing")
    await hass.services.async_call("whatsapp_gateway", "reject_call", {"call_id": call_id}, blocking=True)
    assert await simulator.call_state(call_id) == "rejected"
