"""Fires the event that automations trigger on."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .api.models import Account, IncomingMessage
from .const import DOMAIN, EVENT_MESSAGE


def fire_message(
    hass: HomeAssistant, entry: ConfigEntry, account: Account, message: IncomingMessage, *, waited: bool
) -> None:
    """Fires `whatsapp_gateway_message` for a message received."""
    hass.bus.async_fire(EVENT_MESSAGE, message_data(entry, account, message, waited=waited))


def message_data(entry: ConfigEntry, account: Account, message: IncomingMessage, *, waited: bool) -> dict[str, Any]:
    """Returns what automations get of a message, flat.

    `backlog` is `waited`: it waited at WhatsApp or at the gateway while somebody was away. `text` are the words of a text or
    below a picture, None for all else; `content` has the rest; `media_content_id` is where Home Assistant finds the file; `timestamp` is WhatsApp's (RFC 3339, UTC).
    """
    return {
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
        "content": _content(message),
        "media_content_id": f"media-source://{DOMAIN}/{entry.entry_id}/{message.message_id}"
        if "media" in message.content
        else None,
        "quoted_message_id": message.quote.message_id if message.quote else None,
        "quoted_text": message.quote.text if message.quote else None,
        "forwarded": message.forwarded,
        "timestamp": message.timestamp.isoformat(),
        "backlog": waited,
    }


def _content(message: IncomingMessage) -> dict[str, object]:
    """All but the kind and the pictures: an event's data is kept by the recorder, which takes 32 KiB at most."""
    content = {name: value for name, value in message.content.items() if name != "type"}
    if isinstance(media := content.get("media"), dict):
        content["media"] = {name: value for name, value in media.items() if name not in {"thumbnail", "waveform"}}
    return content
