"""The people, groups and channels that the user has chosen to write to and to hear: subentries of an account's entry."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_NAME

SUBENTRY_RECIPIENT: Final = "recipient"

CONF_ASSIST_AGENT: Final = "assist_agent"
CONF_ASSIST_SENDERS: Final = "assist_senders"
CONF_ASSIST_SPEECH: Final = "assist_speech"
CONF_CHAT: Final = "chat"
"""A chat id (docs/api.md): the unique id of a recipient's subentry too."""
CONF_KIND: Final = "kind"
CONF_MAY_TRIGGER: Final = "may_trigger"
CONF_MEDIA: Final = "media"


class RecipientKind(StrEnum):
    """What a recipient is; the value stands before the colon of its chat id, but for people."""

    PERSON = "person"
    GROUP = "group"
    CHANNEL = "channel"

    @classmethod
    def of(cls, chat: str) -> Self | None:
        """Returns the kind of a chat, None for one that nobody can choose."""
        match chat.partition(":"):
            case ("lid", ":", str()):
                return cls("person")
            case (number, "", "") if number.startswith("+"):
                return cls("person")
            case ("group" | "channel" as kind, ":", str()):
                return cls(kind)
            case _:
                return None


class MediaPolicy(StrEnum):
    """What is done with the files that a recipient sends."""

    ON_DEMAND = "on_demand"
    """They are fetched from WhatsApp when somebody opens them."""
    AT_ONCE = "at_once"
    """They are fetched when they come, and so are still there when the sender has deleted them."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A chosen chat. `name` is what the user calls it; `known_as` what WhatsApp called it when we last heard."""

    subentry_id: str
    chat: str
    kind: RecipientKind
    name: str
    known_as: str
    may_trigger: bool
    media: MediaPolicy
    assist_agent: str | None
    """The conversation agent that it talks to, None for none."""
    assist_speech: str | None
    """The speech-to-text entity that listens to its voice notes."""
    assist_senders: tuple[str, ...]
    """Phone numbers, as the user wrote them, of those who may talk to the agent in a group."""

    @classmethod
    def of(cls, subentry: ConfigSubentry) -> Self:
        """Reads a subentry."""
        data = subentry.data
        return cls(
            subentry_id=subentry.subentry_id,
            chat=data[CONF_CHAT],
            kind=RecipientKind(data[CONF_KIND]),
            name=subentry.title,
            known_as=data[CONF_NAME],
            may_trigger=data.get(CONF_MAY_TRIGGER, True),
            media=MediaPolicy(data.get(CONF_MEDIA, MediaPolicy.ON_DEMAND)),
            assist_agent=data.get(CONF_ASSIST_AGENT),
            assist_speech=data.get(CONF_ASSIST_SPEECH),
            assist_senders=tuple(data.get(CONF_ASSIST_SENDERS) or ()),
        )


def recipients(entry: ConfigEntry) -> list[Recipient]:
    """Returns the recipients of an account."""
    return [Recipient.of(subentry) for subentry in entry.get_subentries_of_type(SUBENTRY_RECIPIENT)]


def recipient_of_chat(entry: ConfigEntry, chat: str) -> Recipient | None:
    """Returns the recipient that a chat is, None if the user has not chosen it."""
    for subentry in entry.get_subentries_of_type(SUBENTRY_RECIPIENT):
        if subentry.unique_id == chat:
            return Recipient.of(subentry)
    return None
