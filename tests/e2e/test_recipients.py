"""Recipients, actions and events on the newest Home Assistant, with all parts real; also what came while it was down."""

import asyncio
from pathlib import Path
from typing import Any

import imageio_ffmpeg  # type: ignore[import-untyped]
import pytest

from tests.e2e.house_integration import write_house
from tests.gateway.media_samples import picture, sound
from tests.simulator.client import ReceivedMessage, Simulator, running_simulator
from tests.stack.bridge import running_bridge
from tests.stack.config_flow import add_recipient, begin_pairing, finished_flow
from tests.stack.home_assistant import HomeAssistant, home_assistant_again, running_home_assistant

ALICE = "+15551230001"
AUTOMATIONS = """\
- id: echo
  alias: Echo
  mode: queued
  triggers:
    - trigger: event.received
      target: {entity_id: event.alice_message}
      options: {event_type: [text]}
  conditions: "{{ trigger.to_state.attributes.text.startswith('echo') }}"
  actions:
    - action: notify.send_message
      target: {entity_id: notify.alice}
      data: {message: "{{ trigger.to_state.attributes.text }}, backlog {{ trigger.to_state.attributes.backlog }}"}
"""


class Contact:
    """What Alice's phone decrypts, one after the other."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._seen = -1

    async def gets(self) -> ReceivedMessage:
        """Waits for the next message."""
        message = (await self._simulator.contact_messages(ALICE, after=self._seen, wait=20))[0]
        self._seen = message.index
        return message


@pytest.mark.timeout(240)
async def test_recipients_on_the_newest_home_assistant(tmp_path: Path) -> None:
    config = tmp_path / "config"
    write_house(config, picture(), sound(tmp_path))
    (config / "media").mkdir()
    (config / "media/plan.pdf").write_bytes(b"%PDF-1.7 the plan")
    more = f"house:\nffmpeg:\n  ffmpeg_bin: {imageio_ffmpeg.get_ffmpeg_exe()}\nmedia_source:\n"
    async with running_simulator() as simulator, running_bridge(tmp_path / "bridge", simulator) as bridge:
        await simulator.add_contact(ALICE, "Alice")
        contact = Contact(simulator)
        async with running_home_assistant(config, AUTOMATIONS, more) as home_assistant:
            step = await begin_pairing(home_assistant, bridge)
            await simulator.scan_qr(step["qr_text"])
            await finished_flow(home_assistant, step["flow_id"])
            await add_recipient(home_assistant, "+1 555 123 0001", "Alice")
            await _messages_of_all_kinds(home_assistant, contact)
            await _questions(home_assistant, simulator, contact)
            await _a_received_file(home_assistant, simulator, config)
            await simulator.contact_send(ALICE, "echo one")
            assert (await contact.gets()).text == "echo one, backlog False"
        await simulator.contact_send(ALICE, "echo two")
        async with home_assistant_again(home_assistant):
            assert (await contact.gets()).text == "echo two, backlog True"
        state = await simulator.state()
        assert not state.violations


async def _messages_of_all_kinds(home_assistant: HomeAssistant, contact: Contact) -> None:
    async def act(action: str, **data: Any) -> tuple[dict[str, Any], ReceivedMessage]:
        response = await home_assistant.answered(f"whatsapp_gateway.{action}", entity_id="notify.alice", **data)
        message = await contact.gets()
        [told] = response["messages"]
        assert (told["message_id"] == message.message_id, told["status"]) == (True, "sent") or action == "edit_message"
        return told, message

    told, text = await act("send_message", message="**Dinner**", markdown=True)
    assert text.text == "*Dinner*"
    _, edit = await act("edit_message", message_id=told["message_id"], message="Supper")
    assert edit.content["text"] == "Supper"
    for action, source, kind in (
        ("send_media", {"camera": "camera.door", "caption": "Who is it?"}, "image"),
        ("send_media", {"camera": "image.painting"}, "image"),
        (
            "send_media",
            {"media": {"media_content_id": "media-source://media_source/local/plan.pdf", "media_content_type": ""}},
            "document",
        ),
        ("send_media", {"path": str(home_assistant.config_dir / "media/plan.pdf")}, "document"),
        ("send_sticker", {"media": "media-source://camera/camera.door"}, "sticker"),
        ("send_voice", {"message": "Dinner is ready", "tts_entity": "tts.speaker"}, "voice"),
        ("send_location", {"of_entity": "zone.home"}, "location"),
        ("send_contact", {"name": "Dr Miller", "phones": ["+15551230001"]}, "contacts"),
        ("send_poll", {"question": "Pizza?", "options": ["Yes", "No"]}, "poll"),
        ("react", {"message_id": told["message_id"], "own": True, "emoji": "👍"}, "reaction"),
        ("delete_message", {"message_id": told["message_id"]}, "revoke"),
    ):
        _, message = await act(action, **source)
        assert message.content["kind"] == kind


async def _questions(home_assistant: HomeAssistant, simulator: Simulator, contact: Contact) -> None:
    numbers = await home_assistant.answered("whatsapp_gateway.check_number", numbers=[ALICE])
    assert numbers["numbers"][0]["on_whatsapp"] is True
    chats = await home_assistant.answered("whatsapp_gateway.list_chats")
    assert (ALICE, "Alice") in [(chat["chat"], chat["recipient"]) for chat in chats["chats"]]
    question = {"entity_id": "notify.alice", "question": "Close it?", "options": ["Yes", "No"], "timeout": 60}
    asking = asyncio.create_task(home_assistant.answered("whatsapp_gateway.ask", **question))
    poll = await contact.gets()
    await simulator.contact_write(ALICE, {"kind": "poll_vote", "message_id": poll.message_id, "options": ["No"]})
    answer = await asking
    assert (answer["option"], answer["sender_name"]) == ("No", "Alice")


async def _a_received_file(home_assistant: HomeAssistant, simulator: Simulator, config: Path) -> None:
    async with home_assistant.socket() as socket:
        told = await socket.subscribe("subscribe_events", event_type="whatsapp_gateway_message")
        media = {"mimetype": "application/pdf", "size": 5000}
        await simulator.contact_write(ALICE, {"kind": "document", "media": media, "file_name": "bill.pdf"})
        async with asyncio.timeout(20):
            data = (await told.get())["data"]
        folder = await socket.command("media_source/browse_media", media_content_id="media-source://whatsapp_gateway")
        files = await socket.command(
            "media_source/browse_media", media_content_id=folder["children"][0]["media_content_id"]
        )
        assert [file["media_content_id"] for file in files["children"]] == [data["media_content_id"]]
        played = await socket.command("media_source/resolve_media", media_content_id=data["media_content_id"])
    async with home_assistant.session.get(f"{home_assistant.url}{played['url']}") as response:
        assert len(await response.read()) == 5000
    path = str(config / "media/bill.pdf")
    saved = await home_assistant.answered("whatsapp_gateway.get_file", message_id=data["message_id"], path=path)
    assert (saved["size"], saved["name"], Path(path).stat().st_size) == (5000, "bill.pdf", 5000)
