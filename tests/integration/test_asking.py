"""Ask and wait: one action that returns the answer, who gave it, or that nobody did."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.integration.dialog import until
from tests.integration.recipients import ALICE, FAMILY, put_recipient
from tests.integration.scripted_gateway import ScriptedGateway, golden

MESSAGES = "/v1/accounts/home/messages"
QUESTION = golden("answer-message-sent")["data"]["messageId"]
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


async def ask(hass: HomeAssistant, **data: Any) -> Json:
    data = {"entity_id": "notify.alice", "question": "Close it?", "timeout": {"seconds": 20}} | data
    return await hass.services.async_call("whatsapp_gateway", "ask", data, blocking=True, return_response=True)


async def asking(hass: HomeAssistant, gateway: ScriptedGateway, **data: Any) -> asyncio.Task[Json]:
    """Asks and waits until the question is at the gateway."""
    task = hass.async_create_task(ask(hass, **data))
    await until(lambda: bool(gateway.requested("POST", MESSAGES)), "it is asked")
    return task


def wrote(sequence: int, content: Json, **changes: Any) -> Json:
    """Returns the event of a message by Alice."""
    event = golden("event-message-received")
    event["sequence"] = 500 + sequence
    event["data"] |= {"message_id": f"3A{sequence}", "chat": {"id": ALICE, "type": "person"}, "quote": None} | changes
    event["data"]["content"] = content
    return event


def text(words: str) -> Json:
    return {"type": "text", "text": words, "link_preview": None}


def vote(*options: str, question: str = QUESTION) -> Json:
    return {"type": "poll_vote", "message_id": question, "options": list(options)}


@pytest.mark.usefixtures("loaded")
async def test_a_choice_is_the_answer(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    task = await asking(hass, gateway, options=["Close it", "Leave it"])
    [request] = gateway.requested("POST", MESSAGES)
    assert request.body == {
        "type": "poll",
        "to": ALICE,
        "question": "Close it?",
        "options": ["Close it", "Leave it"],
        "selectable": 1,
    }
    for number, content in enumerate([vote("Close it", question="another"), vote(), text("hm"), vote("Leave it")]):
        await gateway.send(wrote(number, content))
    answer = await task
    sender = golden("event-message-received")["data"]["sender"]
    assert answer | {"timestamp": ""} == {
        "answered": True,
        "answer": "Leave it",
        "option": "Leave it",
        "entity_id": "notify.alice",
        "chat": ALICE,
        "message_id": "3A3",
        "question_id": QUESTION,
        "sender_phone": sender["phone"],
        "sender_name": sender["push_name"],
        "timestamp": "",
    }


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(("words", "option"), [("leave it!", "Leave it"), ("1", "Close it"), ("Close it.", "Close it")])
async def test_an_option_can_be_typed(hass: HomeAssistant, gateway: ScriptedGateway, words: str, option: str) -> None:
    task = await asking(hass, gateway, options=["Close it", "Leave it"])
    await gateway.send(wrote(1, text(words)))
    assert (await task)["option"] == option


@pytest.mark.usefixtures("loaded")
async def test_without_options_any_words_of_that_chat_are_the_answer(
    hass: HomeAssistant, gateway: ScriptedGateway
) -> None:
    task = await asking(hass, gateway)
    await gateway.send(wrote(1, text("elsewhere"), chat={"id": FAMILY, "type": "group"}))
    await gateway.send(wrote(2, text("our own"), from_me=True))
    await gateway.send(wrote(3, {"type": "reaction", "message_id": "x", "author": None, "emoji": "👍"}))
    await gateway.send(wrote(4, text(" at seven ")))
    answer = await task
    assert (answer["answer"], answer["option"], answer["message_id"]) == ("at seven", None, "3A4")


@pytest.mark.usefixtures("loaded")
async def test_in_a_busy_chat_only_a_reply_counts(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    task = await asking(hass, gateway, replies_only=True)
    await gateway.send(wrote(1, text("chatter")))
    quote = {"message_id": QUESTION, "author": None, "text": None}
    await gateway.send(wrote(2, text("at seven"), quote=quote))
    assert (await task)["answer"] == "at seven"


@pytest.mark.usefixtures("loaded")
async def test_an_answer_that_is_quicker_than_the_acknowledgement_counts(
    hass: HomeAssistant, gateway: ScriptedGateway
) -> None:
    gateway.hold("POST", MESSAGES)
    task = await asking(hass, gateway, options=["Yes", "No"])
    await gateway.send(wrote(1, vote("Yes")))
    await until(lambda: bool(gateway.acknowledged), "the vote is there")
    gateway.release()
    assert (await task)["option"] == "Yes"


@pytest.mark.usefixtures("loaded")
async def test_when_nobody_answers_in_time_it_says_so(hass: HomeAssistant) -> None:
    answer = await ask(hass, timeout={"seconds": 1})
    assert answer == {"answered": False, "answer": None, "option": None}


async def test_an_answer_counts_over_a_lost_connection_and_a_reload(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry
) -> None:
    task = await asking(hass, gateway, options=["Yes", "No"])
    await gateway.drop()
    await gateway.listeners()
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await gateway.listeners()
    await gateway.send(wrote(1, vote("No")))
    assert (await task)["option"] == "No"


@pytest.mark.usefixtures("loaded")
async def test_the_first_of_many_answers_counts(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    for chat, message_id in ((ALICE, "3EB0A"), (FAMILY, "3EB0B")):
        sent = golden("answer-message-sent")
        sent["data"] |= {"chat": chat, "to": chat, "messageId": message_id}
        gateway.answers.setdefault(("POST", MESSAGES), []).append((200, sent))
    task = hass.async_create_task(ask(hass, entity_id=["notify.alice", "notify.family"], options=["Yes", "No"]))
    await until(lambda: len(gateway.requested("POST", MESSAGES)) == 2, "both are asked")
    await gateway.send(wrote(1, vote("Yes", question="3EB0B"), chat={"id": FAMILY, "type": "group"}))
    answer = await task
    assert (answer["entity_id"], answer["chat"]) == ("notify.family", FAMILY)


@pytest.mark.usefixtures("loaded")
async def test_a_question_that_reaches_nobody_is_an_error(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    gateway.answer("POST", MESSAGES, "error-message-rejected")
    with pytest.raises(HomeAssistantError) as refused:
        await ask(hass)
    assert refused.value.translation_key == "message_rejected"

    gateway.answer("POST", MESSAGES, (202, golden("answer-message-queued")))
    gateway.requests.clear()
    task = await asking(hass, gateway)
    expired = golden("event-message-expired")
    expired["sequence"] = 900
    expired["data"]["messageId"] = golden("answer-message-queued")["data"]["messageId"]
    await gateway.send(expired)
    with pytest.raises(HomeAssistantError) as late:
        await task
    assert late.value.translation_key == "message_expired"


@pytest.mark.usefixtures("loaded")
async def test_nobody_to_ask_is_an_error(hass: HomeAssistant) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await hass.services.async_call(
            "whatsapp_gateway", "ask", {"question": "x"}, blocking=True, return_response=True
        )
    assert refused.value.translation_key == "no_target"
