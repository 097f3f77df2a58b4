"""Remembers which files recipients have sent, so that they can be found again; the files themselves are at the gateway."""

from base64 import b64decode
import binascii
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .api.fields import fields, number, optional, text
from .api.models import IncomingMessage
from .const import DOMAIN

VERSION: Final = 1
SAVE_DELAY: Final = 10.0
KEPT: Final = 500
"""Files of an account."""
LONGEST: Final = timedelta(days=30)
"""The gateway gives a received file no longer than that."""
LARGEST_THUMBNAIL: Final = 20_000


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that a recipient has sent. `kind` is that of its message, `thumbnail` a JPEG in base64; `sent_at` RFC 3339."""

    message_id: str
    chat: str
    kind: str
    mimetype: str
    size: int
    name: str | None
    sender: str | None
    sent_at: str
    thumbnail: str | None

    @classmethod
    def of(cls, message: IncomingMessage) -> Self | None:
        """Returns the file of a message, None if it has none."""
        if (media := message.content.get("media")) is None:
            return None
        file = fields(media)
        thumbnail = optional(text, file, "thumbnail")
        return cls(
            message_id=message.message_id,
            chat=message.chat_id,
            kind=message.content_type,
            mimetype=text(file, "mimetype"),
            size=optional(number, file, "size") or 0,
            name=optional(text, message.content, "file_name"),
            sender=message.sender_name,
            sent_at=message.timestamp.isoformat(),
            thumbnail=thumbnail if thumbnail and len(thumbnail) <= LARGEST_THUMBNAIL else None,
        )

    @property
    def picture(self) -> bytes | None:
        """The thumbnail."""
        try:
            return None if self.thumbnail is None else b64decode(self.thumbnail, validate=True)
        except binascii.Error:
            return None


class ReceivedFiles:
    """The files of one account, over restarts."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        self._store = Store[list[dict[str, Any]]](hass, VERSION, f"{DOMAIN}.{entry_id}.files", private=True)
        self._files: dict[str, ReceivedFile] = {}
        self._unwritten = False

    async def load(self) -> None:
        """Reads what was remembered before."""
        self._files = {file["message_id"]: ReceivedFile(**file) for file in await self._store.async_load() or ()}

    def find(self, message_id: str) -> ReceivedFile | None:
        """Returns a file, None if it is not remembered."""
        return self._files.get(message_id)

    def of_chat(self, chat: str) -> Iterator[ReceivedFile]:
        """Returns a recipient's files, the newest first."""
        oldest = dt_util.utcnow() - LONGEST
        for file in reversed(self._files.values()):
            if file.chat == chat and datetime.fromisoformat(file.sent_at) > oldest:
                yield file

    @callback
    def add(self, file: ReceivedFile) -> None:
        """Remembers a file, and forgets the oldest where there are too many."""
        self._files.pop(file.message_id, None)
        self._files[file.message_id] = file
        while len(self._files) > KEPT:
            del self._files[next(iter(self._files))]
        self._save()

    @callback
    def remove(self, message_id: str) -> None:
        """Forgets a file: its message was taken back."""
        if self._files.pop(message_id, None) is not None:
            self._save()

    async def flush(self) -> None:
        """Writes it down now, if there is something new."""
        if self._unwritten:
            await self._store.async_save(self._stored())

    async def erase(self) -> None:
        """Forgets all: the entry is removed."""
        self._files.clear()
        await self._store.async_remove()

    def _save(self) -> None:
        self._unwritten = True
        self._store.async_delay_save(self._stored, SAVE_DELAY)

    def _stored(self) -> list[dict[str, Any]]:
        self._unwritten = False
        return [asdict(file) for file in self._files.values()]
