"""What recipients have sent, as a media source: browsed by account and recipient, played from the gateway."""

from typing import override

from aiohttp import ClientError, hdrs, web
from homeassistant.components.media_player.browse_media import BrowseMedia
from homeassistant.components.media_player.const import MediaClass
from homeassistant.components.media_player.errors import BrowseError
from homeassistant.components.media_source.error import Unresolvable
from homeassistant.components.media_source.models import BrowseMediaSource, MediaSource, MediaSourceItem, PlayMedia
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.http import HomeAssistantView
from homeassistant.util import dt as dt_util

from .api.errors import GatewayError
from .const import DOMAIN
from .coordinator import WhatsAppConfigEntry
from .errors import placeholders, translation_key
from .received_files import ReceivedFile
from .recipient import MediaPolicy, Recipient, recipients

URL = f"/api/{DOMAIN}/files/{{entry_id}}/{{message_id}}"
THUMBNAIL_URL = f"{URL}/thumbnail"
_CLASSES = {"image": MediaClass.IMAGE, "video": MediaClass.VIDEO, "audio": MediaClass.MUSIC}
_PASSED_ON = (hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH, hdrs.CONTENT_RANGE, hdrs.CONTENT_DISPOSITION, hdrs.ETAG)
_ASKED = (hdrs.RANGE, hdrs.IF_NONE_MATCH, hdrs.IF_RANGE)
_TITLE = "WhatsApp"


async def async_get_media_source(hass: HomeAssistant) -> MediaSource:
    """Return the media source."""
    hass.http.register_view(FileView(hass))
    hass.http.register_view(ThumbnailView(hass))
    return ReceivedMediaSource(hass)


def loaded_entry(hass: HomeAssistant, entry_id: str) -> WhatsAppConfigEntry | None:
    """Returns an account's entry, None if there is none or it is not available now."""
    entry = hass.config_entries.async_get_entry(entry_id)
    return entry if entry is not None and entry.domain == DOMAIN and entry.state is ConfigEntryState.LOADED else None


def media_content_id(entry: WhatsAppConfigEntry, message_id: str) -> str:
    """Returns the media source's id of a received file."""
    return f"media-source://{DOMAIN}/{entry.entry_id}/{message_id}"


class ReceivedMediaSource(MediaSource):
    """Files by account, recipient and time. An item is `<entry id>/<message id>`, a folder `<entry id>` or `<entry id>//<subentry id>`."""

    name = _TITLE

    def __init__(self, hass: HomeAssistant) -> None:
        super().__init__(DOMAIN)
        self._hass = hass

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return where a file is played from; its type is the gateway's for one that is not remembered."""
        entry_id, _, message_id = item.identifier.partition("/")
        if (entry := loaded_entry(self._hass, entry_id)) is None or not message_id.isalnum():
            raise Unresolvable(translation_domain=DOMAIN, translation_key="no_account")
        coordinator = entry.runtime_data
        if (file := coordinator.files.find(message_id)) is not None:
            mimetype = file.mimetype
        else:
            try:
                async with coordinator.client.media(coordinator.account_id, message_id) as response:
                    mimetype = response.content_type
            except GatewayError as error:
                raise Unresolvable(
                    translation_domain=DOMAIN,
                    translation_key=translation_key(error),
                    translation_placeholders=placeholders(error),
                ) from error
        return PlayMedia(URL.format(entry_id=entry_id, message_id=message_id), mimetype)

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """Return a folder with what is in it."""
        entry_id, _, rest = (item.identifier or "").partition("/")
        if not entry_id:
            accounts: list[WhatsAppConfigEntry] = self._hass.config_entries.async_loaded_entries(DOMAIN)
            children = [_account(entry) for entry in accounts] if len(accounts) != 1 else _recipients(accounts[0])
            return _folder("", _TITLE, children)
        if (entry := loaded_entry(self._hass, entry_id)) is None:
            raise BrowseError(translation_domain=DOMAIN, translation_key="no_account")
        if not rest:
            return _folder(entry_id, entry.title, _recipients(entry))
        for recipient in recipients(entry):
            if rest == f"/{recipient.subentry_id}":
                files = entry.runtime_data.files.of_chat(recipient.chat)
                return _folder(item.identifier, recipient.name, [_file(entry, file) for file in files])
        raise BrowseError(translation_domain=DOMAIN, translation_key="no_such_folder")


def _folder(identifier: str, title: str, children: list[BrowseMediaSource] | None = None) -> BrowseMediaSource:
    listed: list[BrowseMedia] | None = None if children is None else list(children)
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=identifier,
        media_class=MediaClass.DIRECTORY,
        media_content_type="",
        title=title,
        can_play=False,
        can_expand=True,
        children=listed,
    )


def _account(entry: WhatsAppConfigEntry) -> BrowseMediaSource:
    return _folder(entry.entry_id, entry.title)


def _recipients(entry: WhatsAppConfigEntry) -> list[BrowseMediaSource]:
    shown = [recipient for recipient in recipients(entry) if recipient.media is not MediaPolicy.NEVER]
    return [_recipient(entry, recipient) for recipient in sorted(shown, key=lambda shown: shown.name.casefold())]


def _recipient(entry: WhatsAppConfigEntry, recipient: Recipient) -> BrowseMediaSource:
    return _folder(f"{entry.entry_id}//{recipient.subentry_id}", recipient.name)


def _file(entry: WhatsAppConfigEntry, file: ReceivedFile) -> BrowseMediaSource:
    sent_at = dt_util.parse_datetime(file.sent_at, raise_on_error=True)
    told = " · ".join(
        part for part in (f"{dt_util.as_local(sent_at):%Y-%m-%d %H:%M}", file.name or file.sender) if part
    )
    kind = _CLASSES.get(file.mimetype.partition("/")[0], MediaClass.URL)
    thumbnail = THUMBNAIL_URL.format(entry_id=entry.entry_id, message_id=file.message_id)
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=f"{entry.entry_id}/{file.message_id}",
        media_class=kind,
        media_content_type=file.mimetype,
        title=told,
        can_play=True,
        can_expand=False,
        thumbnail=thumbnail if file.thumbnail else None,
    )


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
