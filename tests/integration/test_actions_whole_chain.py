"""Recipients and actions with the real gateway and engine: what the contact's phone decrypts."""

import asyncio
import base64
from pathlib import Path
from typing import Any

from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers.dispatcher import async_dispatcher_connect
import pytest

from custom_components.whatsapp_gateway.api.changes import CallChanged
from custom_components.whatsapp_gateway.coordinator import SIGNAL_EVENT
from tests.integration.conftest import ALICE
from tests.integration.dialog import LIMIT, is_state, until
from tests.integration.house_parts import picture, set_up_house
from tests.integration.recipients import add_recipient, answer, begin_adding
from tests.simulator.client import ReceivedMessage, Simulator

type Json = Any


async def act(hass: HomeAssistant, action: str, **data: Any) -> Json:
    """Performs an action for Alice and returns its response."""
    data = {name: value for name, value in ({"entity_id": "notify.alice"} | data).items() if value is not None}
    return await hass.services.async_call("whatsapp_gateway", action, data, blocking=True, return_response=True)


@pytest.fixture
async def alice(hass: HomeAssistant, linked: str) -> str:
    """Alice as a recipient; returns the entry's id."""
    hass.config.country = "US"
    await add_recipient(hass, linked, "(555) 123-0001", "Alice")
    return linked


async def last(simulator: Simulator, after: int = -1) -> ReceivedMessage:
    return (await simulator.contact_messages(ALICE, after=after, wait=20))[-1]


