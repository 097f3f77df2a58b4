"""The gateway's app at Home Assistant's Supervisor: found in its store, installed, started, and asked where it listens.

Imported only where there is a Supervisor: elsewhere, Home Assistant may lack what this imports.
"""

import logging

from aiohasupervisor import SupervisorError
from homeassistant.components.hassio import AddonError, AddonManager, AddonState, get_supervisor_client
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

_LOGGER = logging.getLogger(__name__)
_NAME = "WhatsApp Gateway"
_MANAGERS: HassKey[dict[str, AddonManager]] = HassKey(f"{DOMAIN}_apps")
"""There must be one manager for each app: it knows what is being done to it."""


class AppError(Exception):
    """The Supervisor cannot do what it was asked."""


async def find_app(hass: HomeAssistant) -> AddonManager | None:
    """Returns our app in the Supervisor's store, an installed one first; None where the store lacks it.

    Its slug begins with a hash of the repository's address, which a fork has another one of: the rest tells.

    Raises:
        AppError: the Supervisor does not answer.
    """
    try:
        apps = await get_supervisor_client(hass).store.addons_list()
    except SupervisorError as error:
        raise AppError(str(error)) from error
    ours = [app for app in apps if app.slug.partition("_")[2] == DOMAIN]
    ours.sort(key=lambda app: not app.installed)
    if not ours:
        return None
    managers = hass.data.setdefault(_MANAGERS, {})
    return managers.setdefault(ours[0].slug, AddonManager(hass, _LOGGER, _NAME, ours[0].slug))


async def install(app: AddonManager) -> None:
    """Installs the app unless it is there.

    Raises:
        AppError: it cannot be installed.
    """
    try:
        if (await app.async_get_addon_info()).state in {AddonState.NOT_INSTALLED, AddonState.INSTALLING}:
            await app.async_schedule_install_addon()
    except AddonError as error:
        raise AppError(str(error)) from error


async def start(app: AddonManager) -> None:
    """Starts the app unless it runs.

    Raises:
        AppError: it cannot be started.
    """
    try:
        if (await app.async_get_addon_info()).state is AddonState.NOT_RUNNING:
            await app.async_schedule_start_addon()
    except AddonError as error:
        raise AppError(str(error)) from error


async def told_gateway(app: AddonManager) -> dict[str, str] | None:
    """Returns address and token that the app has told the Supervisor; None where it has not yet.

    Raises:
        AppError: what it told cannot be understood.
    """
    try:
        config = await app.async_get_addon_discovery_info()
    except AddonError:
        return None
    return gateway_of(config)


def gateway_of(config: dict[str, object]) -> dict[str, str]:
    """Returns address and token from what the app told.

    Raises:
        AppError: it cannot be understood.
    """
    match config:
        case {"host": str(host), "port": int(port), "token": str(token)}:
            return {CONF_URL: f"http://{host}:{port}", CONF_TOKEN: token}
    raise AppError("the app's discovery cannot be understood")
