"""Entities of other integrations that actions use: a camera, an image, a voice, made as a small integration of the test's own."""

from collections.abc import Callable
from io import BytesIO
import math
from pathlib import Path
import struct
from typing import Any
import wave

from homeassistant.components.camera import Camera
from homeassistant.components.image import ImageEntity
from homeassistant.components.tts.entity import TextToSpeechEntity
from homeassistant.config_entries import ConfigEntry, ConfigFlow
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from PIL import Image
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockPlatform,
    mock_config_flow,
    mock_integration,
    mock_platform,
)

ROOT = Path(__file__).resolve().parents[2]


def picture(colour: str = "green") -> bytes:
    """Returns a small JPEG."""
    file = BytesIO()
    Image.new("RGB", (320, 240), colour).save(file, "JPEG")
    return file.getvalue()


def sound(seconds: float = 1.0) -> bytes:
    """Returns a WAV with a tone."""
    file = BytesIO()
    with wave.open(file, "wb") as tone:
        tone.setnchannels(1)
        tone.setsampwidth(2)
        tone.setframerate(16000)
        samples = (int(12000 * math.sin(number / 6)) for number in range(int(16000 * seconds)))
        tone.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return file.getvalue()


class RecordedStream:
    """Stands for a camera's stream: records a film that is given, since no camera films here."""

    def __init__(self, film: bytes) -> None:
        self._film = film
        self.asked: dict[str, int] = {}

    async def async_record(self, video_path: str, duration: int = 30, lookback: int = 5) -> None:
        self.asked = {"duration": duration, "lookback": lookback}
        if self._film:
            Path(video_path).write_bytes(self._film)


class Door(Camera):
    """A camera."""

    _attr_name = "Door"
    _attr_unique_id = "door"

    def __init__(self) -> None:
        super().__init__()
        self.film: RecordedStream | None = None

    async def async_camera_image(self, *_size: int | None, **_sizes: int | None) -> bytes | None:
        return picture()

    async def async_create_stream(self) -> Any:
        return self.film


class Painting(ImageEntity):
    """An image."""

    _attr_name = "Painting"
    _attr_unique_id = "painting"
    _attr_content_type = "image/jpeg"

    def __init__(self, hass: HomeAssistant) -> None:
        super().__init__(hass)
        self._attr_image_last_updated = dt_util.utcnow()

    async def async_image(self) -> bytes | None:
        return picture("blue")


class Speaker(TextToSpeechEntity):
    """A voice."""

    _attr_name = "Speaker"
    _attr_unique_id = "speaker"
    _attr_default_language = "en"

    def __init__(self) -> None:
        self._attr_supported_languages = ["en", "de"]
        self.said: list[tuple[str, str]] = []

    def get_tts_audio(self, message: str, language: str, options: dict[str, Any]) -> tuple[str, bytes]:  # noqa: ARG002 - its signature
        self.said.append((message, language))
        return "wav", sound()


class _Flow(ConfigFlow):
    """The integration has a flow."""


async def set_up_house(hass: HomeAssistant, tmp_path: Path) -> tuple[Door, Painting, Speaker]:
    """Adds `camera.door`, `image.painting` and `tts.speaker`."""
    entities: dict[str, Entity] = {}

    async def setup_entry(_hass: HomeAssistant, entry: ConfigEntry) -> bool:
        await hass.config_entries.async_forward_entry_setups(entry, ["camera", "image", "tts"])
        return True

    def adder(make: Callable[[], Entity]) -> Callable[..., Any]:
        async def add(_hass: HomeAssistant, _entry: ConfigEntry, add_entities: AddConfigEntryEntitiesCallback) -> None:
            entity = make()
            entities[entity.name if isinstance(entity.name, str) else ""] = entity
            add_entities([entity])

        return add

    hass.config.media_dirs = {"local": str(tmp_path)}
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    [ffmpeg] = (ROOT / ".venv/lib").glob("python3*/site-packages/imageio_ffmpeg/binaries/ffmpeg-*")
    assert await async_setup_component(hass, "ffmpeg", {"ffmpeg": {"ffmpeg_bin": str(ffmpeg)}})
    for component in ("media_source", "tts"):
        assert await async_setup_component(hass, component, {})
    mock_integration(hass, MockModule("house", async_setup_entry=setup_entry), built_in=False)
    for domain, make in (("camera", Door), ("image", lambda: Painting(hass)), ("tts", Speaker)):
        mock_platform(hass, f"house.{domain}", MockPlatform(async_setup_entry=adder(make)), built_in=False)
    mock_platform(hass, "house.config_flow", built_in=False)
    entry = MockConfigEntry(domain="house")
    entry.add_to_hass(hass)
    with mock_config_flow("house", _Flow):
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
    door, painting, speaker = entities["Door"], entities["Painting"], entities["Speaker"]
    assert isinstance(door, Door)
    assert isinstance(painting, Painting)
    assert isinstance(speaker, Speaker)
    return door, painting, speaker
