"""The number that an entry belongs to: what it has in Home Assistant must not become another number's."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .api.models import Account
from .const import CONF_PHONE


def is_other_number(entry: ConfigEntry, account: Account) -> bool:
    """Whether the gateway has the account linked to another number than the entry's."""
    own = entry.data.get(CONF_PHONE)
    return own is not None and account.phone is not None and own != account.phone


def remember_number(hass: HomeAssistant, entry: ConfigEntry, account: Account) -> None:
    """Writes the number down, once it is known."""
    if account.phone is not None and CONF_PHONE not in entry.data:
        hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_PHONE: account.phone})
