"""From what an action was given to the message that the gateway is asked to send."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.const import ATTR_LATITUDE, ATTR_LOCATION, ATTR_LONGITUDE, ATTR_NAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
import probatio as vol

from .api.client import Upload
from .attachments import Attachment, attachment, entity_picture, media_source_file
from .const import CONF_ACCOUNT

FILE_TYPES: Final = ("image", "video", "audio", "voice", "document", "sticker")
CAPTIONED: Final = frozenset({"image", "video", "document"})

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
        vol.Optional("reply_to"): vol.Any(
            cv.string,
            vol.Schema(
                {
                    vol.Required("message_id"): cv.string,
                    vol.Optional("author"): cv.string,
                    vol.Optional("text"): cv.string,
                }
            ),
        ),
    }
)
"""`data` of `notify.whatsapp`. A file is a URL, which the gateway fetches, or a path that Home Assistant may read."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message without its target: the body of the request, and the file that goes with it."""

    body: dict[str, Any]
    upload: Upload | None = None


def titled(title: str | None, message: str, *, markdown: bool = False) -> str:
    """Returns a text with its title as bold first line: as WhatsApp writes bold, or as Markdown does."""
    stars = "**" if markdown else "*"
    return f"{stars}{title}{stars}\n{message}" if title else message


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
        return with_file("image", await entity_picture(hass, camera), text, data | beside)
    for kind in FILE_TYPES:
        if (source := data.get(kind)) is not None:
            return with_file(kind, await _file(hass, source), text, data | beside)
    markdown = {"markdown": True} if data.get("markdown") else {}
    return Outgoing({"type": "text", "text": text} | markdown | beside)


async def _file(hass: HomeAssistant, source: str) -> Attachment:
    if source.startswith("media-source://"):
        return await media_source_file(hass, source)
    return await attachment(hass, {"url" if source.startswith(("http://", "https://")) else "path": source})


def with_file(kind: str, file: Attachment, caption: str | None, options: Mapping[str, Any]) -> Outgoing:
    """Makes a message of a file; caption and options go only with kinds that have them."""
    body: dict[str, Any] = {"type": kind, "media": file.media}
    if caption and caption.strip() and kind in CAPTIONED:
        body["caption"] = caption
    for option, kinds in _OPTIONS.items():
        if options.get(option) and kind in kinds:
            body[option] = options[option]
    return Outgoing(body, file.upload)


_OPTIONS: Final = {
    "mentions": frozenset(CAPTIONED),
    "quote": frozenset(FILE_TYPES),
    "file_name": frozenset({"document"}),
    "view_once": frozenset({"image", "video", "voice"}),
    "gif": frozenset({"video"}),
}
