"""Linked in the dialog, sent with notify.whatsapp, received as an event: with the real gateway and engine."""

from homeassistant.core import Event, HomeAssistant

from tests.integration.conftest import ALICE
from tests.integration.dialog import CONNECTIVITY, STATE, is_state, until
from tests.simulator.client import Simulator


async def test_a_message_sent_by_an_action_is_decrypted_by_the_contact(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    assert is_state(hass, STATE, "connected")
    data = {"message": "Water in the cellar", "title": "Alarm", "target": [ALICE]}
    await hass.services.async_call("notify", "whatsapp", data, blocking=True)
    [message] = await simulator.contact_messages(ALICE, wait=10)
    assert message.text == "*Alarm*\nWater in the cellar"


async def test_a_message_received_is_an_event_with_flat_data(
    hass: HomeAssistant, linked: str, simulator: Simulator, messages: list[Event]
) -> None:
    message_id = await simulator.contact_send(ALICE, "Thank you 👍")
    await until(lambda: bool(messages), "the message is told")
    data = dict(messages[0].data)
    assert data.pop("timestamp").endswith("+00:00")
    assert data.pop("sender_lid")
    assert data == {
        "config_entry_id": linked,
        "account": "whatsapp",
        "account_phone": simulator.phone,
        "message_id": message_id,
        "chat_id": ALICE,
        "chat_type": "person",
        "sender_phone": ALICE,
        "sender_name": "Alice",
        "from_me": False,
        "text": "Thank you 👍",
        "content_type": "text",
        "backlog": False,
    }


async def test_a_message_that_came_while_the_entry_was_unloaded_is_told_once_when_it_is_back(
    hass: HomeAssistant, linked: str, simulator: Simulator, messages: list[Event]
) -> None:
    await simulator.contact_send(ALICE, "one")
    await until(lambda: len(messages) == 1, "the first is told")
    assert await hass.config_entries.async_unload(linked)
    assert is_state(hass, CONNECTIVITY, "unavailable")
    await simulator.contact_send(ALICE, "two")
    assert await hass.config_entries.async_setup(linked)
    await until(lambda: len(messages) == 2, "the second is told")
    assert await hass.config_entries.async_reload(linked)
    await simulator.contact_send(ALICE, "three")
    await until(lambda: len(messages) >= 3, "the third is told")
    assert [message.data["text"] for message in messages] == ["one", "two", "three"]
    assert messages[0].data["backlog"] is False


async def test_drops_are_followed_at_once(hass: HomeAssistant, linked: str, simulator: Simulator) -> None:
    await simulator.faults(drop=True)
    await until(lambda: is_state(hass, STATE, "reconnecting"), "the drop is seen")
    assert is_state(hass, CONNECTIVITY, "off")
    state = hass.states.get(STATE)
    assert state is not None
    assert state.attributes["reason"] == "connection_lost"
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is connected again")


async def test_an_unlinked_account_asks_to_be_linked_again(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    await simulator.unlink()
    await until(lambda: is_state(hass, STATE, "logged_out"), "the unlinking is seen")
    await until(lambda: bool(hass.config_entries.flow.async_progress()), "the dialog is offered")
    [flow] = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_link"
