"""A recipient talks to a conversation agent, in text or by voice, if its owner wants that; nobody else does."""

import asyncio
from collections.abc import AsyncIterable
from pathlib import Path
import subprocess
from typing import Any

from homeassistant.components import conversation, stt
from homeassistant.components.conversation.models import AbstractConversationAgent
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import intent
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_gateway import answer_limit, assist, voice_notes
from tests.integration.conftest import ALICE
from tests.integration.dialog import until
from tests.integration.house_parts import ROOT, sound
from tests.integration.recipients import put_recipient
from tests.integration.scripted_gateway import ScriptedGateway, golden
from tests.simulator.client import Simulator

MESSAGES = "/v1/accounts/home/messages"
GROUP = "group:120363001234567890"


class Butler(AbstractConversationAgent):
    """An agent that repeats what it hears, and counts what it remembers of a conversation."""

    def __init__(self) -> None:
        self.heard: list[conversation.ConversationInput] = []
        self.fault: Exception | None = None
        self.pause = asyncio.Event()
        self.pause.set()

    @property
    def supported_languages(self) -> list[str]:
        return ["en"]

    async def async_process(self, user_input: conversation.ConversationInput) -> conversation.ConversationResult:
        self.heard.append(user_input)
        await self.pause.wait()
        if self.fault is not None:
            raise self.fault
        conversation_id = user_input.conversation_id or f"conversation {len(self.heard)}"
        known = sum(each.conversation_id == conversation_id for each in self.heard)
        response = intent.IntentResponse(language="en")
        response.async_set_speech(f"**{known}** {user_input.text}")
        return conversation.ConversationResult(response=response, conversation_id=conversation_id)


class Listener(stt.SpeechToTextEntity):
    """An engine that says how it got the sound, and how much of it."""

    _attr_name = "Listener"

    def __init__(self, *formats: stt.AudioFormats, understands: bool = True) -> None:
        self._formats = list(formats)
        self._understands = understands
        self.got: list[tuple[stt.SpeechMetadata, int]] = []

    @property
    def supported_languages(self) -> list[str]:
        return ["de-DE", "en-GB"]

    @property
    def supported_bit_rates(self) -> list[stt.AudioBitRates]:
        return [stt.AudioBitRates.BITRATE_16]

    @property
    def supported_sample_rates(self) -> list[stt.AudioSampleRates]:
        return [stt.AudioSampleRates.SAMPLERATE_16000]

    @property
    def supported_channels(self) -> list[stt.AudioChannels]:
        return [stt.AudioChannels.CHANNEL_MONO]

    @property
    def supported_formats(self) -> list[stt.AudioFormats]:
        return self._formats

    @property
    def supported_codecs(self) -> list[stt.AudioCodecs]:
        return [stt.AudioCodecs.PCM if each is stt.AudioFormats.WAV else stt.AudioCodecs.OPUS for each in self._formats]

    async def async_process_audio_stream(
        self, metadata: stt.SpeechMetadata, stream: AsyncIterable[bytes]
    ) -> stt.SpeechResult:
        self.got.append((metadata, sum([len(chunk) async for chunk in stream])))
        if self._understands:
            return stt.SpeechResult("lights on", stt.SpeechResultState.SUCCESS)
        return stt.SpeechResult(None, stt.SpeechResultState.ERROR)


@pytest.fixture
async def butler(hass: HomeAssistant) -> Butler:
    for component in ("homeassistant", "conversation", "stt"):
        assert await async_setup_component(hass, component, {})
    agent, owner = Butler(), MockConfigEntry(domain="butler", entry_id="butler")
    owner.add_to_hass(hass)
    conversation.async_set_agent(hass, owner, agent)
    return agent


async def add_listener(hass: HomeAssistant, listener: Listener) -> str:
    await hass.data[stt.const.DATA_COMPONENT].async_add_entities([listener])
    return listener.entity_id


@pytest.fixture
async def account(hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, butler: Butler) -> Any:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


def talks(hass: HomeAssistant, entry: MockConfigEntry, chat: str = ALICE, **options: Any) -> ConfigSubentry:
    return put_recipient(hass, entry, chat, "Talker", **{"assist_agent": "butler", **options})


async def processed(gateway: ScriptedGateway, frame: Any, sequence: int) -> None:
    await gateway.send(frame | {"sequence": sequence})
    await until(lambda: gateway.acknowledged[-1:] == [sequence], "it is processed")


def answers(gateway: ScriptedGateway) -> list[Any]:
    return [request.body for request in gateway.requested("POST", MESSAGES)]


async def test_a_text_is_answered_and_the_conversation_remembered_in_its_chat(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry, butler: Butler
) -> None:
    talks(hass, account)
    for sequence in (7, 8):
        await processed(gateway, golden("event-message-received"), sequence)
    await until(lambda: len(answers(gateway)) == 2, "both are answered")
    assert answers(gateway)[0] == {"type": "text", "text": "**0** Thank you 👍", "markdown": True, "to": ALICE}
    assert answers(gateway)[1]["text"] == "**1** Thank you 👍"
    assert butler.heard[1].device_id is not None


