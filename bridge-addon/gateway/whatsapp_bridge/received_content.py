"""What a received message says: one model for each kind, as the engine tells it and as the API's events do."""

from typing import Annotated, Literal

from pydantic import Field

from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.timestamps import Timestamp


class ReceivedMedia(BorderModel):
    """A file, as its message describes it: nothing of it is checked until it is fetched."""

    mimetype: str
    size: int
    """Bytes."""
    sha256: str | None
    """Of the file, in hex."""
    width: int | None
    height: int | None
    seconds: float | None
    waveform: str | None
    """64 values from 0 to 100, in base64."""
    thumbnail: str | None
    """A small JPEG in base64."""
    url: str | None = None
    """The route that the file is had from, below the gateway's address."""


class LinkPreview(BorderModel):
    """What WhatsApp shows below a text with a link."""

    url: str
    title: str | None
    description: str | None


class Place(BorderModel):
    """A place on Earth, in degrees."""

    latitude: float
    longitude: float
    name: str | None
    address: str | None


class ContactCard(BorderModel):
    """A contact that somebody shares. A phone that WhatsApp knows is E.164, others are as they were written."""

    name: str
    phones: list[str]
    organization: str | None
    email: str | None


class TextContent(BorderModel):
    """A text message."""

    type: Literal["text"]
    text: str
    link_preview: LinkPreview | None


class ImageContent(BorderModel):
    """A picture; `album` is the message id of the album that it belongs to."""

    type: Literal["image"]
    media: ReceivedMedia
    caption: str | None
    album: str | None


class VideoContent(BorderModel):
    """A film."""

    type: Literal["video"]
    media: ReceivedMedia
    caption: str | None
    gif: bool
    album: str | None


class SoundContent(BorderModel):
    """A sound file, or a voice note."""

    type: Literal["audio", "voice"]
    media: ReceivedMedia


class DocumentContent(BorderModel):
    """Any other file."""

    type: Literal["document"]
    media: ReceivedMedia
    caption: str | None
    file_name: str | None


class StickerContent(BorderModel):
    """A sticker, in WebP."""

    type: Literal["sticker"]
    media: ReceivedMedia
    animated: bool


class LocationContent(Place):
    """A place; `live` is one that moves, of which this is the beginning."""

    type: Literal["location"]
    live: bool


class ContactsContent(BorderModel):
    """Contact cards."""

    type: Literal["contacts"]
    contacts: list[ContactCard]


class PollContent(BorderModel):
    """A poll; `selectable` is how many options may be chosen, 0 for any number."""

    type: Literal["poll"]
    question: str
    options: list[str]
    selectable: int


class EventContent(BorderModel):
    """An event that people are invited to."""

    type: Literal["event"]
    name: str
    description: str | None
    start: Timestamp | None
    end: Timestamp | None
    location: Place | None
    cancelled: bool


class ReactionContent(BorderModel):
    """An emoji on a message; empty takes it back. `author` (a chat id) wrote that message, None if it is our own."""

    type: Literal["reaction"]
    message_id: str
    author: str | None
    emoji: str


class PollVoteContent(BorderModel):
    """All options of a poll that somebody chooses now, by name."""

    type: Literal["poll_vote"]
    message_id: str
    options: list[str]


class EventResponseContent(BorderModel):
    """Whether somebody comes to an event."""

    type: Literal["event_response"]
    message_id: str
    response: Literal["going", "not_going", "maybe"]


class ChoiceContent(BorderModel):
    """A button or list row of a business message that somebody pressed."""

    type: Literal["choice"]
    message_id: str | None
    id: str | None
    text: str | None


class EditContent(BorderModel):
    """A message has other words now."""

    type: Literal["edit"]
    message_id: str
    text: str


class RevokeContent(BorderModel):
    """A message was deleted for everybody."""

    type: Literal["revoke"]
    message_id: str


class GroupInviteContent(BorderModel):
    """An invitation into a group."""

    type: Literal["group_invite"]
    chat: str
    subject: str | None
    code: str | None
    expires_at: Timestamp | None
    text: str | None


class AlbumContent(BorderModel):
    """The frame of an album: its pictures follow, each a message of its own."""

    type: Literal["album"]
    images: int
    videos: int


class UnsupportedContent(BorderModel):
    """A message of a kind that the engine does not translate; `kind` is WhatsApp's name of it."""

    type: Literal["unsupported"]
    kind: str


MediaContent = ImageContent | VideoContent | SoundContent | DocumentContent | StickerContent
"""What has a file in it."""

ReceivedContent = Annotated[
    TextContent
    | MediaContent
    | LocationContent
    | ContactsContent
    | PollContent
    | EventContent
    | ReactionContent
    | PollVoteContent
    | EventResponseContent
    | ChoiceContent
    | EditContent
    | RevokeContent
    | GroupInviteContent
    | AlbumContent
    | UnsupportedContent,
    Field(discriminator="type"),
]
