"""The main job, end to end: linked in Home Assistant, sent by an automation, received by an automation."""

import asyncio

import pytest

from tests.e2e.conftest import ALICE, House
from tests.simulator.client import Simulator
from tests.stack.entities import entity_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_sensors_say_connected(house: House) -> None:
    assert await house.home_assistant.state(await entity_id(house.home_assistant, "binary_sensor")) == "on"
    assert await house.home_assistant.state(await entity_id(house.home_assistant, "sensor", "state")) == "connected"


async def test_an_automation_sends_what_the_contact_decrypts(house: House) -> None:
    await house.home_assistant.call("input_button.press", entity_id="input_button.wash")
    [message] = await house.simulator.contact_messages(ALICE, wait=10)
    assert message.text == "The washing machine is done."


async def test_a_contacts_answer_triggers_an_automation(house: House) -> None:
    async with house.home_assistant.socket() as socket:
        told = await socket.subscribe("subscribe_events", event_type="whatsapp_gateway_message")
        triggered = await socket.subscribe("subscribe_events", event_type="received_by_automation")
        message_id = await house.simulator.contact_send(ALICE, "Thank you 👍")
        async with asyncio.timeout(10):
            event = await told.get()
            assert (await triggered.get())["data"] == {"seen": f"Thank you 👍 from {ALICE}"}
    data = event["data"]
    assert {
        key: data[key] for key in ("message_id", "chat_id", "chat_type", "sender_phone", "sender_name", "text")
    } == {
        "message_id": message_id,
        "chat_id": ALICE,
        "chat_type": "person",
        "sender_phone": ALICE,
        "sender_name": "Alice",
        "text": "Thank you 👍",
    }
    assert (data["from_me"], data["backlog"], data["account_phone"]) == (False, False, house.simulator.phone)
    assert await told_once(house, message_id)


async def told_once(house: House, message_id: str) -> bool:
    """Whether a later message comes without the earlier one having been told again."""
    async with house.home_assistant.socket() as socket:
        told = await socket.subscribe("subscribe_events", event_type="whatsapp_gateway_message")
        later = await house.simulator.contact_send(ALICE, "and another")
        async with asyncio.timeout(10):
            return bool((await told.get())["data"]["message_id"] == later != message_id)


async def test_a_trigger_and_conditions_of_ours_start_an_automation(house: House) -> None:
    async with house.home_assistant.socket() as socket:
        opened = await socket.subscribe("subscribe_events", event_type="opened_by_automation")
        await house.simulator.contact_send(ALICE, "please do nothing")
        await house.simulator.contact_send(ALICE, "please open the gate")
        async with asyncio.timeout(10):
            assert (await opened.get())["data"] == {"what": "gate"}
        triggers = await socket.subscribe("trigger_platforms/subscribe")
        async with asyncio.timeout(10):
            described = await triggers.get()
    assert described["whatsapp_gateway.message_received"]["fields"]["sender"]["selector"]["text"]["multiple"] is True


async def test_a_group_is_written_to_and_heard(house: House) -> None:
    group = await house.simulator.add_group("Family", [ALICE])
    seen = (await house.simulator.contact_messages(ALICE))[-1].index
    await house.home_assistant.call("notify.whatsapp", message="Dinner is ready", target=group)
    messages = await house.simulator.contact_messages(ALICE, after=seen, wait=10)
    assert [(message.text, message.chat) for message in messages] == [("Dinner is ready", group)]
    async with house.home_assistant.socket() as socket:
        told = await socket.subscribe("subscribe_events", event_type="whatsapp_gateway_message")
        await house.simulator.contact_send(ALICE, "Coming", group=group)
        async with asyncio.timeout(10):
            data = (await told.get())["data"]
    assert (data["chat_id"], data["chat_type"], data["sender_phone"]) == (group, "group", ALICE)


async def test_what_came_while_home_assistant_was_deaf_is_told_once_as_backlog(house: House) -> None:
    """The link is down while the contact writes: WhatsApp keeps the message, and it comes with the next connection."""
    async with house.home_assistant.socket() as socket:
        told = await socket.subscribe("subscribe_events", event_type="whatsapp_gateway_message")
        await house.simulator.faults(refuse_connections=True, drop=True)
        message_id = await house.simulator.contact_send(ALICE, "Nobody there?")
        await house.simulator.clear_faults()
        async with asyncio.timeout(20):
            assert (await told.get())["data"]["message_id"] == message_id


async def test_several_targets_get_one_message_each(house: House) -> None:
    bob, carol = "+15551230002", "+15551230003"
    for phone, name in ((bob, "Bob"), (carol, "Carol")):
        await house.simulator.add_contact(phone, name, addressing="lid")
    await house.home_assistant.call(
        "notify.whatsapp", title="Alarm", message="Water in the cellar", target=[bob, carol]
    )
    for phone in (bob, carol):
        [message] = await house.simulator.contact_messages(phone, wait=10)
        assert message.text == "*Alarm*\nWater in the cellar"


async def test_whatsapp_would_have_had_no_complaint(house: House) -> None:
    await no_complaints(house.simulator)


async def no_complaints(simulator: Simulator) -> None:
    """The simulator saw nothing that WhatsApp or a phone would refuse, and no stanza without an answer."""
    state = await simulator.state()
    assert not state.violations
    assert not state.unanswered
