"""A device for each recipient: its entities come when it is chosen and go when it is removed, without a reload."""

from collections.abc import Callable

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import WhatsAppConfigEntry
from .recipient import Recipient, recipients


def device_identifier(entry: WhatsAppConfigEntry, recipient: Recipient) -> tuple[str, str]:
    """Returns what names the device of a recipient."""
    return DOMAIN, f"{entry.runtime_data.identity}_{recipient.subentry_id}"


@callback
def async_add_for_each_recipient(
    hass: HomeAssistant,
    entry: WhatsAppConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    make: Callable[[Recipient], Entity],
) -> None:
    """Adds an entity for each recipient, now and when one is chosen later. Home Assistant removes those of a removed one."""
    added: set[str] = set()

    @callback
    def add_new() -> None:
        present = recipients(entry)
        added.intersection_update({recipient.subentry_id for recipient in present})
        for recipient in present:
            if recipient.subentry_id not in added:
                added.add(recipient.subentry_id)
                async_add_entities([make(recipient)], config_subentry_id=recipient.subentry_id)

    add_new()
    _on_change(hass, entry, add_new)


@callback
def async_follow_names(hass: HomeAssistant, entry: WhatsAppConfigEntry) -> None:
    """Names the devices anew when recipients are renamed."""
    devices = dr.async_get(hass)

    @callback
    def rename() -> None:
        for recipient in recipients(entry):
            device = async_recipient_device(hass, entry, recipient)
            if device is not None and device.name != recipient.name:
                devices.async_update_device(device.id, name=recipient.name)

    rename()
    _on_change(hass, entry, rename)


@callback
def async_recipient_device(hass: HomeAssistant, entry: WhatsAppConfigEntry, recipient: Recipient) -> DeviceEntry | None:
    """Returns the device of a recipient, None before its first entity is there."""
    return dr.async_get(hass).async_get_device_by_identifier(device_identifier(entry, recipient), entry.entry_id)


def _on_change(hass: HomeAssistant, entry: WhatsAppConfigEntry, action: Callable[[], None]) -> None:
    @callback
    def changed(change: ConfigEntryChange, changed_entry: ConfigEntry) -> None:
        if change is ConfigEntryChange.UPDATED and changed_entry is entry:
            action()

    entry.async_on_unload(async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, changed))
