"""Finds the file that an action sends: a path, a URL, a media source, the picture or a clip of a camera, speech."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import mimetypes
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from aiohttp import ClientError, ClientTimeout
from homeassistant.const import CONF_PASSWORD, CONF_PATH, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import probatio as vol

from .api.client import Upload
from .const import DOMAIN

CONF_MEDIA: Final = "media"
CONF_CAMERA: Final = "camera"
CONF_CLIP: Final = "clip_seconds"
CONF_LOOKBACK: Final = "lookback_seconds"
CONF_TTS: Final = "tts_entity"
CONF_LANGUAGE: Final = "language"

SNAPSHOT_LIMIT: Final = 15
"""Seconds that a camera gets for a picture."""
FETCH_LIMIT: Final = 64 * 1024 * 1024
"""Bytes that are fetched from Home Assistant's own server, and held in memory."""
FETCH_TIMEOUT: Final = ClientTimeout(total=60)

SOURCE_FIELDS: Final[dict[vol.Marker, Any]] = {
    vol.Exclusive(CONF_PATH, "source"): cv.string,
    vol.Exclusive(CONF_URL, "source"): cv.url,
    vol.Exclusive(CONF_MEDIA, "source"): vol.Any(
        cv.string, vol.Schema({vol.Required("media_content_id"): cv.string}, extra=vol.ALLOW_EXTRA)
    ),
    vol.Exclusive(CONF_CAMERA, "source"): cv.entity_domain(["camera", "image"]),
    vol.Optional(CONF_CLIP): vol.All(vol.Coerce(int), vol.Range(min=1, max=120)),
    vol.Optional(CONF_LOOKBACK, default=0): vol.All(vol.Coerce(int), vol.Range(min=0, max=60)),
    vol.Optional(CONF_USERNAME): cv.string,
    vol.Optional(CONF_PASSWORD): cv.string,
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on its way: `media` for the request's body, and what is uploaded with it (None where the gateway fetches it)."""

    upload: Upload | None
    mimetype: str | None
    media: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The type of message that shows a file of this type best."""
        kind = (self.mimetype or "").partition("/")[0]
        if self.mimetype in _AS_DOCUMENT:
            return "document"
        return kind if kind in {"image", "video", "audio"} else "document"


_AS_DOCUMENT: Final = frozenset({"image/gif", "image/svg+xml"})
"""Pictures that WhatsApp does not take as pictures."""


async def attachment(hass: HomeAssistant, data: Mapping[str, Any]) -> Attachment:
    """Finds the file that an action's data (`SOURCE_FIELDS`) names.

    Raises:
        ServiceValidationError: none is named, or it may not or cannot be read.
        HomeAssistantError: the camera or the media source gives nothing.
    """
    if (path := data.get(CONF_PATH)) is not None:
        return await local_file(hass, path)
    if (url := data.get(CONF_URL)) is not None:
        login = {name: data[name] for name in (CONF_USERNAME, CONF_PASSWORD) if name in data}
        return Attachment(None, mimetypes.guess_type(url.partition("?")[0])[0], {"url": url} | login)
    if (media := data.get(CONF_MEDIA)) is not None:
        return await media_source_file(hass, media if isinstance(media, str) else media["media_content_id"])
    if (entity_id := data.get(CONF_CAMERA)) is not None:
        if (seconds := data.get(CONF_CLIP)) is not None:
            return await camera_clip(hass, entity_id, seconds, data[CONF_LOOKBACK])
        return await entity_picture(hass, entity_id)
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_file")


async def local_file(hass: HomeAssistant, path: str) -> Attachment:
    """Takes a file that Home Assistant may read; it is streamed when it is sent."""
    if not hass.config.is_allowed_path(path):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="path_not_allowed", translation_placeholders={"path": path}
        )
    return await _streamed(hass, Path(path), mimetypes.guess_type(path)[0])


async def _streamed(hass: HomeAssistant, file: Path, mimetype: str | None) -> Attachment:
    if not await hass.async_add_executor_job(file.is_file):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="file_unreadable", translation_placeholders={"path": str(file)}
        )
    return Attachment(Upload(file.name, file, mimetype or "application/octet-stream"), mimetype)


async def entity_picture(hass: HomeAssistant, entity_id: str) -> Attachment:
    """Takes the picture that a camera or image entity shows now."""
    # only who sends pictures needs these modules
    if entity_id.startswith("image."):
        from homeassistant.components.image import async_get_image as picture_of_image  # noqa: PLC0415

        picture = await picture_of_image(hass, entity_id, timeout=SNAPSHOT_LIMIT)
        content, mimetype = picture.content, picture.content_type
    else:
        from homeassistant.components.camera import async_get_image as picture_of_camera  # noqa: PLC0415

        snapshot = await picture_of_camera(hass, entity_id, timeout=SNAPSHOT_LIMIT)
        content, mimetype = snapshot.content, snapshot.content_type
    name = f"{entity_id.partition('.')[2]}{mimetypes.guess_extension(mimetype) or ''}"
    return Attachment(Upload(name, content, mimetype), mimetype)


async def camera_clip(hass: HomeAssistant, entity_id: str, seconds: int, lookback: int) -> Attachment:
    """Records a film of what a camera sees from now on, with `lookback` seconds from before where the camera keeps them."""
    from homeassistant.components.camera.helper import get_camera_from_entity_id  # noqa: PLC0415

    camera = get_camera_from_entity_id(hass, entity_id)
    if (stream := await camera.async_create_stream()) is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="camera_no_stream",
            translation_placeholders={"camera": entity_id},
        )
    async with _scratch_file(hass, ".mp4") as path:
        await stream.async_record(str(path), duration=seconds, lookback=lookback)
        try:
            content = await hass.async_add_executor_job(path.read_bytes)
        except OSError as error:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="clip_empty", translation_placeholders={"camera": entity_id}
            ) from error
    return Attachment(Upload(f"{entity_id.partition('.')[2]}.mp4", content, "video/mp4"), "video/mp4")


async def speech(hass: HomeAssistant, text: str, data: Mapping[str, Any]) -> Attachment:
    """Has a text-to-speech entity say a text."""
    from homeassistant.components import tts  # noqa: PLC0415

    source = tts.generate_media_source_id(hass, text, engine=data[CONF_TTS], language=data.get(CONF_LANGUAGE))
    return await media_source_file(hass, source)


async def media_source_file(hass: HomeAssistant, media_content_id: str) -> Attachment:
    """Takes what a media source (`media-source://…`) resolves to: speech, a camera's picture, a local file, or what a URL gives."""
    from homeassistant.components import media_source  # noqa: PLC0415

    if not media_source.is_media_source_id(media_content_id):
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_a_media_source")
    domain, _, identifier = media_content_id.removeprefix("media-source://").partition("/")
    if domain in {"camera", "image"}:
        return await entity_picture(hass, identifier)
    if domain == "tts":
        from homeassistant.components import tts  # noqa: PLC0415

        extension, sound = await tts.async_get_media_source_audio(hass, media_content_id)
        mimetype = mimetypes.guess_type(f"speech.{extension}")[0] or "audio/mpeg"
        return Attachment(Upload(f"speech.{extension}", sound, mimetype), mimetype)
    media = await media_source.async_resolve_media(hass, media_content_id, None)
    if media.path is not None:
        return await _streamed(hass, media.path, media.mime_type)
    return await _fetched(hass, media.url, media.mime_type)


async def _fetched(hass: HomeAssistant, url: str, mimetype: str) -> Attachment:
    """Fetches what a media source put behind a URL, mostly one of Home Assistant itself."""
    from homeassistant.components.media_player.browse_media import async_process_play_media_url  # noqa: PLC0415

    failed = HomeAssistantError(translation_domain=DOMAIN, translation_key="media_source_failed")
    content = bytearray()
    try:
        async with async_get_clientsession(hass).get(
            async_process_play_media_url(hass, url), timeout=FETCH_TIMEOUT
        ) as response:
            response.raise_for_status()
            async for part in response.content.iter_any():
                content += part
                if len(content) > FETCH_LIMIT:
                    raise failed
    except (ClientError, TimeoutError) as error:
        raise failed from error
    name = Path(url.partition("?")[0]).name or "file"
    return Attachment(Upload(name, bytes(content), mimetype), mimetype)


@asynccontextmanager
async def _scratch_file(hass: HomeAssistant, suffix: str) -> AsyncGenerator[Path]:
    """Names a file where Home Assistant's recorder may write, and deletes it afterwards."""
    folder = next(iter(hass.config.media_dirs.values()), None) or hass.config.path("www")
    path = Path(folder) / f".{DOMAIN}-{uuid4().hex}{suffix}"
    await hass.async_add_executor_job(lambda: path.parent.mkdir(parents=True, exist_ok=True))
    try:
        yield path
    finally:
        await hass.async_add_executor_job(lambda: path.unlink(missing_ok=True))
