"""A small integration with a camera, an image and a voice, written into a configuration folder: the newest Home Assistant loads it as any other."""

import json
from pathlib import Path

_MANIFEST = {
    "domain": "house",
    "name": "House",
    "codeowners": [],
    "dependencies": ["camera", "image", "tts"],
    "documentation": "https://example.org",
    "iot_class": "calculated",
    "requirements": [],
    "version": "1.0.0",
}

_INIT = '''
"""A house."""
from homeassistant.config_entries import ConfigEntry
from homeassistant.helpers import config_validation as cv
CONFIG_SCHEMA = cv.empty_config_schema("house")
PLATFORMS = ["camera", "image", "tts"]
async def async_setup(hass, config):
    if not hass.config_entries.async_entries("house"):
        hass.async_create_task(hass.config_entries.flow.async_init("house", context={"source": "import"}, data={}))
    return True
async def async_setup_entry(hass, entry):
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True
'''

_FLOW = '''
"""Makes the entry."""
from homeassistant.config_entries import ConfigFlow
class Flow(ConfigFlow, domain="house"):
    """Imports."""
    async def async_step_import(self, data):
        return self.async_create_entry(title="House", data={})
'''

_CAMERA = '''
"""A camera."""
from pathlib import Path
from homeassistant.components.camera import Camera
class Door(Camera):
    """At the door."""
    _attr_name = "Door"
    _attr_unique_id = "door"
    async def async_camera_image(self, width=None, height=None):
        return await self.hass.async_add_executor_job(Path(__file__).with_name("picture.jpg").read_bytes)
async def async_setup_entry(hass, entry, async_add_entities):
    async_add_entities([Door()])
'''

_IMAGE = '''
"""An image."""
from pathlib import Path
from homeassistant.components.image import ImageEntity
from homeassistant.util import dt as dt_util
class Painting(ImageEntity):
    """On the wall."""
    _attr_name = "Painting"
    _attr_unique_id = "painting"
    _attr_content_type = "image/jpeg"
    _attr_image_last_updated = dt_util.utcnow()
    async def async_image(self):
        return await self.hass.async_add_executor_job(Path(__file__).with_name("picture.jpg").read_bytes)
async def async_setup_entry(hass, entry, async_add_entities):
    async_add_entities([Painting(hass)])
'''

_TTS = '''
"""A voice."""
from pathlib import Path
from homeassistant.components.tts import TextToSpeechEntity
class Speaker(TextToSpeechEntity):
    """Says all in one tone."""
    _attr_name = "Speaker"
    _attr_unique_id = "speaker"
    _attr_default_language = "en"
    _attr_supported_languages = ["en"]
    def get_tts_audio(self, message, language, options):
        return "wav", Path(__file__).with_name("tone.wav").read_bytes()
async def async_setup_entry(hass, entry, async_add_entities):
    async_add_entities([Speaker()])
'''


def write_house(config_dir: Path, picture: bytes, tone: bytes) -> None:
    """Writes it: `camera.door`, `image.painting` and `tts.speaker`, with a JPEG and a WAV."""
    folder = config_dir / "custom_components/house"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(_MANIFEST | {"config_flow": True}))
    modules = {"__init__": _INIT, "config_flow": _FLOW, "camera": _CAMERA, "image": _IMAGE, "tts": _TTS}
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)
    (folder / "picture.jpg").write_bytes(picture)
    (folder / "tone.wav").write_bytes(tone)
