"""Follows the files that recipients send, and fetches those at once that the user wants to keep."""

import asyncio
import logging
from typing import Final

from homeassistant.core import HomeAssistant, callback

from .api.errors import GatewayError
from .api.events import Event
from .api.models import IncomingMessage
from .coordinator import WhatsAppConfigEntry
from .received_files import ReceivedFile
from .recipient import MediaPolicy, recipient_of_chat

_LOGGER = logging.getLogger(__name__)

AT_ONCE: Final = 2
"""Files that are fetched at the same time."""


@callback
def async_keep_files(hass: HomeAssistant, entry: WhatsAppConfigEntry) -> None:
    """Remembers the files of an account's recipients, until the entry is unloaded."""
    coordinator = entry.runtime_data
    places = asyncio.Semaphore(AT_ONCE)

    async def fetch(message_id: str) -> None:
        """Has the gateway fetch a file from WhatsApp; it keeps it."""
        async with places:
            try:
                async with coordinator.client.media(coordinator.account_id, message_id) as response:
                    async for _ in response.content.iter_any():
                        pass
            except GatewayError as error:
                _LOGGER.warning("A file that was to be kept could not be fetched: %s", error)

    @callback
    def happened(event: Event, _waited: bool) -> None:
        message = event.data
        if not isinstance(message, IncomingMessage):
            return
        if message.content_type == "revoke":
            coordinator.files.remove(str(message.content.get("message_id")))
        recipient = recipient_of_chat(entry, message.chat_id)
        if recipient is None or recipient.media is MediaPolicy.NEVER or (file := ReceivedFile.of(message)) is None:
            return
        coordinator.files.add(file)
        if recipient.media is MediaPolicy.AT_ONCE:
            entry.async_create_background_task(hass, fetch(file.message_id), "whatsapp_gateway fetches a file")

    entry.async_on_unload(coordinator.async_subscribe(happened))
