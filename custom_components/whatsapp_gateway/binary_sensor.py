"""Whether an account is connected to WhatsApp."""

from typing import Final

from homeassistant.components.binary_sensor import BinarySensorEntity, BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.models import AccountState
from .coordinator import WhatsAppConfigEntry
from .entity import WhatsAppEntity

PARALLEL_UPDATES = 0

CONNECTIVITY: Final = BinarySensorEntityDescription(
    key="connectivity",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    _hass: HomeAssistant, entry: WhatsAppConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensor of an account."""
    async_add_entities([ConnectivitySensor(entry.runtime_data, CONNECTIVITY)])


class ConnectivitySensor(WhatsAppEntity, BinarySensorEntity):
    """On while messages can be sent."""

    @property
    def is_on(self) -> bool:
        """Return whether the account is connected."""
        return self.coordinator.data.state is AccountState.CONNECTED
