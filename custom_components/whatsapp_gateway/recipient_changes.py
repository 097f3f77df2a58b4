"""Follows what becomes of recipients at WhatsApp: new names and numbers, and groups that the account is no longer in."""

import logging

from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback

from .api.changes import ContactChanged, GroupChanged
from .api.events import Event
from .coordinator import WhatsAppConfigEntry
from .recipient import CONF_CHAT, Recipient, recipient_of_chat

_LOGGER = logging.getLogger(__name__)

_GONE = frozenset({"left", "removed"})


@callback
def async_follow_recipients(hass: HomeAssistant, entry: WhatsAppConfigEntry) -> None:
    """Keeps the recipients of an account as WhatsApp has them, until the entry is unloaded."""

    @callback
    def happened(event: Event, _waited: bool) -> None:
        match event.data:
            case GroupChanged(change="subject", chat=chat, value=str() as subject):
                _renamed(hass, entry, chat, subject)
            case GroupChanged(change=change, chat=chat, members=members) if change in _GONE:
                if entry.runtime_data.data.phone in members:
                    _removed(hass, entry, chat)
            case ContactChanged() as contact:
                _number_known(hass, entry, contact)
                if (name := contact.name or contact.push_name) is not None:
                    _renamed(hass, entry, contact.chat, name)
            case _:
                pass

    entry.async_on_unload(entry.runtime_data.async_subscribe(happened))


def _renamed(hass: HomeAssistant, entry: WhatsAppConfigEntry, chat: str, name: str) -> None:
    """Takes over a new name, but not where the user has given one."""
    if (recipient := recipient_of_chat(entry, chat)) is None or recipient.known_as == name:
        return
    subentry = entry.subentries[recipient.subentry_id]
    title = name if recipient.name == recipient.known_as else recipient.name
    data = {**subentry.data, CONF_NAME: name}
    hass.config_entries.async_update_subentry(entry, subentry, title=title, data=data)


def _number_known(hass: HomeAssistant, entry: WhatsAppConfigEntry, contact: ContactChanged) -> None:
    """Takes over the number of a person who was known by a hidden one only: the chat is called by it from now on."""
    if contact.lid is None or contact.phone is None:
        return
    hidden: Recipient | None = recipient_of_chat(entry, f"lid:{contact.lid}")
    if hidden is not None and recipient_of_chat(entry, contact.phone) is None:
        subentry = entry.subentries[hidden.subentry_id]
        data = {**subentry.data, CONF_CHAT: contact.phone}
        hass.config_entries.async_update_subentry(entry, subentry, unique_id=contact.phone, data=data)
        hass.config_entries.async_schedule_reload(entry.entry_id)


def _removed(hass: HomeAssistant, entry: WhatsAppConfigEntry, chat: str) -> None:
    if (recipient := recipient_of_chat(entry, chat)) is not None:
        _LOGGER.info("The account is not in the group %s any more: its recipient is removed", recipient.subentry_id)
        hass.config_entries.async_remove_subentry(entry, recipient.subentry_id)
