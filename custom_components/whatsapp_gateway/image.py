"""The QR code to scan, as a picture for dashboards, while a pairing waits for the phone."""

from typing import Final

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .api.errors import GatewayError
from .coordinator import WhatsAppConfigEntry, WhatsAppCoordinator
from .entity import WhatsAppEntity
from .errors import translated

PARALLEL_UPDATES = 0

QR_CODE: Final = ImageEntityDescription(
    key="qr_code",
    translation_key="qr_code",
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
)


async def async_setup_entry(
    hass: HomeAssistant, entry: WhatsAppConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the picture of an account's code."""
    async_add_entities([QrCode(hass, entry.runtime_data)])


class QrCode(WhatsAppEntity, ImageEntity):
    """The code that is valid now."""

    _attr_content_type = "image/png"

    def __init__(self, hass: HomeAssistant, coordinator: WhatsAppCoordinator) -> None:
        WhatsAppEntity.__init__(self, coordinator, QR_CODE)
        ImageEntity.__init__(self, hass)
        self._shown: str | None = None
        self._note_code()

    @property
    def available(self) -> bool:
        """Return whether there is a code to scan."""
        return super().available and self._shown is not None

    @callback
    def _handle_coordinator_update(self) -> None:
        self._note_code()
        super()._handle_coordinator_update()

    def _note_code(self) -> None:
        pairing = self.coordinator.data.pairing
        code = None if pairing is None else pairing.qr
        if code != self._shown:
            self._shown = code
            self._attr_image_last_updated = dt_util.utcnow()

    async def async_image(self) -> bytes | None:
        """Return the picture (PNG).

        Raises:
            HomeAssistantError: the gateway does not give it.
        """
        if self._shown is None:
            return None
        try:
            return await self.coordinator.client.qr_png(self.coordinator.account_id)
        except GatewayError as error:
            raise translated(error) from error
