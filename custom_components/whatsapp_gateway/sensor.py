"""The state that an account is in."""

from typing import Final

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.models import AccountState
from .coordinator import WhatsAppConfigEntry
from .entity import WhatsAppEntity

PARALLEL_UPDATES = 0

STATE: Final = SensorEntityDescription(
    key="state",
    translation_key="state",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=[state.value for state in AccountState],
)


async def async_setup_entry(
    _hass: HomeAssistant, entry: WhatsAppConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensor of an account."""
    async_add_entities([StateSensor(entry.runtime_data, STATE)])


class StateSensor(WhatsAppEntity, SensorEntity):
    """The account's state, with the gateway's reason code for it."""

    @property
    def native_value(self) -> str:
        """Return the state."""
        return self.coordinator.data.state.value

    @property
    def extra_state_attributes(self) -> dict[str, str | None]:
        """Return why the account is in this state."""
        return {"reason": self.coordinator.data.reason}
