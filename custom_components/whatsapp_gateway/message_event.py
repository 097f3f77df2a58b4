"""Fires the event that automations trigger on."""

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .api.models import Account, IncomingMessage
from .const import EVENT_MESSAGE


def fire_message(
    hass: HomeAssistant, entry: ConfigEntry, account: Account, message: IncomingMessage, *, waited: bool
) -> None:
    """Fires `whatsapp_gateway_message` for a message received.

    The data is flat. `backlog` is true for one that waited at WhatsApp or (`waited`) at the gateway while somebody was away.
    `text` is None for content that is not supported yet; `timestamp` is WhatsApp's (RFC 3339, UTC).
    """
    hass.bus.async_fire(
        EVENT_MESSAGE,
        {
            "config_entry_id": entry.entry_id,
            "account": account.id,
            "account_phone": account.phone,
            "message_id": message.message_id,
            "chat_id": message.chat_id,
            "chat_type": message.chat_type,
            "sender_phone": message.sender_phone,
            "sender_lid": message.sender_lid,
            "sender_name": message.sender_name,
            "from_me": message.from_me,
            "text": message.text,
            "content_type": message.content_type,
            "timestamp": message.timestamp.isoformat(),
            "backlog": message.backlog or waited,
        },
    )
