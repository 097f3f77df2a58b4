"""Conditions of automations: accounts are connected; the message that triggered is one of these."""

from collections.abc import Mapping
from typing import Any, Final, Unpack, override

from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.condition import Condition, ConditionCheckParams, ConditionConfig
from homeassistant.helpers.typing import ConfigType
import probatio as vol

from .const import DOMAIN
from .message_filter import MESSAGE_OPTIONS, MessageFilter, options_schema


class IsConnected(Condition):
    """All these accounts, or all there are, can send now."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options."""
        schema = options_schema({vol.Optional(ATTR_DEVICE_ID): vol.All(cv.ensure_list, [cv.string])})
        checked: ConfigType = schema(config)
        return checked

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        super().__init__(hass, config)
        self._devices: list[str] = (config.options or {}).get(ATTR_DEVICE_ID, [])

    @override
    def _async_check(self, **_kwargs: Unpack[ConditionCheckParams]) -> bool:
        loaded = {
            entry.entry_id: entry.runtime_data.connected_to_whatsapp
            for entry in self._hass.config_entries.async_loaded_entries(DOMAIN)
        }
        if not self._devices:
            return bool(loaded) and all(loaded.values())
        registry = dr.async_get(self._hass)
        devices = (registry.async_get(device_id) for device_id in self._devices)
        return all(device is not None and loaded.get(device.config_entry_id, False) for device in devices)


class MessageMatches(Condition):
    """The message that triggered the automation is one that the options are about."""

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options."""
        checked: ConfigType = options_schema(MESSAGE_OPTIONS)(config)
        MessageFilter(hass, checked[CONF_OPTIONS])  # raises Invalid where a number or pattern is none
        return checked

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        super().__init__(hass, config)
        self._filter = MessageFilter(hass, config.options or {})

    @override
    def _async_check(self, **kwargs: Unpack[ConditionCheckParams]) -> bool:
        message = _triggering_message(kwargs.get("variables"))
        return message is not None and self._filter.passes(message)


def _triggering_message(variables: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Returns the data of the message that our trigger or the event `whatsapp_gateway_message` brought."""
    trigger = (variables or {}).get("trigger")
    if not isinstance(trigger, Mapping):
        return None
    data = getattr(trigger.get("event"), "data", trigger)
    return data if "content_type" in data and "config_entry_id" in data else None


CONDITIONS: Final[dict[str, type[Condition]]] = {"is_connected": IsConnected, "message_matches": MessageMatches}


async def async_get_conditions(_hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions of this integration."""
    return CONDITIONS
