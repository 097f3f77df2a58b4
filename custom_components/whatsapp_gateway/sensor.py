"""The state that an account is in, and what it has done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from homeassistant.components.sensor import (
    RestoreSensor,
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_time_change
from homeassistant.util import dt as dt_util

from .api.events import Event
from .api.models import AccountState, IncomingMessage, MessageStatus, MessageStatusChanged
from .coordinator import WhatsAppConfigEntry, WhatsAppCoordinator
from .entity import WhatsAppEntity
from .message_filter import MESSAGES

PARALLEL_UPDATES = 0

STATE: Final = SensorEntityDescription(
    key="state",
    translation_key="state",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=[state.value for state in AccountState],
)


@dataclass(frozen=True, kw_only=True)
class ValueDescription(SensorEntityDescription):
    """A sensor of what is now. It is off until somebody wants it, as are the others."""

    value: Callable[[WhatsAppCoordinator], int | str | None]
    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    entity_registry_enabled_default: bool = False


@dataclass(frozen=True, kw_only=True)
class ActivityDescription(SensorEntityDescription):
    """A sensor of events of one kind: when the last one was, or how many there were today. `moment` is None for all others."""

    moment: Callable[[Event], datetime | None]
    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    entity_registry_enabled_default: bool = False


def _received(event: Event) -> datetime | None:
    message = event.data
    if isinstance(message, IncomingMessage) and not message.from_me and message.content_type in MESSAGES:
        return message.timestamp
    return None


def _sent(event: Event) -> datetime | None:
    change = event.data
    if isinstance(change, MessageStatusChanged) and change.message.status is MessageStatus.SENT:
        return change.message.timestamp
    return None


def _failed(event: Event) -> datetime | None:
    change = event.data
    if isinstance(change, MessageStatusChanged) and change.message.status in {
        MessageStatus.FAILED,
        MessageStatus.EXPIRED,
    }:
        return change.message.timestamp
    return None


VALUES: Final = (
    ValueDescription(
        key="waiting",
        translation_key="waiting",
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=True,
        value=lambda coordinator: coordinator.waiting,
    ),
    ValueDescription(
        key="gateway_version",
        translation_key="gateway_version",
        value=lambda coordinator: coordinator.gateway_version,
    ),
)
LAST: Final = tuple(
    ActivityDescription(key=key, translation_key=key, device_class=SensorDeviceClass.TIMESTAMP, moment=moment)
    for key, moment in (("last_received", _received), ("last_sent", _sent))
)
TODAY: Final = tuple(
    ActivityDescription(key=key, translation_key=key, state_class=SensorStateClass.TOTAL, moment=moment)
    for key, moment in (("received_today", _received), ("sent_today", _sent), ("failed_today", _failed))
)


async def async_setup_entry(
    _hass: HomeAssistant, entry: WhatsAppConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of an account."""
    coordinator = entry.runtime_data
    async_add_entities(
        [
            StateSensor(coordinator, STATE),
            *(ValueSensor(coordinator, description) for description in VALUES),
            *(LastSensor(coordinator, description) for description in LAST),
            *(TodaySensor(coordinator, description) for description in TODAY),
        ]
    )


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


class ValueSensor(WhatsAppEntity, SensorEntity):
    """What is now."""

    entity_description: ValueDescription

    @property
    def native_value(self) -> int | str | None:
        """Return the value."""
        return self.entity_description.value(self.coordinator)


class ActivitySensor(WhatsAppEntity, RestoreSensor):
    """Hears the account's events. What it knows survives a restart, and is known also while the gateway is away."""

    entity_description: ActivityDescription

    @property
    def available(self) -> bool:
        """Return True: it tells of what has been."""
        return True

    async def async_added_to_hass(self) -> None:
        """Take up what was known, and listen."""
        await super().async_added_to_hass()
        await self._restore()
        self.async_on_remove(self.coordinator.async_subscribe(self._heard))

    @callback
    def _heard(self, event: Event, _waited: bool) -> None:
        if (moment := self.entity_description.moment(event)) is not None:
            self._take(moment)
            self.async_write_ha_state()

    async def _restore(self) -> None:
        """Takes up what was known."""

    def _take(self, _moment: datetime, /) -> None:
        """Takes one more event."""


class LastSensor(ActivitySensor):
    """When the last one was."""

    async def _restore(self) -> None:
        if (last := await self.async_get_last_sensor_data()) and isinstance(last.native_value, datetime):
            self._attr_native_value = last.native_value

    def _take(self, moment: datetime, /) -> None:
        known = self._attr_native_value
        self._attr_native_value = max(moment, known) if isinstance(known, datetime) else moment


class TodaySensor(ActivitySensor):
    """How many there were since midnight."""

    _attr_native_value: int = 0

    async def async_added_to_hass(self) -> None:
        """Begin anew at each midnight."""
        self._attr_last_reset = dt_util.start_of_local_day()
        await super().async_added_to_hass()
        self.async_on_remove(async_track_time_change(self.hass, self._midnight, 0, 0, 0))

    async def _restore(self) -> None:
        state, data = await self.async_get_last_state(), await self.async_get_last_sensor_data()
        if state is None or data is None or not isinstance(data.native_value, int):
            return
        if state.attributes.get("last_reset") == dt_util.start_of_local_day().isoformat():
            self._attr_native_value = data.native_value

    def _take(self, _moment: datetime, /) -> None:
        self._attr_native_value += 1

    @callback
    def _midnight(self, now: datetime) -> None:
        self._attr_native_value = 0
        self._attr_last_reset = dt_util.start_of_local_day(now)
        self.async_write_ha_state()
