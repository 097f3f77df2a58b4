"""From a file that somebody sent, or named by its address, to one that WhatsApp takes: fetched, checked, made."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import puremagic

from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.guarded_fetch import Credentials, body, fetched
from whatsapp_bridge.outgoing_content import MediaFile
from whatsapp_bridge.outgoing_files import OutgoingFiles, nothing_left_of, too_large, write_file
from whatsapp_bridge.pictures import is_animated, opened_picture, sticker, thumbnail, upright_jpeg
from whatsapp_bridge.sound_and_film import film_frame, streams, to_film, to_sound, to_voice, waveform

_CHUNK = 256 * 1024
_MIB = 1024 * 1024
_LIMITS = {"image": 16 * _MIB, "video": 64 * _MIB, "audio": 16 * _MIB, "voice": 16 * _MIB, "sticker": 16 * _MIB}
"""What WhatsApp takes of each type, where that is less than of documents (2 GiB)."""

_UNKNOWN_TYPE = "application/octet-stream"
_LOOSE_TYPES = frozenset(
    {_UNKNOWN_TYPE, "text/plain", "application/zip", "application/x-ole-storage", "application/xml"}
)
"""What a content looks like that may rightly be called something else (a .docx is a ZIP)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file comes from: one of `url`, `data` (base64) and `upload`. Name and type are what the caller says of it."""

    url: str | None = None
    credentials: Credentials | None = None
    data: str | None = None
    upload: BinaryIO | None = None
    file_name: str | None = None
    mimetype: str | None = None


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A file that is ready to be sent, and the SHA-256 of what came in."""

    media: MediaFile
    file_name: str
    digest: str
    animated: bool = False


class MediaIntake:
    """Takes files in. What is not taken leaves nothing behind."""

    def __init__(self, files: OutgoingFiles, limit: int, allowed_addresses: Sequence[str]) -> None:
        """`limit` is in bytes and holds for every type."""
        self._files = files
        self._limit = limit
        self._allowed = allowed_addresses

    async def take(self, kind: str, source: Source, *, gif: bool = False) -> TakenIn:
        """Takes a file in as `image`, `video`, `audio`, `voice`, `document` or `sticker`.

        Raises:
            BridgeError: `media_…` and `storage_full`, as docs/api.md lists them.
        """
        limit = min(self._limit, _LIMITS.get(kind, self._limit))
        path = self._files.new()
        with nothing_left_of(path):
            name, told_type = await self._write(source, path, limit)
            digest = await asyncio.to_thread(_digest, path)
            found = await asyncio.to_thread(_type_of, path, name)
            _check_type(found, told_type)
            match kind:
                case "image":
                    taken = await self._image(path, name, digest)
                case "sticker":
                    taken = await self._sticker(path, name, digest)
                case "video":
                    taken = await self._video(path, name, digest, gif=gif)
                case "audio":
                    taken = await self._audio(path, name, digest)
                case "voice":
                    taken = await self._voice(path, name, digest)
                case _:
                    declared = told_type if found in _LOOSE_TYPES and told_type else found
                    media = MediaFile(path=str(path), mimetype=declared, size=path.stat().st_size)
                    taken = TakenIn(media, name, digest)
        if taken.media.path != str(path):
            path.unlink(missing_ok=True)
        return taken

    async def _write(self, source: Source, path: Path, limit: int) -> tuple[str, str | None]:
        """Writes the file; returns its name and the type that it is said to be of."""
        if source.url is not None:
            async with fetched(source.url, self._allowed, source.credentials) as response:
                if (response.content_length or 0) > limit:
                    raise too_large(limit)
                await write_file(path, body(response), limit)
                told = response.content_type if "Content-Type" in response.headers else None
                name = source.file_name or Path(unquote(urlsplit(str(response.url)).path)).name
            return name or "file", source.mimetype or (None if told == _UNKNOWN_TYPE else told)
        if source.data is not None:
            await write_file(path, _decoded(source.data), limit)
        elif source.upload is not None:
            await write_file(path, _read(source.upload), limit)
        else:
            raise BridgeError(
                ErrorCode.VALIDATION_ERROR, "media: url or data is missing, or the part `file` of a multipart body."
            )
        return source.file_name or "file", source.mimetype

    async def _image(self, path: Path, name: str, digest: str) -> TakenIn:
        image = await asyncio.to_thread(opened_picture, path)
        with image:
            if is_animated(image):
                raise _not_allowed("A moving picture is sent as `video` with `gif`, or as `sticker`.")
            small, width, height = await asyncio.to_thread(thumbnail, image)
            sent = path
            if image.format != "JPEG":
                sent = self._files.new()
                with nothing_left_of(sent):
                    await asyncio.to_thread(upright_jpeg, image, sent)
        media = MediaFile(
            path=str(sent),
            mimetype="image/jpeg",
            size=sent.stat().st_size,
            width=width,
            height=height,
            thumbnail=small,
        )
        return TakenIn(media, name, digest)

    async def _sticker(self, path: Path, name: str, digest: str) -> TakenIn:
        image = await asyncio.to_thread(opened_picture, path)
        target = self._files.new()
        with image, nothing_left_of(target):
            moves = await asyncio.to_thread(sticker, image, target)
        media = MediaFile(path=str(target), mimetype="image/webp", size=target.stat().st_size, width=512, height=512)
        return TakenIn(media, name, digest, animated=moves)

    async def _video(self, path: Path, name: str, digest: str, *, gif: bool) -> TakenIn:
        found = await streams(path)
        if found.video is None:
            raise _not_allowed("This is no film. Send it as `audio` or `document`.")
        sent = path
        if not found.plays_as_film or (gif and found.audio is not None):
            sent = self._files.new()
            await to_film(path, sent, silent=gif)
        with nothing_left_of(sent):
            if sent != path:
                found = await streams(sent)
            frame = self._files.new()
            try:
                await film_frame(sent, frame, found.seconds)
                small, _, _ = await asyncio.to_thread(lambda: thumbnail(opened_picture(frame)))
            finally:
                frame.unlink(missing_ok=True)
        media = MediaFile(
            path=str(sent),
            mimetype="video/mp4",
            size=sent.stat().st_size,
            width=found.width,
            height=found.height,
            seconds=found.seconds,
            thumbnail=small,
        )
        return TakenIn(media, name, digest)

    async def _audio(self, path: Path, name: str, digest: str) -> TakenIn:
        found = await streams(path)
        if found.audio is None:
            raise _not_allowed("This is no sound. Send it as `video` or `document`.")
        sent, mimetype = path, found.sound_type
        if mimetype is None:
            sent, mimetype = self._files.new(), "audio/mp4"
            await to_sound(path, sent)
        media = MediaFile(path=str(sent), mimetype=mimetype, size=sent.stat().st_size, seconds=found.seconds)
        return TakenIn(media, name, digest)

    async def _voice(self, path: Path, name: str, digest: str) -> TakenIn:
        if (await streams(path)).audio is None:
            raise _not_allowed("This is no sound.")
        target = self._files.new()
        with nothing_left_of(target):
            await to_voice(path, target)
            bars, seconds = await waveform(target)
        media = MediaFile(
            path=str(target),
            mimetype="audio/ogg; codecs=opus",
            size=target.stat().st_size,
            seconds=seconds,
            waveform=bars,
        )
        return TakenIn(media, name, digest)


