"""Mentions people in a text: WhatsApp wants each as `@` and the number in the text itself."""

from collections.abc import Sequence

from homeassistant.core import HomeAssistant

from .coordinator import WhatsAppConfigEntry
from .targets import chat_of


def mentioned(
    hass: HomeAssistant, entry: WhatsAppConfigEntry, text: str, people: Sequence[str]
) -> tuple[str, list[str]]:
    """Returns the text with its mentions, and the chat ids of those mentioned.

    People are written as targets are; `@Alice` in the text becomes her mention, and who is not in it is put at its end.

    Raises:
        ServiceValidationError: somebody is not known.
    """
    chats = [chat_of(hass, entry, person.strip().removeprefix("@")) for person in people]
    for person, chat in zip(people, chats, strict=True):
        written, mention = f"@{person.strip().removeprefix('@')}", f"@{chat}"
        if written in text:
            text = text.replace(written, mention)
        elif mention not in text:
            text = f"{text} {mention}"
    return text, chats
