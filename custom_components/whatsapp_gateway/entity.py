"""What all entities of an account, and of its recipients, share."""

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntry, DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import WhatsAppConfigEntry, WhatsAppCoordinator
from .recipient import Recipient, RecipientKind
from .recipient_devices import device_identifier

MANUFACTURER = "WhatsApp Gateway"
_MODELS = {
    RecipientKind.PERSON: "WhatsApp contact",
    RecipientKind.GROUP: "WhatsApp group",
    RecipientKind.CHANNEL: "WhatsApp channel",
}


class WhatsAppEntity(CoordinatorEntity[WhatsAppCoordinator]):
    """An entity of an account's device."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: WhatsAppCoordinator, description: EntityDescription) -> None:
        super().__init__(coordinator)
        self.entity_description = description
        self._attr_unique_id = f"{coordinator.identity}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, coordinator.identity)})


class RecipientEntity(CoordinatorEntity[WhatsAppCoordinator]):
    """An entity of a recipient's device. It is there as long as the gateway is and the phone has not unlinked the account."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: WhatsAppCoordinator, recipient: Recipient, description: EntityDescription) -> None:
        super().__init__(coordinator)
        self.entity_description = description
        self.recipient = recipient
        entry = coordinator.config_entry
        self._attr_unique_id = f"{coordinator.identity}_{recipient.subentry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={device_identifier(entry, recipient)},
            name=recipient.name,
            manufacturer=MANUFACTURER,
            model=_MODELS[recipient.kind],
            via_device_id=coordinator.device_id,
        )

    @property
    def available(self) -> bool:
        """Return whether messages can be handed over: while WhatsApp is being reconnected, they wait at the gateway."""
        return super().available and self.coordinator.data.linked


def async_register_account_device(hass: HomeAssistant, entry: WhatsAppConfigEntry) -> DeviceEntry:
    """Makes an account's device, before its recipients' devices that hang on it."""
    coordinator = entry.runtime_data
    return dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        entry_type=DeviceEntryType.SERVICE,
        identifiers={(DOMAIN, coordinator.identity)},
        name=coordinator.data.name,
        manufacturer=MANUFACTURER,
        model="WhatsApp account",
        sw_version=coordinator.gateway_version,
        configuration_url=entry.data[CONF_URL],
    )
