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
        "content": {"text": data["text"], "link_preview": None},
        "media_content_id": None,
        "quoted_message_id": None,
        "quoted_text": None,
        "forwarded": False,
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


async def test_a_picture_is_an_event_with_its_words_and_the_route_of_its_file(
    hass: HomeAssistant, linked: str, simulator: Simulator, messages: list[Event]
) -> None:
    media = {"mimetype": "image/jpeg", "size": 100, "thumbnail": "/9gBAv/Z"}
    message_id, sha256 = await simulator.contact_write(ALICE, {"kind": "image", "media": media, "caption": "the door"})
    await until(lambda: bool(messages), "the picture is told")
    data = messages[0].data
    assert (data["content_type"], data["text"]) == ("image", "the door")
    file = data["content"]["media"]
    assert (file["sha256"], file["url"]) == (sha256, f"/v1/accounts/whatsapp/media/{message_id}")
    assert "thumbnail" not in file


async def test_the_answer_to_a_poll_is_an_event_with_the_options_by_name(
    hass: HomeAssistant, linked: str, simulator: Simulator, messages: list[Event]
) -> None:
    poll = {"options": ["Close it", "Leave it"]}
    data = {"message": "Close the garage?", "target": ALICE, "data": {"poll": poll}}
    await hass.services.async_call("notify", "whatsapp", data, blocking=True)
    [asked] = await simulator.contact_messages(ALICE, wait=10)
    vote = {"kind": "poll_vote", "message_id": asked.message_id, "options": ["Close it"]}
    await simulator.contact_write(ALICE, vote)
    await until(lambda: bool(messages), "the vote is told")
    assert messages[0].data["content_type"] == "poll_vote"
    assert messages[0].data["content"] == {"message_id": asked.message_id, "options": ["Close it"]}