async def test_a_group_is_picked_from_the_accounts_chats_and_written_to(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    group = await simulator.add_group("Family", [ALICE])
    step = await begin_adding(hass, linked)
    [selector] = step["data_schema"].schema.values()
    assert {"value": "Family", "label": "Family"} in selector.config["options"]
    await simulator.set_picture(group, picture())
    step = await answer(hass, step, chat="Family")
    assert step["description_placeholders"]["picture"].startswith("![](data:image/jpeg;base64,/9j/")
    await answer(hass, step, name="Family", may_trigger=True, media="on_demand", assist={})
    await hass.async_block_till_done()
    call = {"entity_id": "notify.family", "message": "Dinner", "title": "Now"}
    await hass.services.async_call("notify", "send_message", call, blocking=True)
    message = await last(simulator)
    assert (message.text, message.chat) == ("*Now*\nDinner", group)
    assert not is_state(hass, "notify.family", "unknown")


async def test_a_number_that_is_not_on_whatsapp_is_refused(hass: HomeAssistant, linked: str) -> None:
    step = await answer(hass, await begin_adding(hass, linked), chat="+15559990000")
    assert step["errors"] == {"chat": "recipient_not_on_whatsapp"}


async def test_all_that_can_be_said_about_a_message(
    hass: HomeAssistant, alice: str, simulator: Simulator, messages: list[Event]
) -> None:
    assert alice
    question = await simulator.contact_send(ALICE, "What is for dinner?")
    await until(lambda: bool(messages), "the question is told")
    await act(hass, "react", message_id=question, emoji="🍕")
    reaction = await last(simulator)
    assert reaction.content["emoji"] == "🍕"
    assert reaction.content["message_id"] == question

    response = await act(
        hass, "send_message", message="**Pizza**, @Alice", markdown=True, mentions="Alice", reply_to=question
    )
    reply = await last(simulator, reaction.index)
    [told] = response["messages"]
    assert (told["entity_id"], told["chat"], told["message_id"]) == ("notify.alice", ALICE, reply.message_id)
    assert reply.content["mentions"] == [ALICE]
    assert reply.content["quote"]["message_id"] == question
    assert reply.content["quote"]["text"] == "What is for dinner?"
    assert reply.text is not None
    assert reply.text.startswith("*Pizza*, @")

    await act(hass, "edit_message", message_id=reply.message_id, message="Pasta")
    edit = await last(simulator, reply.index)
    assert (edit.content["kind"], edit.content["text"]) == ("edit", "Pasta")
    await act(hass, "delete_message", message_id=reply.message_id)
    revocation = await last(simulator, edit.index)
    assert (revocation.content["kind"], revocation.content["message_id"]) == ("revoke", reply.message_id)


async def test_what_the_house_can_show_and_say(
    hass: HomeAssistant, alice: str, simulator: Simulator, tmp_path: Path
) -> None:
    assert alice
    house = tmp_path / "house"
    house.mkdir()
    await set_up_house(hass, house)
    await act(hass, "send_media", camera="camera.door", caption="Who is it?")
    picture = await last(simulator)
    assert (picture.content["kind"], picture.content["caption"]) == ("image", "Who is it?")
    await act(hass, "send_voice", message="Dinner is ready", tts_entity="tts.speaker")
    voice = await last(simulator, picture.index)
    assert voice.content["kind"] == "voice"
    assert voice.content["media"]["seconds"] == 1
    await act(hass, "send_sticker", camera="image.painting")
    sticker = await last(simulator, voice.index)
    assert (sticker.content["kind"], sticker.content["media"]["mimetype"]) == ("sticker", "image/webp")
    (house / "plan.pdf").write_bytes(base64.b64decode("JVBERi0xLjcK") * 20_000)
    await act(hass, "send_media", media="media-source://media_source/local/plan.pdf", caption="The plan")
    document = await last(simulator, sticker.index)
    assert (document.content["kind"], document.content["file_name"]) == ("document", "plan.pdf")
    assert document.content["media"]["size"] == 9 * 20_000


async def test_places_people_and_questions(hass: HomeAssistant, alice: str, simulator: Simulator) -> None:
    assert alice
    hass.states.async_set("person.bob", "home", {"latitude": 52.5, "longitude": 13.4, "friendly_name": "Bob"})
    await act(hass, "send_location", of_entity="person.bob", address="1 Main Street")
    place = await last(simulator)
    assert {name: place.content[name] for name in ("kind", "latitude", "longitude", "name", "address")} == {
        "kind": "location",
        "latitude": 52.5,
        "longitude": 13.4,
        "name": "Bob",
        "address": "1 Main Street",
    }
    await act(hass, "send_contact", name="Dr Miller", phones="+15551230001", email="miller@example.org")
    card = await last(simulator, place.index)
    assert card.content["contacts"][0]["name"] == "Dr Miller"
    await act(hass, "send_poll", question="Pizza or pasta?", options=["Pizza", "Pasta"])
    poll = await last(simulator, card.index)
    assert (poll.content["question"], poll.content["options"]) == ("Pizza or pasta?", ["Pizza", "Pasta"])


async def test_what_a_recipient_writes_fires_the_event_entity_also_what_came_meanwhile(
    hass: HomeAssistant, alice: str, simulator: Simulator
) -> None:
    def said(kind: str) -> bool:
        state = hass.states.get("event.alice_message")
        return state is not None and state.attributes.get("event_type") == kind

    await simulator.contact_send(ALICE, "Who is there?")
    await until(lambda: said("text"), "the text is told")
    entry = hass.config_entries.async_get_entry(alice)
    assert entry is not None
    client = entry.runtime_data.client
    assert await hass.config_entries.async_unload(alice)
    media = {"mimetype": "image/jpeg", "size": 100}
    async with asyncio.timeout(LIMIT), client.events() as events:
        await simulator.contact_write(ALICE, {"kind": "image", "media": media, "caption": "me"})
        while (await events.next()).type != "message.received":
            pass
    assert await hass.config_entries.async_setup(alice)
    await until(lambda: said("image"), "the picture is told")
    state = hass.states.get("event.alice_message")
    assert state is not None
    assert (state.attributes["text"], state.attributes["sender_phone"], state.attributes["backlog"]) == (
        "me",
        ALICE,
        True,
    )


async def test_a_question_is_answered_by_a_choice_over_a_lost_connection(
    hass: HomeAssistant, alice: str, simulator: Simulator
) -> None:
    assert alice
    call = {"question": "The garage is open. Close it?", "options": ["Close it", "Leave it"], "timeout": 60}
    asking = hass.async_create_task(act(hass, "ask", **call))
    poll = await last(simulator)
    await simulator.faults(drop=True)
    vote = {"kind": "poll_vote", "message_id": poll.message_id, "options": ["Close it"]}
    await simulator.contact_write(ALICE, vote)
    answer = await asking
    assert (answer["answered"], answer["option"], answer["question_id"]) == (True, "Close it", poll.message_id)
    assert (answer["sender_phone"], answer["sender_name"], answer["entity_id"]) == (ALICE, "Alice", "notify.alice")


async def test_a_question_is_answered_in_words(hass: HomeAssistant, alice: str, simulator: Simulator) -> None:
    assert alice
    asking = hass.async_create_task(act(hass, "ask", question="When do you come?", timeout=60))
    await last(simulator)
    await simulator.contact_send(ALICE, "At seven")
    assert (await asking)["answer"] == "At seven"


async def test_reading_typing_and_looking_up(
    hass: HomeAssistant, alice: str, simulator: Simulator, messages: list[Event]
) -> None:
    assert alice
    message_id = await simulator.contact_send(ALICE, "Are you there?")
    await until(lambda: bool(messages), "it is told")
    for action, data in (("mark_read", {"message_id": message_id}), ("set_typing", {"presence": "typing"})):
        call = {"entity_id": "notify.alice"} | data
        await hass.services.async_call("whatsapp_gateway", action, call, blocking=True)
    assert await simulator.message_read(message_id) == "read"
    assert (await simulator.sees(ALICE))["typing"]
    checked = await act(hass, "check_number", entity_id=None, numbers=["(555) 123-0001", "(555) 999-0000"])
    assert [answer["on_whatsapp"] for answer in checked["numbers"]] == [True, False]
    listed = await act(hass, "list_chats", entity_id=None, search="ali")
    assert [(chat["chat"], chat["recipient"]) for chat in listed["chats"]] == [(ALICE, "Alice")]


async def test_a_groups_new_name_is_followed_and_its_end_too(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    entry = hass.config_entries.async_get_entry(linked)
    assert entry is not None
    call = {"subject": "Choir", "members": [ALICE]}
    made: Json = await hass.services.async_call(
        "whatsapp_gateway", "create_group", call, blocking=True, return_response=True
    )
    assert sorted((await simulator.group(made["chat"]))["members"]) == sorted([ALICE, simulator.phone])
    await add_recipient(hass, linked, made["chat"], "Choir")
    await simulator.change_group(made["chat"], simulator.phone, "subject", value="Chorus")
    await until(
        lambda: [subentry.title for subentry in entry.subentries.values()] == ["Chorus"], "the name is followed"
    )
    await hass.async_block_till_done()
    state = hass.states.get("notify.choir")
    assert state is not None
    assert state.name == "Chorus"
    await simulator.change_group(made["chat"], simulator.phone, "leave")
    await until(lambda: not entry.subentries, "the recipient is removed")
    await hass.async_block_till_done()
    assert hass.states.get("notify.choir") is None


async def test_a_persons_new_name_is_followed(
    hass: HomeAssistant, linked: str, simulator: Simulator, messages: list[Event]
) -> None:
    entry = hass.config_entries.async_get_entry(linked)
    assert entry is not None
    await simulator.contact_send(ALICE, "Hello")
    await until(lambda: bool(messages), "it is told")
    await add_recipient(hass, linked, f"Alice ({ALICE})", "Alice")
    await simulator.rename(ALICE, "Alice Miller")
    await simulator.contact_send(ALICE, "It is me")
    await until(
        lambda: [subentry.title for subentry in entry.subentries.values()] == ["Alice Miller"], "it is followed"
    )


async def test_a_call_that_rings_is_rejected(hass: HomeAssistant, alice: str, simulator: Simulator) -> None:
    assert alice
    calls: list[str] = []
    async_dispatcher_connect(
        hass,
        SIGNAL_EVENT,
        lambda _entry, event, _waited: (
            calls.append(event.data.call_id) if isinstance(event.data, CallChanged) else None
        ),
    )
    call_id = await simulator.call(ALICE)
    await until(lambda: calls == [call_id], "it rings")
    await hass.services.async_call("whatsapp_gateway", "reject_call", {"call_id": call_id}, blocking=True)
    assert await simulator.call_state(call_id) == "rejected"
