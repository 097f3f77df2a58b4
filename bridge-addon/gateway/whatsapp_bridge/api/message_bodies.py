"""The bodies of `POST …/messages`: one model for each type, told apart by `type`."""

from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    field_validator,
    model_validator,
)

from whatsapp_bridge.api.recipient import Phone, Recipient
from whatsapp_bridge.api.unicode_text import UnicodeText

MessageId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,64}$")]
Name = Annotated[UnicodeText, StringConstraints(min_length=1, max_length=1024)]
Option = Annotated[UnicodeText, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
FileName = Annotated[UnicodeText, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
MimeType = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9.+-]{1,100}$")]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class Body(BaseModel):
    """A part of a request. Errors never quote its values."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Quote(Body):
    """The message that is answered; `text` is shown where the engine does not have it any more. `author` None is ourselves."""

    message_id: MessageId
    author: Recipient | None = None
    text: UnicodeText | None = None


class MediaSource(Body):
    """Where a file comes from: `url`, `data` (base64), or neither: the part `file` of a multipart body."""

    url: Annotated[str, StringConstraints(max_length=4096)] | None = None
    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    """Bearer token for the URL."""
    data: str | None = None
    file_name: FileName | None = None
    mimetype: MimeType | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.url is not None and self.data is not None:
            raise ValueError("url and data exclude each other")
        return self


class ToSomebody(Body):
    """What all messages have."""

    to: Recipient
    quote: Quote | None = None
    mentions: Annotated[list[Recipient], Field(max_length=1024)] = []
    forwarded: bool = False
    ttl: Annotated[float, Field(ge=1, le=604_800)] | None = None
    audience: Annotated[list[Recipient], Field(max_length=1024)] = []


class TextBody(ToSomebody):
    """A text, also in Markdown."""

    type: Literal["text"]
    text: UnicodeText
    markdown: bool = False
    link_preview: bool = False


class ImageItem(Body):
    """A picture."""

    type: Literal["image"]
    media: MediaSource
    caption: UnicodeText | None = None
    view_once: bool = False


class VideoItem(Body):
    """A film."""

    type: Literal["video"]
    media: MediaSource
    caption: UnicodeText | None = None
    view_once: bool = False
    gif: bool = False


class ImageBody(ToSomebody, ImageItem):
    """A picture."""


class VideoBody(ToSomebody, VideoItem):
    """A film."""


class AudioBody(ToSomebody):
    """A sound."""

    type: Literal["audio"]
    media: MediaSource


class VoiceBody(ToSomebody):
    """A voice note, of any sound."""

    type: Literal["voice"]
    media: MediaSource
    view_once: bool = False


class DocumentBody(ToSomebody):
    """A file of any kind."""

    type: Literal["document"]
    media: MediaSource
    caption: UnicodeText | None = None
    file_name: FileName | None = None


class StickerBody(ToSomebody):
    """A sticker, of any picture."""

    type: Literal["sticker"]
    media: MediaSource


class LocationPart(Body):
    """A place, in degrees."""

    latitude: Latitude
    longitude: Longitude
    name: Name | None = None
    address: Name | None = None


class LocationBody(ToSomebody, LocationPart):
    """A place."""

    type: Literal["location"]


class ContactPart(Body):
    """Somebody's numbers."""

    name: Name
    phones: Annotated[list[Phone], Field(min_length=1, max_length=20)]
    organization: Name | None = None
    email: Annotated[UnicodeText, StringConstraints(max_length=254)] | None = None


class ContactBody(ToSomebody):
    """Contact cards."""

    type: Literal["contact"]
    contacts: Annotated[list[ContactPart], Field(min_length=1, max_length=10)]


class PollBody(ToSomebody):
    """A poll."""

    type: Literal["poll"]
    question: Annotated[UnicodeText, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
    options: Annotated[list[Option], Field(min_length=2, max_length=12)]
    selectable: Annotated[int, Field(ge=0, le=12)] = 1

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        if len(set(self.options)) < len(self.options):
            raise ValueError("the options must differ")
        if self.selectable > len(self.options):
            raise ValueError("selectable is at most the number of options")
        return self


class EventBody(ToSomebody):
    """An event."""

    type: Literal["event"]
    name: Name
    description: UnicodeText | None = None
    start: AwareDatetime
    end: AwareDatetime | None = None
    location: LocationPart | None = None

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError("it ends before it starts")
        return self


class AlbumBody(ToSomebody):
    """Several pictures and films, shown together."""

    type: Literal["album"]
    items: Annotated[
        list[Annotated[ImageItem | VideoItem, Field(discriminator="type")]], Field(min_length=2, max_length=30)
    ]

    @field_validator("items")
    @classmethod
    def _with_sources(cls, items: list[ImageItem | VideoItem]) -> list[ImageItem | VideoItem]:
        if any(item.media.url is None and item.media.data is None for item in items):
            raise ValueError("each picture has a url or data")
        return items


class ReactionBody(ToSomebody):
    """A reaction; an empty emoji takes it back."""

    type: Literal["reaction"]
    message_id: MessageId
    author: Recipient | None = None
    emoji: Annotated[UnicodeText, StringConstraints(max_length=64)]


class EditBody(ToSomebody):
    """Another text or caption for a message of ours, within 15 minutes."""

    type: Literal["edit"]
    message_id: MessageId
    text: UnicodeText


class RevokeBody(ToSomebody):
    """Takes a message back, for everybody."""

    type: Literal["revoke"]
    message_id: MessageId
    author: Recipient | None = None


class ForwardBody(ToSomebody):
    """Sends a message again that is still kept."""

    type: Literal["forward"]
    message_id: MessageId


class ButtonsBody(BaseModel):
    """What a linked device cannot send."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["buttons", "list"]
    to: Recipient


MessageBody = Annotated[
    TextBody
    | ImageBody
    | VideoBody
    | AudioBody
    | VoiceBody
    | DocumentBody
    | StickerBody
    | LocationBody
    | ContactBody
    | PollBody
    | EventBody
    | AlbumBody
    | ReactionBody
    | EditBody
    | RevokeBody
    | ForwardBody
    | ButtonsBody,
    Field(discriminator="type"),
]

message_body: TypeAdapter[MessageBody] = TypeAdapter(MessageBody)
