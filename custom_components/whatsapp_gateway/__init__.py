"""WhatsApp in Home Assistant, through the WhatsApp Gateway."""

from homeassistant.const import CONF_TOKEN, CONF_URL, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.typing import ConfigType

from . import issues
from .api.client import GatewayClient
from .assist import async_answer_with_assist
from .const import CONF_ACCOUNT, DOMAIN
from .coordinator import WhatsAppConfigEntry, WhatsAppCoordinator
from .entity import async_register_account_device
from .file_keeping import async_keep_files
from .file_views import async_register_file_views
from .notify import async_load_action, async_remove_action
from .own_number import remember_number
from .position_store import PositionStore
from .received_files import ReceivedFiles
from .recipient_changes import async_follow_recipients
from .recipient_devices import async_follow_names
from .services import async_setup_services

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.IMAGE,
    Platform.NOTIFY,
    Platform.SENSOR,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, once for all accounts."""
    async_setup_services(hass)
    async_register_file_views(hass)
    async_load_action(hass, config)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: WhatsAppConfigEntry) -> bool:
    """Set up one account."""
    client = GatewayClient(async_get_clientsession(hass), entry.data[CONF_URL], entry.data[CONF_TOKEN])
    coordinator = WhatsAppCoordinator(hass, entry, client)
    await coordinator.async_config_entry_first_refresh()
    remember_number(hass, entry, coordinator.data)
    entry.runtime_data = coordinator
    entry.async_on_unload(coordinator.async_subscribe(coordinator.recent.heard))
    coordinator.device_id = async_register_account_device(hass, entry).id
    async_follow_names(hass, entry)
    async_follow_recipients(hass, entry)
    async_keep_files(hass, entry)
    async_answer_with_assist(hass, entry)
    async_load_action(hass, {}, coordinator.account_id)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    coordinator.start()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: WhatsAppConfigEntry) -> bool:
    """Unload one account."""
    if entry.disabled_by is not None:
        issues.async_forget(hass, entry.entry_id)
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: WhatsAppConfigEntry) -> None:
    """Forget what was stored for an account. It stays linked at the gateway."""
    async_remove_action(hass, entry.data[CONF_ACCOUNT])
    await PositionStore(hass, entry.entry_id).erase()
    await ReceivedFiles(hass, entry.entry_id).erase()
    issues.async_forget(hass, entry.entry_id)
