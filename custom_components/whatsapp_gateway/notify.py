"""Notifications: an entity for each recipient, and the actions `notify.whatsapp` of legacy notify. All that knows legacy notify is here."""

from typing import Any, Final, override

from homeassistant.components.notify import NotifyEntity, NotifyEntityDescription
from homeassistant.components.notify.const import (
    ATTR_DATA,
    ATTR_MESSAGE,
    ATTR_TARGET,
    ATTR_TITLE,
    DOMAIN as NOTIFY_DOMAIN,
    NotifyEntityFeature,
)
from homeassistant.components.notify.legacy import BaseNotificationService
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.service import async_set_service_schema
from homeassistant.helpers.typing import ConfigType, DiscoveryInfoType
import probatio as vol

from .const import CONF_ACCOUNT, DOMAIN
from .coordinator import WhatsAppConfigEntry
from .entity import RecipientEntity
from .outgoing import DATA_SCHEMA, Outgoing, outgoing, titled
from .recipient_devices import async_add_for_each_recipient
from .sending import raise_for, send_to_all, sent_signal

PARALLEL_UPDATES = 0

RECIPIENT: Final = NotifyEntityDescription(key="notify", translation_key="recipient", name=None)

_DESCRIPTION: Final = {
    "name": "Send a WhatsApp message",
    "description": "Sends a text, picture, film, sound, file, place or poll to people and groups, and fails when WhatsApp does not take it.",
    "fields": {
        ATTR_MESSAGE: {
            "name": "Message",
            "description": "The text. WhatsApp's own marks work: *bold*, _italic_, ~struck through~.",
            "required": True,
            "example": "The washing machine is done.",
            "selector": {"text": {"multiline": True}},
        },
        ATTR_TITLE: {
            "name": "Title",
            "description": "Becomes a bold first line.",
            "example": "Laundry",
            "selector": {"text": {}},
        },
        ATTR_TARGET: {
            "name": "Target",
            "description": "Phone numbers in international form (+491701234567) or chat ids of groups (group:…).",
            "required": True,
            "example": "+491701234567",
            "selector": {"text": {"multiple": True}},
        },
        ATTR_DATA: {
            "name": "Data",
            "description": "One of `image`, `video`, `audio`, `voice`, `document`, `sticker` (a URL or a path), `camera` (an entity), `location` or `poll`; "
            "`view_once`, `gif`, `file_name`, `markdown`, `mentions`, `reply_to`. With several accounts: `account`, the name, phone number or id of the one that sends.",
            "example": "camera: camera.front_door",
            "selector": {"object": {}},
        },
    },
}


async def async_setup_entry(
    hass: HomeAssistant, entry: WhatsAppConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the entity of each recipient."""
    async_add_for_each_recipient(
        hass, entry, async_add_entities, lambda recipient: RecipientNotify(entry.runtime_data, recipient, RECIPIENT)
    )


class RecipientNotify(RecipientEntity, NotifyEntity):
    """Sends to a recipient. Its state is when Home Assistant last did."""

    _attr_supported_features = NotifyEntityFeature.TITLE

    @override
    async def async_added_to_hass(self) -> None:
        """Remember whenever something was sent to the recipient, by whatever action."""
        await super().async_added_to_hass()
        signal = sent_signal(self.coordinator.config_entry, self.recipient.chat)
        self.async_on_remove(async_dispatcher_connect(self.hass, signal, self._async_record_notification))

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        """Send a text, by the action `notify.send_message`.

        Raises:
            HomeAssistantError: it was not sent; the sentence says why.
        """
        entry = self.coordinator.config_entry
        content = Outgoing({"type": "text", "text": titled(title, message)})
        raise_for(self.hass, entry, await send_to_all(self.hass, entry, [self.recipient.chat], content))


async def async_get_service(
    _hass: HomeAssistant, _config: ConfigType, discovery_info: DiscoveryInfoType | None = None
) -> WhatsAppNotifyAction | None:
    """Return the action when the integration itself asks for it; YAML configures nothing."""
    return None if discovery_info is None else WhatsAppNotifyAction()


class WhatsAppNotifyAction(BaseNotificationService):
    """Sends a text to one or many targets."""

    @override
    async def async_register_services(self) -> None:
        """Register the action, with a description of its own."""
        await super().async_register_services()
        async_set_service_schema(self.hass, NOTIFY_DOMAIN, self._service_name, _DESCRIPTION)

    @override
    async def async_send_message(self, message: str, **kwargs: Any) -> None:
        """Send a text to all targets.

        Raises:
            ServiceValidationError: what the caller gave is wrong.
            HomeAssistantError: it was not sent to all; the sentence says why.
        """
        data = _checked_data(kwargs.get(ATTR_DATA))
        entry = _sending_account(self.hass, data.get(CONF_ACCOUNT))
        targets = list(dict.fromkeys(str(target).strip() for target in kwargs.get(ATTR_TARGET) or ()))
        if not targets:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_target")
        title: str | None = kwargs.get(ATTR_TITLE)
        content = await outgoing(self.hass, titled(title, message), data)
        raise_for(self.hass, entry, await send_to_all(self.hass, entry, targets, content))


def _checked_data(data: dict[str, Any] | None) -> dict[str, Any]:
    try:
        checked: dict[str, Any] = DATA_SCHEMA(data or {})
    except vol.Invalid as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="invalid_data",
            translation_placeholders={"fields": ", ".join(str(field) for field in error.path) or "data"},
        ) from error
    return checked


def _sending_account(hass: HomeAssistant, wanted: str | None) -> WhatsAppConfigEntry:
    """Returns the account that sends: the wanted one, or the only one."""
    loaded: list[WhatsAppConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    if wanted is not None:
        loaded = [entry for entry in loaded if wanted in _names(entry)]
        if not loaded:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="account_unknown")
    if not loaded:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_account")
    if len(loaded) > 1:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="account_ambiguous")
    return loaded[0]


def _names(entry: WhatsAppConfigEntry) -> set[str | None]:
    account = entry.runtime_data.data
    return {entry.entry_id, entry.title, account.id, account.name, account.phone}
