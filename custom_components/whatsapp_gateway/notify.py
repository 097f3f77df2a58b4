"""The action `notify.whatsapp`."""

import asyncio
from typing import Any, Final, override
from uuid import uuid4

from homeassistant.components.notify.const import (
    ATTR_DATA,
    ATTR_MESSAGE,
    ATTR_TARGET,
    ATTR_TITLE,
    DOMAIN as NOTIFY_DOMAIN,
)
from homeassistant.components.notify.legacy import BaseNotificationService
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.service import async_set_service_schema
from homeassistant.helpers.typing import ConfigType, DiscoveryInfoType
import probatio as vol

from .api.errors import GatewayAuthError, GatewayConnectionError, GatewayError
from .const import CONF_ACCOUNT, DOMAIN
from .coordinator import WhatsAppConfigEntry
from .errors import translated
from .outgoing import DATA_SCHEMA, Outgoing, outgoing

ACKNOWLEDGEMENT_WAIT: Final = 10
"""Seconds to wait for WhatsApp's acknowledgement; after that the gateway goes on sending alone."""
PAUSES: Final = (0.5, 2.0)
"""Seconds before a request whose connection was lost is repeated; the same key makes that harmless."""
AT_ONCE: Final = 4
"""Requests under way at the same time."""

_DESCRIPTION: Final = {
    "name": "Send a WhatsApp message",
    "description": "Sends a text, picture, film, sound, file, place or poll to people and groups, and fails when WhatsApp does not take it.",
    "fields": {
        ATTR_MESSAGE: {
            "name": "Message",
            "description": "The text. WhatsApp's own marks work: *bold*, _italic_, ~struck through~.",
            "required": True,
            "example": "The washing machine is done.",
            "selector": {"text": {"multiline": True}},
        },
        ATTR_TITLE: {
            "name": "Title",
            "description": "Becomes a bold first line.",
            "example": "Laundry",
            "selector": {"text": {}},
        },
        ATTR_TARGET: {
            "name": "Target",
            "description": "Phone numbers in international form (+491701234567) or chat ids of groups (group:…).",
            "required": True,
            "example": "+491701234567",
            "selector": {"text": {"multiple": True}},
        },
        ATTR_DATA: {
            "name": "Data",
            "description": "One of `image`, `video`, `audio`, `voice`, `document`, `sticker` (a URL or a path), `camera` (an entity), `location` or `poll`; "
            "`view_once`, `gif`, `file_name`, `markdown`, `mentions`, `reply_to`. With several accounts: `account`, the name, phone number or id of the one that sends.",
            "example": "camera: camera.front_door",
            "selector": {"object": {}},
        },
    },
}


async def async_get_service(
    _hass: HomeAssistant, _config: ConfigType, discovery_info: DiscoveryInfoType | None = None
) -> WhatsAppNotifyAction | None:
    """Return the action when the integration itself asks for it; YAML configures nothing."""
    return None if discovery_info is None else WhatsAppNotifyAction()


class WhatsAppNotifyAction(BaseNotificationService):
    """Sends a text to one or many targets."""

    @override
    async def async_register_services(self) -> None:
        """Register the action, with a description of its own."""
        await super().async_register_services()
        async_set_service_schema(self.hass, NOTIFY_DOMAIN, self._service_name, _DESCRIPTION)

    @override
    async def async_send_message(self, message: str, **kwargs: Any) -> None:
        """Send a text to all targets.

        Raises:
            ServiceValidationError: what the caller gave is wrong.
            HomeAssistantError: it was not sent to all; the sentence says why.
        """
        data = _checked_data(kwargs.get(ATTR_DATA))
        entry = _sending_account(self.hass, data.get(CONF_ACCOUNT))
        targets = list(dict.fromkeys(str(target).strip() for target in kwargs.get(ATTR_TARGET) or ()))
        if not targets:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_target")
        title: str | None = kwargs.get(ATTR_TITLE)
        content = await outgoing(self.hass, f"*{title}*\n{message}" if title else message, data)
        places = asyncio.Semaphore(AT_ONCE)

        async def send(target: str) -> GatewayError | None:
            async with places:
                return await _send(entry, target, content)

        errors = await asyncio.gather(*(send(target) for target in targets))
        _raise_for(entry, self.hass, errors)


def _checked_data(data: dict[str, Any] | None) -> dict[str, Any]:
    try:
        checked: dict[str, Any] = DATA_SCHEMA(data or {})
    except vol.Invalid as error:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="invalid_data",
            translation_placeholders={"fields": ", ".join(str(field) for field in error.path) or "data"},
        ) from error
    return checked


def _sending_account(hass: HomeAssistant, wanted: str | None) -> WhatsAppConfigEntry:
    """Returns the account that sends: the wanted one, or the only one."""
    loaded: list[WhatsAppConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    if wanted is not None:
        loaded = [entry for entry in loaded if wanted in _names(entry)]
        if not loaded:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="account_unknown")
    if not loaded:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_account")
    if len(loaded) > 1:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="account_ambiguous")
    return loaded[0]


def _names(entry: WhatsAppConfigEntry) -> set[str | None]:
    account = entry.runtime_data.data
    return {entry.entry_id, entry.title, account.id, account.name, account.phone}


async def _send(entry: WhatsAppConfigEntry, target: str, content: Outgoing) -> GatewayError | None:
    """Sends to one target; returns what went wrong."""
    coordinator = entry.runtime_data
    key = str(uuid4())
    failure: GatewayError | None = None
    for pause in (0.0, *PAUSES):
        await asyncio.sleep(pause)
        try:
            body = content.body | {"to": target}
            await coordinator.client.send(
                coordinator.account_id, body, content.upload, key=key, wait=ACKNOWLEDGEMENT_WAIT
            )
        except GatewayConnectionError as error:
            failure = error
        except GatewayError as error:
            return error
        else:
            return None
    return failure


def _raise_for(entry: WhatsAppConfigEntry, hass: HomeAssistant, errors: list[GatewayError | None]) -> None:
    """Raises one exception for all that went wrong. Targets are named by their place: errors are logged, numbers must not be."""
    failed = [(place, error) for place, error in enumerate(errors, 1) if error is not None]
    if not failed:
        return
    if any(isinstance(error, GatewayAuthError) for _, error in failed):
        entry.async_start_reauth(hass)
    if len(errors) == 1:
        raise translated(failed[0][1]) from failed[0][1]
    raise HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="some_not_sent",
        translation_placeholders={
            "failed": str(len(failed)),
            "total": str(len(errors)),
            "errors": "; ".join(f"{place}: {translated(error)}" for place, error in failed),
        },
    ) from failed[0][1]
