"""An event entity for each recipient: what the recipient writes, also what came while Home Assistant was away."""

from typing import Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .api.events import Event
from .api.models import IncomingMessage
from .coordinator import WhatsAppConfigEntry
from .entity import RecipientEntity
from .message_event import message_data
from .message_filter import CHANGES, MESSAGES
from .recipient import recipient_of_chat
from .recipient_devices import async_add_for_each_recipient

PARALLEL_UPDATES = 0

MESSAGE: Final = EventEntityDescription(
    key="message", translation_key="message", event_types=sorted(MESSAGES | CHANGES)
)
_OTHER_KIND: Final = "unsupported"
_OF_THE_DEVICE: Final = frozenset(
    {"config_entry_id", "account", "account_phone", "chat_id", "chat_type", "content_type"}
)
"""What the entity itself says already."""


async def async_setup_entry(
    hass: HomeAssistant, entry: WhatsAppConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the entity of each recipient."""
    async_add_for_each_recipient(
        hass, entry, async_add_entities, lambda recipient: RecipientEvent(entry.runtime_data, recipient, MESSAGE)
    )


class RecipientEvent(RecipientEntity, EventEntity):
    """Fires for each message of the recipient's chat, once, in their order. What we write ourselves fires in our own chat alone.

    Contents are not recorded in Home Assistant's history.
    """

    _unrecorded_attributes = frozenset({"content", "quoted_text", "sender_lid", "sender_name", "sender_phone", "text"})

    @override
    async def async_added_to_hass(self) -> None:
        """Begin to listen."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_subscribe(self._happened))

    @property
    @override
    def available(self) -> bool:
        """Return whether the gateway is there: what it has kept is told even when the phone has unlinked the account.

        A transition from unavailable triggers nothing, so the coordinator shows the state before it tells events.
        """
        return self.coordinator.last_update_success

    @callback
    def _happened(self, event: Event, waited: bool) -> None:
        message = event.data
        if not isinstance(message, IncomingMessage) or message.chat_id != self.recipient.chat:
            return
        entry, account = self.coordinator.config_entry, self.coordinator.data
        recipient = recipient_of_chat(entry, message.chat_id)
        own_chat = message.chat_id == account.phone
        if recipient is None or not recipient.may_trigger or (message.from_me and not own_chat):
            return
        data = message_data(entry, account, message, waited=waited)
        kind = message.content_type if message.content_type in self.event_types else _OTHER_KIND
        self._trigger_event(kind, {name: value for name, value in data.items() if name not in _OF_THE_DEVICE})
        self.async_write_ha_state()
