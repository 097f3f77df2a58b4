"""Hands received files and their thumbnails on to browsers and players, for the media source."""

from aiohttp import ClientError, hdrs, web
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.http import HomeAssistantView

from .api.errors import GatewayError
from .const import DOMAIN
from .coordinator import WhatsAppConfigEntry

URL = f"/api/{DOMAIN}/files/{{entry_id}}/{{message_id}}"
THUMBNAIL_URL = f"{URL}/thumbnail"
_PASSED_ON = (hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH, hdrs.CONTENT_RANGE, hdrs.CONTENT_DISPOSITION, hdrs.ETAG)
_ASKED = (hdrs.RANGE, hdrs.IF_NONE_MATCH, hdrs.IF_RANGE)


@callback
def async_register_file_views(hass: HomeAssistant) -> None:
    """Serves the files, once for all accounts."""
    hass.http.register_view(FileView(hass))
    hass.http.register_view(ThumbnailView(hass))


def loaded_entry(hass: HomeAssistant, entry_id: str) -> WhatsAppConfigEntry | None:
    """Returns an account's entry, None if there is none or it is not available now."""
    entry = hass.config_entries.async_get_entry(entry_id)
    return entry if entry is not None and entry.domain == DOMAIN and entry.state is ConfigEntryState.LOADED else None


class FileView(HomeAssistantView):
    """Hands a received file on from the gateway, whole or in ranges, to who is logged in or has a signed address."""

    url = URL
    name = f"api:{DOMAIN}:files"

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass

    async def get(self, request: web.Request, entry_id: str, message_id: str) -> web.StreamResponse:
        """Stream the file."""
        if (entry := loaded_entry(self._hass, entry_id)) is None:
            raise web.HTTPNotFound
        coordinator = entry.runtime_data
        asked = {str(name): request.headers[name] for name in _ASKED if name in request.headers}
        answer: web.StreamResponse | None = None
        try:
            async with coordinator.client.media(coordinator.account_id, message_id, asked) as file:
                headers = {name: file.headers[name] for name in _PASSED_ON if name in file.headers}
                answer = web.StreamResponse(
                    status=file.status,
                    headers=headers | {hdrs.ACCEPT_RANGES: "bytes", "X-Content-Type-Options": "nosniff"},
                )
                await answer.prepare(request)
                async for part in file.content.iter_any():
                    await answer.write(part)
                await answer.write_eof()
        except (GatewayError, ClientError) as error:
            if answer is None or not answer.prepared:
                raise web.HTTPNotFound(text=str(error)) from error
            # the rest is missing: the client must not take it for whole
            if request.transport is not None:
                request.transport.abort()
        assert answer is not None  # noqa: S101 - either it was made, or an error was raised
        return answer


class ThumbnailView(HomeAssistantView):
    """Shows the small picture that came with a message."""

    url = THUMBNAIL_URL
    name = f"api:{DOMAIN}:thumbnails"

    def __init__(self, hass: HomeAssistant) -> None:
        self._hass = hass

    async def get(self, _request: web.Request, entry_id: str, message_id: str) -> web.Response:
        """Return the picture."""
        entry = loaded_entry(self._hass, entry_id)
        file = entry.runtime_data.files.find(message_id) if entry is not None else None
        if file is None or (picture := file.picture) is None:
            raise web.HTTPNotFound
        return web.Response(
            body=picture, content_type="image/jpeg", headers={hdrs.CACHE_CONTROL: "private, max-age=86400"}
        )