async def test_nobody_is_answered_whom_the_owner_has_not_chosen(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry, butler: Butler
) -> None:
    message, sequence = golden("event-message-received"), 6

    async def stays_unheard(frame: Any) -> None:
        nonlocal sequence
        sequence += 1
        await processed(gateway, frame, sequence)
        await hass.async_block_till_done()
        assert butler.heard == []

    await stays_unheard(message)
    recipient = talks(hass, account, assist_agent=None)
    await stays_unheard(message)
    hass.config_entries.async_update_subentry(
        account, recipient, data={**recipient.data, "assist_agent": "butler", "may_trigger": False}
    )
    await stays_unheard(message)
    hass.config_entries.async_update_subentry(account, recipient, data={**recipient.data, "may_trigger": True})
    await stays_unheard(golden("event-message-received-own"))
    await stays_unheard(golden("event-message-received-voice"))
    await stays_unheard(golden("event-message-received-image"))
    waited = golden("event-message-received")
    waited["data"]["backlog"] = True
    await stays_unheard(waited)


@pytest.mark.parametrize(
    ("senders", "count"), [([], 0), (["+15551239999"], 0), (["+1 555 123 0001"], 1), (["(555) 123-0001"], 1)]
)
async def test_in_a_group_only_who_is_listed_is_answered_with_a_quote(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    account: MockConfigEntry,
    butler: Butler,
    senders: list[str],
    count: int,
) -> None:
    hass.config.country = "US"
    message = golden("event-message-received-group")
    message["data"] |= {"sender": {"phone": ALICE, "lid": None, "push_name": "Alice"}, "backlog": False}
    talks(hass, account, message["data"]["chat"]["id"], assist_senders=senders)
    await processed(gateway, message, 7)
    await until(lambda: len(answers(gateway)) == count, "who may is answered")
    await hass.async_block_till_done()
    assert len(butler.heard) == count
    if count:
        assert answers(gateway)[0]["quote"]["author"] == ALICE


@pytest.mark.parametrize("fault", [ValueError("secret words"), RuntimeError("a fault")])
async def test_an_agent_that_fails_is_excused_in_the_chat(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry, butler: Butler, fault: Exception
) -> None:
    talks(hass, account)
    butler.fault = fault
    await processed(gateway, golden("event-message-received"), 7)
    await until(lambda: len(answers(gateway)) == 1, "it is told")
    assert answers(gateway)[0]["text"].startswith("Sorry")


async def test_an_answer_that_cannot_be_sent_is_logged(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    account: MockConfigEntry,
    butler: Butler,
    caplog: pytest.LogCaptureFixture,
) -> None:
    talks(hass, account)
    gateway.answer("POST", MESSAGES, "error-account-logged-out")
    await processed(gateway, golden("event-message-received"), 7)
    await until(lambda: "could not be sent" in caplog.text, "it is logged")
    assert "Thank you" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("custom_components")
    )


async def test_one_after_the_other_and_not_without_end(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry, butler: Butler
) -> None:
    talks(hass, account)
    butler.pause.clear()
    for sequence in range(7, 7 + assist.QUEUE_LIMIT + 3):
        await processed(gateway, golden("event-message-received"), sequence)
    assert len(butler.heard) == 1, "the next waits for this answer"
    butler.pause.set()
    await until(lambda: len(answers(gateway)) == assist.QUEUE_LIMIT, "those in the queue are answered")
    await hass.async_block_till_done()
    assert len(butler.heard) == assist.QUEUE_LIMIT


