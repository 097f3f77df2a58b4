"""From the body of a request to what the outbox takes: numbers and texts checked, files taken in.

What takes files in, fetches and reads Markdown is loaded when it is first needed: its libraries (aiohttp, Pillow and others) are a fifth of
the gateway's memory, and texts never need them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pydantic import JsonValue

from whatsapp_bridge.api.message_bodies import (
    AlbumBody,
    AudioBody,
    ButtonsBody,
    ContactBody,
    DocumentBody,
    EditBody,
    EventBody,
    ForwardBody,
    ImageItem,
    LocationBody,
    LocationPart,
    MediaSource,
    MessageBody,
    PollBody,
    ReactionBody,
    RevokeBody,
    StickerBody,
    TextBody,
    ToSomebody,
    VideoItem,
    VoiceBody,
)
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.message import check_text
from whatsapp_bridge.message_store import Request
from whatsapp_bridge.outgoing_content import (
    ContactCard,
    OutgoingAlbum,
    OutgoingAudio,
    OutgoingContacts,
    OutgoingContent,
    OutgoingDocument,
    OutgoingEdit,
    OutgoingEvent,
    OutgoingForward,
    OutgoingImage,
    OutgoingLocation,
    OutgoingPoll,
    OutgoingReaction,
    OutgoingRevoke,
    OutgoingSticker,
    OutgoingText,
    OutgoingVideo,
    OutgoingVoice,
    Place,
)
from whatsapp_bridge.outgoing_files import OutgoingFiles
from whatsapp_bridge.phone_numbers import parse_phone_number, parse_recipient
from whatsapp_bridge.plain_text import without_html
from whatsapp_bridge.settings import Settings

if TYPE_CHECKING:
    from whatsapp_bridge.media_intake import Source, TakenIn


@dataclass(frozen=True, slots=True)
class Upload:
    """The file of a multipart body."""

    file: BinaryIO
    name: str | None
    mimetype: str | None


@dataclass(frozen=True, slots=True)
class Composed:
    """A message for the outbox. `identity` tells it from another one, also where its files have new names."""

    request: Request
    identity: JsonValue
    files: tuple[str, ...] = ()


class Composer:
    """Composes messages by the settings."""

    def __init__(self, settings: Settings, files: OutgoingFiles) -> None:
        self._settings = settings
        self._files = files

    def recipient(self, text: str) -> str:
        """Returns the chat id that a number or chat id means.

        Raises:
            BridgeError: `invalid_phone_number`.
        """
        return parse_recipient(text, self._settings.country)

    async def compose(self, body: MessageBody, upload: Upload | None) -> Composed:
        """Composes any message but an album.

        Raises:
            BridgeError: the body asks for what cannot be sent.
        """
        if isinstance(body, ButtonsBody):
            raise BridgeError(
                ErrorCode.NOT_POSSIBLE_HERE, f"A linked device cannot send {body.type}. A poll does what it did."
            )
        beside = self._beside(body)
        taken = None
        if isinstance(body, ImageItem | VideoItem | AudioBody | VoiceBody | DocumentBody | StickerBody):
            self._check_words(getattr(body, "caption", None) or "", beside, empty=True)
            taken = await self._take(body, upload)
            content = _with_file(body, taken)
        else:
            if upload is not None:
                raise BridgeError(ErrorCode.VALIDATION_ERROR, f"file: a message of type {body.type} has none")
            content = await self._without_file(body, beside)
        return _composed(content, beside, taken)

    async def album(self, body: AlbumBody) -> tuple[Composed, list[Composed]]:
        """Composes the frame of an album and its parts, which still are to be given the message id of the frame.

        Raises:
            BridgeError: the body asks for what cannot be sent; no file of it is left behind.
        """
        beside = self._beside(body)
        parts: list[Composed] = []
        try:
            for item in body.items:
                self._check_words(item.caption or "", {}, empty=True)
                taken = await self._take(item, None)
                parts.append(_composed(_with_file(item, taken), {}, taken))
        except BaseException:
            for part in parts:
                self._files.release(part.files)
            raise
        films = sum(isinstance(item, VideoItem) for item in body.items)
        return _composed(OutgoingAlbum(images=len(body.items) - films, videos=films), beside, None), parts

    async def _take(
        self, body: ImageItem | VideoItem | AudioBody | VoiceBody | DocumentBody | StickerBody, upload: Upload | None
    ) -> TakenIn:
        from whatsapp_bridge.media_intake import MediaIntake  # noqa: PLC0415 - loaded late

        source = _source(body.media, upload)
        if isinstance(body, DocumentBody) and body.file_name is not None:
            source = replace(source, file_name=body.file_name)
        intake = MediaIntake(self._files, self._settings.max_file_size, self._settings.allowed_addresses)
        return await intake.take(body.type, source, gif=isinstance(body, VideoItem) and body.gif)

    async def _without_file(self, body: ToSomebody, beside: Request) -> OutgoingContent:
        match body:
            case TextBody():
                return await self._text(body, beside)
            case LocationBody():
                return OutgoingLocation(**_place(body).model_dump())
            case ContactBody():
                return OutgoingContacts(
                    contacts=[
                        ContactCard(
                            name=card.name,
                            phones=[parse_phone_number(phone, self._settings.country) for phone in card.phones],
                            organization=card.organization,
                            email=card.email,
                        )
                        for card in body.contacts
                    ]
                )
            case PollBody():
                return OutgoingPoll(question=body.question, options=body.options, selectable=body.selectable)
            case EventBody():
                place = _place(body.location) if body.location is not None else None
                return OutgoingEvent(
                    name=body.name, description=body.description, start=body.start, end=body.end, location=place
                )
            case _:
                return self._about_a_message(body, beside)

    def _about_a_message(self, body: ToSomebody, beside: Request) -> OutgoingContent:
        match body:
            case ReactionBody():
                author = self._author(body.author)
                return OutgoingReaction(message_id=body.message_id, author=author, emoji=body.emoji)
            case EditBody():
                self._check_words(body.text, beside)
                return OutgoingEdit(message_id=body.message_id, text=body.text)
            case RevokeBody():
                return OutgoingRevoke(message_id=body.message_id, author=self._author(body.author))
            case ForwardBody():
                return OutgoingForward(message_id=body.message_id)
            case _:
                raise TypeError(type(body).__name__)

    async def _text(self, body: TextBody, beside: Request) -> OutgoingText:
        text = without_html(body.text) if self._settings.strip_html else body.text
        if body.markdown:
            from whatsapp_bridge.markdown import to_whatsapp  # noqa: PLC0415 - loaded late

            text = to_whatsapp(text)
        self._check_words(text, beside)
        preview = None
        if body.link_preview:
            from whatsapp_bridge.link_preview import link_preview  # noqa: PLC0415 - loaded late

            preview = await link_preview(text, self._settings.allowed_addresses, self._files)
        return OutgoingText(text=text, link_preview=preview)

    def _beside(self, body: ToSomebody) -> Request:
        """Returns what stands beside the content."""
        if (body.to == "status") != bool(body.audience):
            raise BridgeError(ErrorCode.VALIDATION_ERROR, "audience: a status post has one, and nothing else has")
        beside: Request = {}
        if body.quote is not None:
            author = self._author(body.quote.author)
            beside["quote"] = {"message_id": body.quote.message_id, "author": author, "text": body.quote.text}
        if body.mentions:
            beside["mentions"] = [self.recipient(mention) for mention in body.mentions]
        if body.forwarded:
            beside["forwarded"] = True
        if body.audience:
            beside["audience"] = [self.recipient(person) for person in body.audience]
        return beside

    def _author(self, author: str | None) -> str | None:
        return None if author is None else self.recipient(author)

    def _check_words(self, text: str, beside: Request, *, empty: bool = False) -> None:
        if text or not empty:
            check_text(text, self._settings.max_message_length)
        mentions = beside.get("mentions", [])
        for mention in mentions if isinstance(mentions, list) else []:
            if f"@{mention}" not in text:
                raise BridgeError(ErrorCode.VALIDATION_ERROR, "mentions: each stands in the text, as @ and the number")


def _source(media: MediaSource, upload: Upload | None) -> Source:
    from whatsapp_bridge.guarded_fetch import Credentials  # noqa: PLC0415 - loaded late
    from whatsapp_bridge.media_intake import Source  # noqa: PLC0415 - loaded late

    if upload is not None:
        if media.url is not None or media.data is not None:
            raise BridgeError(ErrorCode.VALIDATION_ERROR, "media: url, data and the part `file` exclude each other")
        return Source(
            upload=upload.file,
            file_name=media.file_name or upload.name,
            mimetype=media.mimetype or upload.mimetype,
        )
    credentials = None
    if media.username is not None or media.token is not None:
        credentials = Credentials(
            username=media.username,
            password=media.password.get_secret_value() if media.password is not None else "",
            token=media.token.get_secret_value() if media.token is not None else None,
        )
    return Source(
        url=media.url,
        credentials=credentials,
        data=media.data,
        file_name=media.file_name,
        mimetype=media.mimetype,
    )


def _with_file(
    body: ImageItem | VideoItem | AudioBody | VoiceBody | DocumentBody | StickerBody, taken: TakenIn
) -> OutgoingContent:
    media = taken.media
    match body:
        case ImageItem():
            return OutgoingImage(media=media, caption=body.caption, view_once=body.view_once)
        case VideoItem():
            return OutgoingVideo(media=media, caption=body.caption, view_once=body.view_once, gif=body.gif)
        case AudioBody():
            return OutgoingAudio(media=media)
        case VoiceBody():
            return OutgoingVoice(media=media, view_once=body.view_once)
        case DocumentBody():
            return OutgoingDocument(media=media, file_name=taken.file_name, caption=body.caption)
        case StickerBody():
            return OutgoingSticker(media=media, animated=taken.animated)


def _composed(content: OutgoingContent, beside: Request, taken: TakenIn | None) -> Composed:
    spelled = content.model_dump(mode="json", exclude_none=True)
    request: Request = {"content": spelled, **beside}
    if taken is None:
        return Composed(request, request)
    identity: Request = {"content": spelled | {"media": taken.digest}, **beside}
    return Composed(request, identity, (Path(taken.media.path).name,))


def _place(part: LocationPart) -> Place:
    return Place(latitude=part.latitude, longitude=part.longitude, name=part.name, address=part.address)


def release(files: OutgoingFiles, composed: Sequence[Composed]) -> None:
    """Deletes the files of messages that were not accepted."""
    for one in composed:
        files.release(one.files)
