"""What the engine is asked to send: the contents of docs/engine-protocol.md, "What can be sent", as models."""

from typing import Literal

from pydantic import ConfigDict

from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.timestamps import Timestamp


class Outgoing(BorderModel):
    """A content. What is not known is left out."""

    model_config = ConfigDict(extra="forbid")


class LinkPreview(Outgoing):
    """What is shown below a text for the first link in it."""

    url: str
    title: str | None = None
    description: str | None = None
    thumbnail: str | None = None


class MediaFile(Outgoing):
    """A file for the engine. `waveform` (64 bytes) and `thumbnail` (JPEG) are in base64."""

    path: str
    mimetype: str
    size: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    waveform: str | None = None
    thumbnail: str | None = None


class OutgoingText(Outgoing):
    """A text."""

    type: Literal["text"] = "text"
    text: str
    link_preview: LinkPreview | None = None


class OutgoingImage(Outgoing):
    """A picture (JPEG)."""

    type: Literal["image"] = "image"
    media: MediaFile
    caption: str | None = None
    view_once: bool = False
    album: str | None = None


class OutgoingVideo(Outgoing):
    """A film (MP4). As a GIF it plays by itself, silently."""

    type: Literal["video"] = "video"
    media: MediaFile
    caption: str | None = None
    view_once: bool = False
    gif: bool = False
    album: str | None = None


class OutgoingAudio(Outgoing):
    """A sound."""

    type: Literal["audio"] = "audio"
    media: MediaFile


class OutgoingVoice(Outgoing):
    """A voice note (Ogg with Opus)."""

    type: Literal["voice"] = "voice"
    media: MediaFile
    view_once: bool = False


class OutgoingDocument(Outgoing):
    """A file of any kind."""

    type: Literal["document"] = "document"
    media: MediaFile
    file_name: str
    caption: str | None = None


class OutgoingSticker(Outgoing):
    """A sticker (WebP)."""

    type: Literal["sticker"] = "sticker"
    media: MediaFile
    animated: bool = False


class Place(Outgoing):
    """A place on earth, in degrees."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class OutgoingLocation(Place):
    """A place."""

    type: Literal["location"] = "location"


class ContactCard(Outgoing):
    """Somebody's numbers (E.164)."""

    name: str
    phones: list[str]
    organization: str | None = None
    email: str | None = None


class OutgoingContacts(Outgoing):
    """Contact cards."""

    type: Literal["contacts"] = "contacts"
    contacts: list[ContactCard]


class OutgoingPoll(Outgoing):
    """A poll; `selectable` 0 is any number of options."""

    type: Literal["poll"] = "poll"
    question: str
    options: list[str]
    selectable: int


class OutgoingEvent(Outgoing):
    """An event that people can say they come to."""

    type: Literal["event"] = "event"
    name: str
    description: str | None = None
    start: Timestamp
    end: Timestamp | None = None
    location: Place | None = None
    cancelled: bool = False


class OutgoingReaction(Outgoing):
    """A reaction to a message of `author` (None: ours); an empty emoji takes it back."""

    type: Literal["reaction"] = "reaction"
    message_id: str
    author: str | None = None
    emoji: str


class OutgoingEdit(Outgoing):
    """Another text or caption for a message of ours."""

    type: Literal["edit"] = "edit"
    message_id: str
    text: str


class OutgoingRevoke(Outgoing):
    """Takes a message of `author` (None: ours) back, for everybody."""

    type: Literal["revoke"] = "revoke"
    message_id: str
    author: str | None = None


class OutgoingForward(Outgoing):
    """Sends a message again that the engine has kept."""

    type: Literal["forward"] = "forward"
    message_id: str


class OutgoingAlbum(Outgoing):
    """The frame of an album."""

    type: Literal["album"] = "album"
    images: int
    videos: int


OutgoingContent = (
    OutgoingText
    | OutgoingImage
    | OutgoingVideo
    | OutgoingAudio
    | OutgoingVoice
    | OutgoingDocument
    | OutgoingSticker
    | OutgoingLocation
    | OutgoingContacts
    | OutgoingPoll
    | OutgoingEvent
    | OutgoingReaction
    | OutgoingEdit
    | OutgoingRevoke
    | OutgoingForward
    | OutgoingAlbum
)
