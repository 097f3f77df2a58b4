"""From what an action was given to the message that the gateway is asked to send."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from homeassistant.const import ATTR_LATITUDE, ATTR_LOCATION, ATTR_LONGITUDE, ATTR_NAME
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
import probatio as vol

from .api.client import Upload
from .const import CONF_ACCOUNT, DOMAIN

FILE_TYPES: Final = ("image", "video", "audio", "voice", "document", "sticker")
CAPTIONED: Final = frozenset({"image", "video", "document"})
UPLOAD_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of a local file: it is held in memory while it is sent."""
SNAPSHOT_LIMIT: Final = 15
"""Seconds that a camera gets for a picture."""

DATA_SCHEMA: Final = vol.Schema(
    {
        vol.Optional(CONF_ACCOUNT): cv.string,
        **{vol.Exclusive(kind, "content"): cv.string for kind in FILE_TYPES},
        vol.Exclusive("camera", "content"): cv.entity_id,
        vol.Exclusive(ATTR_LOCATION, "content"): vol.Schema(
            {
                vol.Required(ATTR_LATITUDE): cv.latitude,
                vol.Required(ATTR_LONGITUDE): cv.longitude,
                vol.Optional(ATTR_NAME): cv.string,
                vol.Optional("address"): cv.string,
            }
        ),
        vol.Exclusive("poll", "content"): vol.Schema(
            {
                vol.Required("options"): vol.All(cv.ensure_list, [cv.string], vol.Length(min=2, max=12)),
                vol.Optional("selectable", default=1): vol.All(vol.Coerce(int), vol.Range(min=0, max=12)),
            }
        ),
        vol.Optional("file_name"): cv.string,
        vol.Optional("view_once"): cv.boolean,
        vol.Optional("gif"): cv.boolean,
        vol.Optional("markdown"): cv.boolean,
        vol.Optional("mentions"): vol.All(cv.ensure_list, [cv.string]),
        vol.Optional("reply_to"): vol.Schema(
            {vol.Required("message_id"): cv.string, vol.Optional("author"): cv.string, vol.Optional("text"): cv.string}
        ),
    }
)
"""`data` of `notify.whatsapp`. A file is a URL, which the gateway fetches, or a path that Home Assistant may read."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message without its target: the body of the request, and the file that goes with it."""

    body: dict[str, Any]
    upload: Upload | None = None


def titled(title: str | None, message: str) -> str:
    """Returns a text with its title as bold first line."""
    return f"*{title}*\n{message}" if title else message


async def outgoing(hass: HomeAssistant, text: str, data: dict[str, Any]) -> Outgoing:
    """Makes the message of a text and of checked data.

    Raises:
        ServiceValidationError: the file cannot be read, or may not be.
        HomeAssistantError: the camera gives no picture.
    """
    beside: dict[str, Any] = {}
    if mentions := data.get("mentions"):
        beside["mentions"] = mentions
    if reply := data.get("reply_to"):
        beside["quote"] = reply
    if place := data.get(ATTR_LOCATION):
        return Outgoing({"type": "location"} | place | beside)
    if poll := data.get("poll"):
        return Outgoing({"type": "poll", "question": text} | poll | beside)
    if camera := data.get("camera"):
        return Outgoing(_with_file("image", text, data) | beside, await _snapshot(hass, camera))
    for kind in FILE_TYPES:
        if (source := data.get(kind)) is not None:
            body = _with_file(kind, text, data) | beside
            if source.startswith(("http://", "https://")):
                return Outgoing(body | {"media": {"url": source}})
            return Outgoing(body, await _local_file(hass, source))
    markdown = {"markdown": True} if data.get("markdown") else {}
    return Outgoing({"type": "text", "text": text} | markdown | beside)


def _with_file(kind: str, text: str, data: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"type": kind, "media": {}}
    if text.strip() and kind in CAPTIONED:
        body["caption"] = text
    for option, kinds in _OPTIONS.items():
        if data.get(option) and kind in kinds:
            body[option] = data[option]
    return body


_OPTIONS: Final = {
    "file_name": frozenset({"document"}),
    "view_once": frozenset({"image", "video", "voice"}),
    "gif": frozenset({"video"}),
}


async def _snapshot(hass: HomeAssistant, camera: str) -> Upload:
    # only who sends snapshots needs the camera's modules
    from homeassistant.components.camera import async_get_image  # noqa: PLC0415

    image = await async_get_image(hass, camera, timeout=SNAPSHOT_LIMIT)
    return Upload("snapshot.jpg", image.content, image.content_type)


async def _local_file(hass: HomeAssistant, source: str) -> Upload:
    path = Path(source)
    if not hass.config.is_allowed_path(source):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="path_not_allowed", translation_placeholders={"path": source}
        )
    try:
        content = await hass.async_add_executor_job(_read, path)
    except OSError as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="file_unreadable", translation_placeholders={"path": source}
        ) from error
    if len(content) > UPLOAD_LIMIT:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key="media_too_large")
    return Upload(path.name, content)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(UPLOAD_LIMIT + 1)
