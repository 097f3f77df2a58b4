"""What a user may attach to a bug report: no token, phone number, name or message."""

from dataclasses import asdict
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_NAME, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant

from .coordinator import WhatsAppConfigEntry
from .recipient import CONF_CHAT

REDACTED: Final = {CONF_TOKEN, CONF_URL, CONF_NAME, CONF_CHAT, "phone", "qr", "code", "passkey"}


async def async_get_config_entry_diagnostics(_hass: HomeAssistant, entry: WhatsAppConfigEntry) -> dict[str, Any]:
    """Return the diagnostics of an account."""
    coordinator = entry.runtime_data
    position = coordinator.processed
    return {
        "entry": async_redact_data(dict(entry.data), REDACTED),
        "options": dict(entry.options),
        "recipients": [async_redact_data(dict(subentry.data), REDACTED) for subentry in entry.subentries.values()],
        "account": async_redact_data(asdict(coordinator.data), REDACTED),
        "gateway": {
            "version": coordinator.gateway_version,
            "connected": coordinator.last_update_success,
            "waiting": coordinator.waiting,
            "storage": coordinator.storage,
        },
        "processed": None if position is None else asdict(position),
    }
