"""What a user may attach to a bug report: no token, phone number, name or message."""

from dataclasses import asdict
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_NAME, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant

from .coordinator import WhatsAppConfigEntry

REDACTED: Final = {CONF_TOKEN, CONF_URL, CONF_NAME, "phone", "qr"}


async def async_get_config_entry_diagnostics(_hass: HomeAssistant, entry: WhatsAppConfigEntry) -> dict[str, Any]:
    """Return the diagnostics of an account."""
    coordinator = entry.runtime_data
    account = asdict(coordinator.data)
    position = coordinator.processed
    return {
        "entry": async_redact_data(dict(entry.data), REDACTED),
        "account": async_redact_data(account, REDACTED),
        "gateway_version": coordinator.gateway_version,
        "connected_to_gateway": coordinator.last_update_success,
        "processed": None if position is None else asdict(position),
    }
