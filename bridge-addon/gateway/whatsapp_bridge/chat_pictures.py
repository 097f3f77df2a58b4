"""Pictures of people and groups: asked of WhatsApp once a day, since it limits who asks much."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
import hashlib
from itertools import product
from pathlib import Path

from whatsapp_bridge.engine import Engine
from whatsapp_bridge.engine_question import ask
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.private_files import make_private_folder
from whatsapp_bridge.timestamps import now

KEPT_FOR = timedelta(days=1)
_ABSENT_FOR = timedelta(hours=1)
_REMEMBERED = 1_000
_KEPT = 2_000
_LIMIT = 60.0
_PARTIAL = "part"


class ChatPictures:
    """A folder of pictures, named by account, chat and size."""

    def __init__(self, folder: Path, engine: Engine, clock: Callable[[], datetime] = now) -> None:
        """Makes the folder.

        Raises:
            OSError: it cannot be made.
        """
        make_private_folder(folder)
        self._folder = folder
        self._engine = engine
        self._clock = clock
        self._absent: OrderedDict[Path, datetime] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def get(self, account: str, chat: str, *, preview: bool) -> Path:
        """Returns where a picture (JPEG) lies. One older than a day is asked for again; where there is no connection it still counts.

        Raises:
            BridgeError: `picture_not_available`, `recipient_not_on_whatsapp`, `media_download_failed`, `not_connected`,
                `engine_unavailable`.
        """
        path = self._path(account, chat, preview=preview)
        async with self._one_at_a_time:
            age = await asyncio.to_thread(self._age, path)
            if age is not None and age < KEPT_FOR:
                return path
            absent_since = self._absent.get(path)
            if absent_since is not None and self._clock() - absent_since < _ABSENT_FOR:
                raise _not_available()
            try:
                await self._fetch(account, chat, path, preview=preview)
            except BridgeError as error:
                if error.code is ErrorCode.PICTURE_NOT_AVAILABLE:
                    await asyncio.to_thread(self._gone, path)
                elif error.code is ErrorCode.NOT_CONNECTED and age is not None:
                    return path
                raise
        return path

    def changed(self, account: str, *chats: str) -> None:
        """Forgets what is kept of a chat, under each of its ids: its picture is another one."""
        for chat, preview in product(chats, (True, False)):
            path = self._path(account, chat, preview=preview)
            self._absent.pop(path, None)
            path.unlink(missing_ok=True)

    def forget(self, account: str) -> None:
        """Deletes an account's pictures."""
        for file in self._folder.glob(f"{account}.*"):
            file.unlink(missing_ok=True)

    def _path(self, account: str, chat: str, *, preview: bool) -> Path:
        name = hashlib.sha256(chat.encode()).hexdigest()[:32]
        return self._folder / f"{account}.{name}.{'preview' if preview else 'full'}"

    def _age(self, path: Path) -> timedelta | None:
        try:
            return timedelta(seconds=self._clock().timestamp() - path.stat().st_mtime)
        except FileNotFoundError:
            return None

    async def _fetch(self, account: str, chat: str, path: Path, *, preview: bool) -> None:
        partial = path.with_suffix(f".{_PARTIAL}")
        partial.unlink(missing_ok=True)
        order = {"account": account, "chat": chat, "path": str(partial.resolve()), "preview": preview}
        await ask(self._engine, "picture.download", order, _LIMIT)
        await asyncio.to_thread(self._take_in, partial, path)

    def _take_in(self, partial: Path, path: Path) -> None:
        """Puts a picture into its place; beyond so many the oldest go."""
        partial.rename(path)
        self._absent.pop(path, None)
        files = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime)
        for file in files[:-_KEPT]:
            file.unlink(missing_ok=True)

    def _gone(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._absent[path] = self._clock()
        while len(self._absent) > _REMEMBERED:
            self._absent.popitem(last=False)


def _not_available() -> BridgeError:
    return BridgeError(ErrorCode.PICTURE_NOT_AVAILABLE, "There is no picture, or this account may not see it.")
