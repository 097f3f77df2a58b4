"""What recipients have sent, as a media source: browsed by account and recipient."""

from typing import override

from homeassistant.components.media_player.browse_media import BrowseMedia
from homeassistant.components.media_player.const import MediaClass
from homeassistant.components.media_player.errors import BrowseError
from homeassistant.components.media_source.error import Unresolvable
from homeassistant.components.media_source.models import BrowseMediaSource, MediaSource, MediaSourceItem, PlayMedia
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .api.errors import GatewayError
from .const import DOMAIN
from .coordinator import WhatsAppConfigEntry
from .errors import placeholders, translation_key
from .file_views import THUMBNAIL_URL, URL, loaded_entry
from .received_files import ReceivedFile
from .recipient import MediaPolicy, Recipient, RecipientKind, recipients

_CLASSES = {"image": MediaClass.IMAGE, "video": MediaClass.VIDEO, "audio": MediaClass.MUSIC}
_TITLE = "WhatsApp"


async def async_get_media_source(hass: HomeAssistant) -> MediaSource:
    """Return the media source."""
    return ReceivedMediaSource(hass)


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
                return _folder(item.identifier, recipient.name, [_file(entry, recipient, file) for file in files])
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


def _file(entry: WhatsAppConfigEntry, recipient: Recipient, file: ReceivedFile) -> BrowseMediaSource:
    sent_at = dt_util.as_local(dt_util.parse_datetime(file.sent_at, raise_on_error=True))
    # a tile shows some fifteen characters: what tells it from the others comes first
    told = file.name or (None if recipient.kind is RecipientKind.PERSON else file.sender)
    title = " · ".join(part for part in (told, f"{sent_at:%Y-%m-%d %H:%M}") if part)
    kind = _CLASSES.get(file.mimetype.partition("/")[0], MediaClass.URL)
    thumbnail = THUMBNAIL_URL.format(entry_id=entry.entry_id, message_id=file.message_id)
    return BrowseMediaSource(
        domain=DOMAIN,
        identifier=f"{entry.entry_id}/{file.message_id}",
        media_class=kind,
        media_content_type=file.mimetype,
        title=title,
        can_play=True,
        can_expand=False,
        thumbnail=thumbnail if file.thumbnail else None,
    )
