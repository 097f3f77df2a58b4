"""What the page System information says of the gateways."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import WhatsAppConfigEntry


@callback
def async_register(_hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Register the page's part."""
    register.async_register_info(_info)


async def _info(hass: HomeAssistant) -> dict[str, Any]:
    entries: list[WhatsAppConfigEntry] = hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    )
    loaded: list[WhatsAppConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    versions = sorted({entry.runtime_data.gateway_version or "" for entry in loaded})
    addresses = sorted({entry.data[CONF_URL] for entry in entries})
    info: dict[str, Any] = {
        "accounts": len(entries),
        "connected": sum(entry.runtime_data.connected_to_whatsapp for entry in loaded),
        "waiting": sum(entry.runtime_data.waiting for entry in loaded),
        "gateway_version": ", ".join(versions),
    }
    if addresses:
        info["can_reach_gateway"] = _reached(hass, addresses)
    return info


async def _reached(hass: HomeAssistant, addresses: list[str]) -> str | dict[str, str]:
    """Returns `ok` if all gateways answer, else what is the matter with the first that does not."""
    results = [await system_health.async_check_can_reach_url(hass, f"{address}/health") for address in addresses]
    return next((result for result in results if result != "ok"), "ok")
