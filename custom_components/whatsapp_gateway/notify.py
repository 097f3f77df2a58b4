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
from homeassistant.const import CONF_NAME, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import discovery
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.service import async_set_service_schema
from homeassistant.helpers.translation import async_get_translations
from homeassistant.helpers.typing import ConfigType, DiscoveryInfoType
from homeassistant.util import slugify
from homeassistant.util.hass_dict import HassKey
import probatio as vol

from .answered import quote_of
from .const import CONF_ACCOUNT, DOMAIN, NOTIFY_ACTION
from .coordinator import WhatsAppConfigEntry
from .entity import RecipientEntity
from .mentions import mentioned
from .outgoing import DATA_SCHEMA, Outgoing, outgoing, titled
from .recipient_devices import async_add_for_each_recipient
from .sending import raise_for, send_to_all, sent_signal
from .targets import CONF_TO, Target, targets_of

PARALLEL_UPDATES = 0

RECIPIENT: Final = NotifyEntityDescription(key="notify", translation_key="recipient", name=None)

_LOADED: HassKey[set[str]] = HassKey(f"{DOMAIN}_notify_actions")

_FIELDS: Final[dict[str, dict[str, Any]]] = {
    ATTR_MESSAGE: {
        "required": True,
        "example": "The washing machine is done.",
        "selector": {"text": {"multiline": True}},
    },
    ATTR_TITLE: {"example": "Laundry", "selector": {"text": {}}},
    ATTR_TARGET: {"required": True, "example": "Family", "selector": {"text": {"multiple": True}}},
    ATTR_DATA: {"example": "camera: camera.front_door", "selector": {"object": {}}},
}
"""The action's form. Its words are beside those of our own actions, under the key `notify`."""


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
        targets = [Target(self.coordinator.config_entry, self.recipient.chat)]
        content = Outgoing({"type": "text", "text": titled(title, message)})
        raise_for(targets, await send_to_all(self.hass, targets, content))


@callback
def async_load_action(hass: HomeAssistant, config: ConfigType, account: str | None = None) -> None:
    """Registers `notify.whatsapp`, or the action of one account (`notify.whatsapp_<account>`), for as long as Home Assistant runs."""
    name = action_name(account)
    loaded = hass.data.setdefault(_LOADED, set())
    if name not in loaded:
        loaded.add(name)
        info = {CONF_NAME: name, CONF_ACCOUNT: account}
        hass.async_create_task(
            discovery.async_load_platform(hass, Platform.NOTIFY, DOMAIN, info, config), eager_start=True
        )


@callback
def async_remove_action(hass: HomeAssistant, account: str) -> None:
    """Takes the action of an account away: its entry was removed."""
    if (name := action_name(account)) != NOTIFY_ACTION:
        hass.data.setdefault(_LOADED, set()).discard(name)
        hass.services.async_remove(NOTIFY_DOMAIN, name)


def action_name(account: str | None) -> str:
    """Returns the name of the action that sends from an account: the first one is called WhatsApp, and has the plain name."""
    name = slugify(account or NOTIFY_ACTION)
    return name if name.startswith(NOTIFY_ACTION) else f"{NOTIFY_ACTION}_{name}"


async def async_get_service(
    _hass: HomeAssistant, _config: ConfigType, discovery_info: DiscoveryInfoType | None = None
) -> WhatsAppNotifyAction | None:
    """Return the action when the integration itself asks for it; YAML configures nothing."""
    return None if discovery_info is None else WhatsAppNotifyAction(discovery_info[CONF_ACCOUNT])


class WhatsAppNotifyAction(BaseNotificationService):
    """Sends to one or many targets, from a certain account where one is given."""

    def __init__(self, account: str | None) -> None:
        self._account = account

    @override
    async def async_register_services(self) -> None:
        """Register the action, described in the house's language: translations of an action belong to its domain, which is not ours."""
        await super().async_register_services()
        texts = await async_get_translations(self.hass, self.hass.config.language, "services", {DOMAIN})
        async_set_service_schema(self.hass, NOTIFY_DOMAIN, self._service_name, _description(texts))

    @override
    async def async_send_message(self, message: str, **kwargs: Any) -> None:
        """Send a text to all targets.

        Raises:
            ServiceValidationError: what the caller gave is wrong.
            HomeAssistantError: it was not sent to all; the sentence says why.
        """
        data = _checked_data(kwargs.get(ATTR_DATA))
        account = self._account or data.get(CONF_ACCOUNT)
        to = [str(target) for target in kwargs.get(ATTR_TARGET) or ()]
        targets = targets_of(self.hass, {CONF_TO: to, CONF_ACCOUNT: account})
        title: str | None = kwargs.get(ATTR_TITLE)
        text, data["mentions"] = mentioned(self.hass, targets[0].entry, message, data.get("mentions", ()))
        if isinstance(data.get("reply_to"), str):
            data["reply_to"] = quote_of(targets[0], data["reply_to"])
        content = await outgoing(self.hass, titled(title, text), data)
        raise_for(targets, await send_to_all(self.hass, targets, content))


def _description(texts: dict[str, str]) -> dict[str, Any]:
    def words(key: str) -> dict[str, str]:
        return {word: texts[f"component.{DOMAIN}.services.notify.{key}{word}"] for word in ("name", "description")}

    return words("") | {"fields": {name: words(f"fields.{name}.") | field for name, field in _FIELDS.items()}}


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
