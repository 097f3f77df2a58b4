"""Buttons that restart an account's connection, fetch its contacts anew, and unlink it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.errors import GatewayError
from .coordinator import WhatsAppConfigEntry, WhatsAppCoordinator
from .entity import WhatsAppEntity
from .errors import translated

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class WhatsAppButtonDescription(ButtonEntityDescription):
    """A button and what it does. `linked_only`: it makes sense only while a phone has linked the account."""

    press: Callable[[WhatsAppCoordinator], Awaitable[object]]
    linked_only: bool = False


BUTTONS: Final = (
    WhatsAppButtonDescription(
        key="restart",
        device_class=ButtonDeviceClass.RESTART,
        entity_category=EntityCategory.CONFIG,
        press=lambda coordinator: coordinator.client.restart_account(coordinator.account_id),
    ),
    WhatsAppButtonDescription(
        key="resync",
        translation_key="resync",
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=False,
        press=lambda coordinator: coordinator.client.resync_contacts(coordinator.account_id),
        linked_only=True,
    ),
    WhatsAppButtonDescription(
        key="unlink",
        translation_key="unlink",
        entity_category=EntityCategory.CONFIG,
        entity_registry_enabled_default=False,
        press=lambda coordinator: coordinator.client.unlink_account(coordinator.account_id),
        linked_only=True,
    ),
)


async def async_setup_entry(
    _hass: HomeAssistant, entry: WhatsAppConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the buttons of an account."""
    async_add_entities([WhatsAppButton(entry.runtime_data, description) for description in BUTTONS])


class WhatsAppButton(WhatsAppEntity, ButtonEntity):
    """A button of an account."""

    entity_description: WhatsAppButtonDescription

    @property
    def available(self) -> bool:
        """Return whether it can be pressed: the gateway is there."""
        return super().available and (self.coordinator.data.linked or not self.entity_description.linked_only)

    async def async_press(self) -> None:
        """Do it.

        Raises:
            HomeAssistantError: the gateway could not.
        """
        try:
            await self.entity_description.press(self.coordinator)
        except GatewayError as error:
            raise translated(error) from error
