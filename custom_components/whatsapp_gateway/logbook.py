"""Lines of the logbook for messages received: who wrote what kind of thing where, but not the words."""

from collections.abc import Callable
from typing import Final

from homeassistant.components.logbook.const import LOGBOOK_ENTRY_ICON, LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.core import Event, HomeAssistant, callback

from .const import DOMAIN, EVENT_MESSAGE
from .recipient import recipient_of_chat

_WROTE: Final = {
    "text": "wrote a message",
    "image": "sent an image",
    "video": "sent a video",
    "audio": "sent audio",
    "voice": "sent a voice message",
    "document": "sent a document",
    "sticker": "sent a sticker",
    "location": "sent a location",
    "contacts": "sent a contact",
    "poll": "sent a poll",
    "event": "sent an event",
    "reaction": "reacted to a message",
    "poll_vote": "voted in a poll",
    "event_response": "responded to an event",
    "choice": "pressed a button",
    "edit": "edited a message",
    "revoke": "deleted a message",
    "group_invite": "sent a group invitation",
    "album": "started an album",
}


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None],
) -> None:
    """Tell the logbook how to describe our event."""

    @callback
    def describe(event: Event) -> dict[str, str]:
        data = event.data
        entry = hass.config_entries.async_get_entry(data["config_entry_id"])
        recipient = recipient_of_chat(entry, data["chat_id"]) if entry is not None else None
        name = "You" if data["from_me"] else data["sender_name"] or data["sender_phone"] or "Somebody"
        words = _WROTE.get(data["content_type"], "sent something")
        where = ""
        if data["chat_type"] != "person":
            where = f" in {recipient.name}" if recipient is not None else f" in a {data['chat_type']}"
        elif recipient is not None and not data["from_me"]:
            name = recipient.name
        return {
            LOGBOOK_ENTRY_NAME: name,
            LOGBOOK_ENTRY_MESSAGE: f"{words}{where} on WhatsApp",
            LOGBOOK_ENTRY_ICON: "mdi:whatsapp",
        }

    async_describe_event(DOMAIN, EVENT_MESSAGE, describe)
