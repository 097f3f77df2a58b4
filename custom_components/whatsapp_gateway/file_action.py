"""The action that makes the file of a received message usable: its media source, and a copy where the user wants one."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
import probatio as vol

from .api.errors import GatewayError
from .const import CONF_ACCOUNT, DOMAIN
from .errors import translated
from .targets import sending_account

CONF_MESSAGE_ID: Final = "message_id"
CONF_PATH: Final = "path"

FILE_FIELDS: Final[dict[str | vol.Marker, Any]] = {
    vol.Optional(CONF_ACCOUNT): cv.string,
    vol.Required(CONF_MESSAGE_ID): vol.All(cv.string, vol.Match(r"^[0-9A-Za-z]{1,64}$")),
    vol.Optional(CONF_PATH): cv.string,
}


async def get_file(call: ServiceCall) -> ServiceResponse:
    """Has the gateway fetch the file of a received message, and saves it where `path` says."""
    hass, message_id = call.hass, call.data[CONF_MESSAGE_ID]
    entry = sending_account(hass, call.data.get(CONF_ACCOUNT))
    coordinator = entry.runtime_data
    path = _allowed(hass, call.data.get(CONF_PATH))
    try:
        async with coordinator.client.media(coordinator.account_id, message_id) as response:
            mimetype, size = response.content_type, response.content_length
            name = response.content_disposition.filename if response.content_disposition else None
            if path is not None:
                size = await _saved(hass, path, response.content.iter_chunked(1 << 18))
    except GatewayError as error:
        raise translated(error) from error
    return {
        "media_content_id": f"media-source://{DOMAIN}/{entry.entry_id}/{message_id}",
        "mimetype": mimetype,
        "name": name,
        "size": size,
        "path": None if path is None else str(path),
    }


def _allowed(hass: HomeAssistant, path: str | None) -> Path | None:
    if path is None:
        return None
    if not hass.config.is_allowed_path(path):
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="path_not_allowed", translation_placeholders={"path": path}
        )
    return Path(path)


async def _saved(hass: HomeAssistant, path: Path, content: AsyncIterator[bytes]) -> int:
    """Writes a file beside its place and moves it there when it is whole; returns its size."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    size = 0
    try:
        file = await hass.async_add_executor_job(unfinished.open, "wb")
        try:
            async for part in content:
                size += await hass.async_add_executor_job(file.write, part)
        finally:
            await hass.async_add_executor_job(file.close)
        await hass.async_add_executor_job(unfinished.replace, path)
    except OSError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="file_not_written", translation_placeholders={"path": str(path)}
        ) from error
    finally:
        await hass.async_add_executor_job(lambda: unfinished.unlink(missing_ok=True))
    return size
