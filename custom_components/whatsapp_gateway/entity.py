"""What all entities of an account share."""

from homeassistant.const import CONF_URL
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import WhatsAppCoordinator


class WhatsAppEntity(CoordinatorEntity[WhatsAppCoordinator]):
    """An entity of an account's device."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: WhatsAppCoordinator, description: EntityDescription) -> None:
        super().__init__(coordinator)
        self.entity_description = description
        self._attr_unique_id = f"{coordinator.account_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            entry_type=DeviceEntryType.SERVICE,
            identifiers={(DOMAIN, coordinator.account_id)},
            name=coordinator.data.name,
            manufacturer="WhatsApp Gateway",
            model="WhatsApp account",
            sw_version=coordinator.gateway_version,
            configuration_url=coordinator.config_entry.data[CONF_URL],
        )
