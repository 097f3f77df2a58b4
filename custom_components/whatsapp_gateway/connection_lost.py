"""Triggers an automation when an account is no longer connected."""

from datetime import timedelta
from functools import partial
from typing import Final, override

from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID, CONF_FOR
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.trigger import Trigger, TriggerActionRunner, TriggerConfig, TriggerNotTriggeredReporter
from homeassistant.helpers.typing import ConfigType
import probatio as vol

from .const import DOMAIN
from .coordinator import SIGNAL_UPDATED, WhatsAppConfigEntry
from .message_filter import options_schema

_SCHEMA: Final = options_schema(
    {
        vol.Optional(ATTR_DEVICE_ID): vol.All(cv.ensure_list, [cv.string]),
        vol.Optional(CONF_FOR): cv.positive_time_period,
    }
)


class ConnectionLost(Trigger):
    """An account that was connected is not, for as long as `for` says."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options."""
        checked: ConfigType = _SCHEMA(config)
        return checked

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        options = config.options or {}
        self._devices: list[str] = options.get(ATTR_DEVICE_ID, [])
        self._pause: timedelta = cv.positive_time_period(options.get(CONF_FOR, 0))

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        """Begin to watch."""
        connected: dict[str, bool] = {
            entry.entry_id: entry.runtime_data.connected_to_whatsapp
            for entry in self._hass.config_entries.async_loaded_entries(DOMAIN)
        }
        waiting: dict[str, CALLBACK_TYPE] = {}

        @callback
        def lost(entry: WhatsAppConfigEntry, _: object = None) -> None:
            waiting.pop(entry.entry_id, None)
            if entry.state is not ConfigEntryState.LOADED:
                return
            coordinator = entry.runtime_data
            payload = {
                "config_entry_id": entry.entry_id,
                "account": coordinator.account_id,
                "account_phone": coordinator.data.phone,
                "gateway_lost": not coordinator.last_update_success,
                "state": coordinator.data.state.value if coordinator.last_update_success else None,
                "reason": coordinator.data.reason if coordinator.last_update_success else None,
            }
            run_action(payload, f"the lost connection of {entry.title}")

        @callback
        def updated(entry: WhatsAppConfigEntry) -> None:
            before, now = connected.get(entry.entry_id, False), entry.runtime_data.connected_to_whatsapp
            connected[entry.entry_id] = now
            if now:
                waiting.pop(entry.entry_id, lambda: None)()
            elif before and self._watched(entry):
                if self._pause:
                    waiting[entry.entry_id] = async_call_later(self._hass, self._pause, partial(lost, entry))
                else:
                    lost(entry)

        end = async_dispatcher_connect(self._hass, SIGNAL_UPDATED, updated)

        @callback
        def detach() -> None:
            end()
            for cancel in waiting.values():
                cancel()

        return detach

    def _watched(self, entry: WhatsAppConfigEntry) -> bool:
        registry = dr.async_get(self._hass)
        devices = [registry.async_get(device_id) for device_id in self._devices]
        return not devices or any(device and device.config_entry_id == entry.entry_id for device in devices)
