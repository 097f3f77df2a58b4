"""Registers the integration's actions, once for all accounts."""

from homeassistant.core import HomeAssistant, SupportsResponse, callback
import probatio as vol

from .asking import ASK_FIELDS, ask
from .chat_actions import CHAT_ACTIONS
from .const import DOMAIN
from .file_action import FILE_FIELDS, get_file
from .sending_actions import SENDING_ACTIONS, schema, sender


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Registers all actions. Their texts are in the translations, their fields in services.yaml."""
    for name, (fields, content) in SENDING_ACTIONS.items():
        hass.services.async_register(DOMAIN, name, sender(content), schema(fields), SupportsResponse.OPTIONAL)
    for action, chat_fields, response in CHAT_ACTIONS:
        hass.services.async_register(DOMAIN, action.__name__, action, vol.Schema(chat_fields), response)
    hass.services.async_register(DOMAIN, "ask", ask, vol.Schema(ASK_FIELDS), SupportsResponse.ONLY)
    hass.services.async_register(DOMAIN, "get_file", get_file, vol.Schema(FILE_FIELDS), SupportsResponse.OPTIONAL)
