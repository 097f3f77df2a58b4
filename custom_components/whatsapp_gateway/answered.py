"""Which message an action answers, or reacts to: WhatsApp wants to know who wrote it, and shows how it began."""

from typing import Any

from homeassistant.exceptions import ServiceValidationError

from .const import DOMAIN
from .targets import Target


def quote_of(target: Target, message_id: str, author: str | None = None, *, own: bool = False) -> dict[str, Any]:
    """Returns the `quote` of a request.

    Raises:
        ServiceValidationError: as `author_of`.
    """
    known = target.entry.runtime_data.recent.find(message_id)
    quote = {"message_id": message_id, "author": author_of(target, message_id, author, own=own)}
    return quote | ({"text": known.text} if known is not None and known.text else {})


def author_of(target: Target, message_id: str, author: str | None = None, *, own: bool = False) -> str | None:
    """Returns who wrote a message (a phone number or chat id), None if we did: as it was said, or as we remember it.

    Raises:
        ServiceValidationError: it is a group's, too long ago to be remembered, and nobody says whose.
    """
    if own:
        return None
    if author is not None:
        return author
    if (known := target.entry.runtime_data.recent.find(message_id)) is not None:
        return known.author
    if target.chat.startswith(("+", "lid:")):
        return target.chat
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="author_needed")