async def _decoded(data: str) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _CHUNK):
        try:
            yield base64.b64decode(data[start : start + _CHUNK], validate=True)
        except binascii.Error, ValueError:
            raise BridgeError(ErrorCode.VALIDATION_ERROR, "media.data: not base64") from None


async def _read(upload: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(upload.read, _CHUNK):
        yield chunk


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _type_of(path: Path, name: str) -> str:
    """Returns the MIME type that the content looks like; the name decides only among those that it may be."""
    try:
        found = puremagic.from_file(path, mime=True)
    except puremagic.PureError, ValueError, OSError:
        found = ""
    if found and found not in _LOOSE_TYPES:
        return found
    suffix = Path(name).suffix.lower()
    by_name = next((kind for ending, kind in _OFFICE_TYPES.items() if ending == suffix), None)
    return by_name or found or _UNKNOWN_TYPE


_OFFICE_TYPES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".json": "application/json",
    ".ics": "text/calendar",
    ".vcf": "text/vcard",
}


def _check_type(found: str, told: str | None) -> None:
    """Checks what a file is said to be against what it is, as far as that can be told apart: by family."""
    if told is None or found in _LOOSE_TYPES or told in _LOOSE_TYPES:
        return
    families = {_family(found), _family(told)}
    if len(families) > 1 and not families <= {"audio", "video"}:
        raise BridgeError(ErrorCode.MEDIA_TYPE_MISMATCH, f"The file is said to be {told}, and is {found}.")


def _family(mimetype: str) -> str:
    family = mimetype.partition("/")[0]
    return family if family in {"image", "audio", "video"} else mimetype if mimetype == "application/pdf" else "other"


def _not_allowed(detail: str) -> BridgeError:
    return BridgeError(ErrorCode.MEDIA_TYPE_NOT_ALLOWED, detail)
