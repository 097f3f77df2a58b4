"""The main job, end to end: linked in Home Assistant, sent by an automation, received by an automation."""

import asyncio

from tests.e2e.conftest import ALICE, House
from tests.simulator.client import Simulator
from tests.stack.entities import entity_id


async def test_the_sensors_say_connected(house: House) -> None:
    assert await house.home_assistant.state(await entity_id(house.home_assistant, "binary_sensor")) == "on"
    assert await house.home_assistant.state(await entity_id(house.home_assistant, "sensor")) == "connected"


async def test_an_automation_sends_what_the_contact_decrypts(house: House) -> None:
    await house.home_assistant.call("input_button.press", entity_id="input_button.wash")
    [message] = await house.simulator.contact_messages(ALICE, wait=10)
    assert message.text == "The washing machine is done."


async def test_a_contacts_answer_triggers_an_automation(house: House) -> None:
    async with house.home_assistant.socket() as socket:
        received = await socket.subscribe("subscribe_events", event_type="received_by_automation")
        await house.simulator.contact_send(ALICE, "Thank you 👍")
        async with asyncio.timeout(10):
            event = await received.get()
    assert event["data"] == {
        "text": "Thank you 👍",
        "sender_phone": ALICE,
        "chat_id": ALICE,
        "from_me": False,
        "backlog": False,
    }


async def test_a_group_is_written_to_and_heard(house: House) -> None:
    group = await house.simulator.add_group("Family", [ALICE])
    async with house.home_assistant.socket() as socket:
        received = await socket.subscribe("subscribe_events", event_type="received_by_automation")
        await house.home_assistant.call("notify.whatsapp", message="Dinner is ready", target=group)
        messages = await house.simulator.contact_messages(ALICE, after=0, wait=10)
        assert [(message.text, message.chat) for message in messages] == [("Dinner is ready", group)]
        await house.simulator.contact_send(ALICE, "Coming", group=group)
        async with asyncio.timeout(10):
            event = await received.get()
    assert event["data"]["chat_id"] == group
    assert event["data"]["sender_phone"] == ALICE


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
