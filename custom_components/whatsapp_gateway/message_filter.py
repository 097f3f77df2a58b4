"""Which messages an automation is about: the options that triggers and conditions have in common."""

from collections.abc import Iterable, Mapping
import re
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID, CONF_OPTIONS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv, device_registry as dr
import probatio as vol

from .phone_numbers import international, written
from .recipient import CONF_CHAT

CONF_CHAT_TYPE: Final = "chat_type"
CONF_INCLUDE_OWN: Final = "include_own"
CONF_INCLUDE_WAITED: Final = "include_waited"
CONF_KIND: Final = "kind"
CONF_PATTERN: Final = "pattern"
CONF_SENDER: Final = "sender"
CONF_TEXT: Final = "text"

CHAT_TYPES: Final = ("person", "group", "channel", "status")

MESSAGES: Final = frozenset(
    {
        "text", "image", "video", "audio", "voice", "document", "sticker", "location", "contacts", "poll", "event",
        "choice", "group_invite", "unsupported",
    }
)  # fmt: skip
"""Kinds that are something new in the chat."""

CHANGES: Final = frozenset({"reaction", "poll_vote", "event_response", "edit", "revoke", "album"})
"""Kinds that are about another message; only who asks for them gets them."""

PLACE_OPTIONS: Final = {
    vol.Optional(ATTR_DEVICE_ID): vol.All(cv.ensure_list, [cv.string]),
    vol.Optional(CONF_CHAT): vol.All(cv.ensure_list, [written]),
    vol.Optional(CONF_CHAT_TYPE): vol.All(cv.ensure_list, [vol.In(CHAT_TYPES)]),
    vol.Optional(CONF_INCLUDE_WAITED): cv.boolean,
}
"""Where something happened."""

SENDER_OPTIONS: Final = PLACE_OPTIONS | {
    vol.Optional(CONF_SENDER): vol.All(cv.ensure_list, [written]),
    vol.Optional(CONF_INCLUDE_OWN): cv.boolean,
}
"""Where a message came, and from whom."""

MESSAGE_OPTIONS: Final = SENDER_OPTIONS | {
    vol.Optional(CONF_KIND): vol.All(cv.ensure_list, [vol.In(MESSAGES | CHANGES)]),
    vol.Optional(CONF_TEXT): vol.All(cv.ensure_list, [cv.string]),
    vol.Optional(CONF_PATTERN): cv.string,
}
"""That, and what it says."""


def options_schema(options: Mapping[Any, Any]) -> vol.Schema:
    """Returns the schema of a trigger or condition with these options."""
    return vol.Schema({vol.Required(CONF_OPTIONS, default=dict): dict(options)})


class MessageFilter:
    """Options, ready to be compared with the data of `whatsapp_gateway_message`."""

    def __init__(self, hass: HomeAssistant, options: Mapping[str, Any]) -> None:
        """Reads checked options.

        Raises:
            Invalid: a number or the pattern is none.
        """
        self._place = PlaceFilter(hass, options)
        self._senders = _chats(hass, options.get(CONF_SENDER))
        self._own: bool = options.get(CONF_INCLUDE_OWN, False)
        self._kinds = frozenset(options.get(CONF_KIND, ())) or MESSAGES
        self._texts = {text.strip().casefold() for text in options.get(CONF_TEXT, ())}
        self._pattern = _pattern(options[CONF_PATTERN]) if options.get(CONF_PATTERN) else None

    def passes(self, data: Mapping[str, Any]) -> bool:
        """Whether a message is one of those that the options are about."""
        return self.passes_but_for_kind(data) and data["content_type"] in self._kinds and self._says(data["text"])

    def passes_but_for_kind(self, data: Mapping[str, Any]) -> bool:
        """The same for what has a kind of its own: reactions, answers to polls."""
        return (
            (self._own or not data["from_me"])
            and self._place.passes(data)
            and (not self._senders or bool(self._senders & {data["sender_phone"], f"lid:{data['sender_lid']}"}))
        )

    def _says(self, text: str | None) -> bool:
        if self._texts and (text is None or text.strip().casefold() not in self._texts):
            return False
        return self._pattern is None or (text is not None and self._pattern.search(text) is not None)

    def found(self, text: str | None) -> dict[str, str | None]:
        """Returns the pattern's named groups in a text."""
        match = self._pattern.search(text) if self._pattern and text is not None else None
        return match.groupdict() if match else {}


class PlaceFilter:
    """The options that say where: accounts or recipients by their devices, chats, kinds of chat, and whether it waited."""

    def __init__(self, hass: HomeAssistant, options: Mapping[str, Any]) -> None:
        """Reads checked options.

        Raises:
            Invalid: a chat is none.
        """
        self._hass = hass
        self._devices: list[str] = options.get(ATTR_DEVICE_ID, [])
        self._chats = _chats(hass, options.get(CONF_CHAT))
        self._types = frozenset(options.get(CONF_CHAT_TYPE, ()))
        self._waited: bool = options.get(CONF_INCLUDE_WAITED, True)

    def passes(self, data: Mapping[str, Any]) -> bool:
        """Whether data with `config_entry_id`, `chat_id`, `chat_type` and `backlog` is of such a place."""
        return (
            (self._waited or not data["backlog"])
            and (not self._chats or data["chat_id"] in self._chats)
            and (not self._types or data["chat_type"] in self._types)
            and (not self._devices or self._of_a_device(data["config_entry_id"], data["chat_id"]))
        )

    def _of_a_device(self, entry_id: str, chat: str) -> bool:
        registry = dr.async_get(self._hass)
        entry = self._hass.config_entries.async_get_entry(entry_id)
        if entry is None:
            return False
        for device_id in self._devices:
            device = registry.async_get(device_id)
            if device is None or device.config_entry_id != entry_id:
                continue
            subentry = entry.subentries.get(device.config_subentry_id or "")
            if subentry is None or subentry.data.get(CONF_CHAT) == chat:
                return True
        return False


def chat_type(chat: str) -> str:
    """Returns the type of a chat, as messages have it, by its id."""
    prefix, colon, _ = chat.partition(":")
    if colon:
        return "person" if prefix == "lid" else prefix
    return "status" if chat == "status" else "person"


def _chats(hass: HomeAssistant, texts: Iterable[str] | None) -> set[str]:
    """Reads phone numbers as people write them, and chat ids."""
    return {_chat(hass, item.strip()) for item in texts or ()}


def _chat(hass: HomeAssistant, text: str) -> str:
    if text == "status" or re.fullmatch(r"(group|channel|lid):\S+", text):
        return text
    phone = international(text, hass.config.country)
    if phone is None:
        raise vol.Invalid(f"{text} is neither a phone number nor a chat id")
    return phone


def _pattern(written: str) -> re.Pattern[str]:
    try:
        return re.compile(written, re.IGNORECASE)
    except re.error as error:
        raise vol.Invalid(f"{written} is not a regular expression: {error}") from error
