"""Makes words of a voice note, with a speech-to-text entity."""

import asyncio
from collections.abc import AsyncIterable
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .api.models import IncomingMessage
from .const import DOMAIN
from .coordinator import WhatsAppConfigEntry

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a voice note that is listened to: more than half an hour."""
CONVERT_LIMIT: Final = 30.0


async def words_of(hass: HomeAssistant, entry: WhatsAppConfigEntry, message: IncomingMessage, engine_id: str) -> str:
    """Returns what is said in a voice note.

    Raises:
        GatewayError: the file cannot be had.
        HomeAssistantError: it is too long, cannot be converted, or not understood.
    """
    from homeassistant.components import stt  # noqa: PLC0415 - not everybody has it

    engine = stt.async_get_speech_to_text_entity(hass, engine_id)
    if engine is None:
        raise _failed("speech_engine_missing")
    sound = await _sound(entry, message.message_id)
    language = _language(hass.config.language, engine.supported_languages)
    as_it_is = stt.SpeechMetadata(
        language=language,
        format=stt.AudioFormats.OGG,
        codec=stt.AudioCodecs.OPUS,
        bit_rate=stt.AudioBitRates.BITRATE_16,
        sample_rate=stt.AudioSampleRates.SAMPLERATE_16000,
        channel=stt.AudioChannels.CHANNEL_MONO,
    )
    metadata = as_it_is
    if not engine.check_metadata(as_it_is):
        metadata = stt.SpeechMetadata(
            language=language,
            format=stt.AudioFormats.WAV,
            codec=stt.AudioCodecs.PCM,
            bit_rate=stt.AudioBitRates.BITRATE_16,
            sample_rate=stt.AudioSampleRates.SAMPLERATE_16000,
            channel=stt.AudioChannels.CHANNEL_MONO,
        )
        sound = await _samples(hass, sound)
    result = await engine.internal_async_process_audio_stream(metadata, _stream(sound))
    if result.result is not stt.SpeechResultState.SUCCESS or not result.text:
        raise _failed("speech_not_understood")
    return result.text


async def _sound(entry: WhatsAppConfigEntry, message_id: str) -> bytes:
    coordinator = entry.runtime_data
    sound = bytearray()
    async with coordinator.client.media(coordinator.account_id, message_id) as response:
        async for chunk in response.content.iter_any():
            sound += chunk
            if len(sound) > LARGEST:
                raise _failed("voice_note_too_long")
    return bytes(sound)


async def _samples(hass: HomeAssistant, sound: bytes) -> bytes:
    """Converts Ogg with Opus to 16-bit samples, 16,000 a second, as the engines that run at home want them."""
    from homeassistant.components.ffmpeg import get_ffmpeg_manager  # noqa: PLC0415 - not everybody has it

    try:
        binary = get_ffmpeg_manager(hass).binary
        command = [binary, "-i", "pipe:0", "-f", "s16le", "-ar", "16000", "-ac", "1", "pipe:1"]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except (ValueError, OSError) as error:
        raise _failed("converter_missing") from error
    try:
        async with asyncio.timeout(CONVERT_LIMIT):
            samples, _ = await process.communicate(sound)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or not samples:
        raise _failed("speech_not_understood")
    return samples


def _language(wanted: str, supported: list[str]) -> str:
    """Returns the engine's spelling of a language (`de-DE` for `de`), else what is wanted."""
    first = wanted.partition("-")[0].casefold()
    return next(
        (language for language in supported if language.casefold() == wanted.casefold()),
        next((language for language in supported if language.partition("-")[0].casefold() == first), wanted),
    )


async def _stream(sound: bytes) -> AsyncIterable[bytes]:
    yield sound


def _failed(key: str) -> HomeAssistantError:
    return HomeAssistantError(translation_domain=DOMAIN, translation_key=key)