async def test_two_machines_do_not_answer_each_other_without_end(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    account: MockConfigEntry,
    butler: Butler,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    talks(hass, account)
    for sequence in range(7, 7 + answer_limit.ANSWERS):
        await processed(gateway, golden("event-message-received"), sequence)
        await until(lambda: len(answers(gateway)) == len(butler.heard) > sequence - 7, "it is answered")  # noqa: B023 - called at once
    for sequence in range(100, 103):
        await processed(gateway, golden("event-message-received"), sequence)
    await hass.async_block_till_done()
    assert len(butler.heard) == answer_limit.ANSWERS
    assert caplog.text.count("falls silent") == 1
    monkeypatch.setattr(answer_limit, "WITHIN", 0.0)
    await processed(gateway, golden("event-message-received"), 103)
    await until(lambda: len(answers(gateway)) == answer_limit.ANSWERS + 1, "when the time is over it answers again")


def ogg(tmp_path: Path) -> bytes:
    """Makes a voice note of a tone."""
    [ffmpeg] = (ROOT / ".venv/lib").glob("python3*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*")
    (tmp_path / "tone.wav").write_bytes(sound(2.0))
    command = [str(ffmpeg), "-i", str(tmp_path / "tone.wav"), "-c:a", "libopus", str(tmp_path / "tone.ogg")]
    subprocess.run(command, check=True, capture_output=True)
    return (tmp_path / "tone.ogg").read_bytes()


async def test_a_voice_note_is_given_as_it_is_to_an_engine_that_takes_it_and_else_converted(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry, butler: Butler, tmp_path: Path
) -> None:
    [ffmpeg] = (ROOT / ".venv/lib").glob("python3*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*")
    assert await async_setup_component(hass, "ffmpeg", {"ffmpeg": {"ffmpeg_bin": str(ffmpeg)}})
    note, content = golden("event-message-received-voice"), await hass.async_add_executor_job(ogg, tmp_path)
    gateway.answer("GET", f"/v1/accounts/home/media/{note['data']['message_id']}", (200, content))
    takes_ogg, takes_samples = Listener(stt.AudioFormats.OGG), Listener(stt.AudioFormats.WAV)
    recipient = talks(hass, account, assist_speech=await add_listener(hass, takes_ogg))
    await processed(gateway, note, 7)
    await until(lambda: len(answers(gateway)) == 1, "it is answered")
    assert butler.heard[0].text == "lights on"
    [(metadata, size)] = takes_ogg.got
    assert (metadata.format, metadata.language, size) == (stt.AudioFormats.OGG, "en-GB", len(content))
    speech = await add_listener(hass, takes_samples)
    hass.config_entries.async_update_subentry(account, recipient, data={**recipient.data, "assist_speech": speech})
    await processed(gateway, note, 8)
    await until(lambda: len(answers(gateway)) == 2, "it is answered")
    [(metadata, size)] = takes_samples.got
    assert metadata.codec is stt.AudioCodecs.PCM
    assert size == pytest.approx(2 * 16000 * 2, rel=0.05), "two seconds of samples"


@pytest.mark.parametrize("trouble", ["missing", "no converter", "not understood", "too long", "no sound", "gone"])
async def test_a_voice_note_that_cannot_be_heard_is_excused(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    account: MockConfigEntry,
    butler: Butler,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    note = golden("event-message-received-voice")
    route = f"/v1/accounts/home/media/{note['data']['message_id']}"
    gateway.answer("GET", route, (200, b"OggS no sound"))
    listener = Listener(stt.AudioFormats.OGG, understands=trouble != "not understood")
    if trouble == "too long":
        monkeypatch.setattr(voice_notes, "LARGEST", 5)
    if trouble == "gone":
        gateway.answer("GET", route, "error-account-not-found")
    if trouble in {"no converter", "no sound"}:
        listener = Listener(stt.AudioFormats.WAV)
    if trouble == "no sound":
        [ffmpeg] = (ROOT / ".venv/lib").glob("python3*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*")
        assert await async_setup_component(hass, "ffmpeg", {"ffmpeg": {"ffmpeg_bin": str(ffmpeg)}})
    speech = "stt.nobody" if trouble == "missing" else await add_listener(hass, listener)
    talks(hass, account, assist_speech=speech)
    await processed(gateway, note, 7)
    await until(lambda: len(answers(gateway)) == 1, "it is told")
    assert answers(gateway)[0]["text"].startswith("Sorry")
    assert butler.heard == []


async def test_home_assistants_own_agent_answers_a_contact_by_whatsapp(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    """With the real gateway, engine and simulated WhatsApp, and Home Assistant's own agent."""
    for component in ("homeassistant", "conversation", "intent"):
        assert await async_setup_component(hass, component, {})
    entry = hass.config_entries.async_get_entry(linked)
    assert entry is not None
    put_recipient(hass, entry, ALICE, "Alice", assist_agent="conversation.home_assistant")
    await simulator.contact_send(ALICE, "what time is it?")
    [answer] = await simulator.contact_messages(ALICE, wait=20)
    assert answer.text
    assert ":" in answer.text


async def test_a_contacts_voice_note_is_heard_and_answered(
    hass: HomeAssistant, linked: str, simulator: Simulator, butler: Butler
) -> None:
    """With the real gateway, engine and simulated WhatsApp, which has the encrypted file."""
    entry = hass.config_entries.async_get_entry(linked)
    assert entry is not None
    listener = Listener(stt.AudioFormats.OGG)
    speech = await add_listener(hass, listener)
    put_recipient(hass, entry, ALICE, "Alice", assist_agent="butler", assist_speech=speech)
    note = {"mimetype": "audio/ogg; codecs=opus", "size": 3000, "seconds": 2}
    await simulator.contact_write(ALICE, {"kind": "voice", "media": note})
    [answer] = await simulator.contact_messages(ALICE, wait=20)
    assert answer.text == "*0* lights on"
    assert [size for _, size in listener.got] == [3000]
