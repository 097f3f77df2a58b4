"""The files of received messages: fetched once when they are wanted, kept until they are too old or the folder is too full."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
import hashlib
from pathlib import Path
import sqlite3
from urllib.parse import quote

from whatsapp_bridge import received_media_store
from whatsapp_bridge.database import Database
from whatsapp_bridge.engine import Engine
from whatsapp_bridge.engine_protocol import MessageReceived
from whatsapp_bridge.engine_question import ask
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.event_store import Happening
from whatsapp_bridge.log import logger
from whatsapp_bridge.private_files import make_private_folder
from whatsapp_bridge.received_content import MediaContent
from whatsapp_bridge.received_media_store import KnownFile
from whatsapp_bridge.timestamps import now

_FETCH_SECONDS = 120
_ANSWER_MARGIN = 10.0
_PARTIAL = ".part"
_AHEAD_AT_ONCE = 2
_AHEAD_LIMIT = 100


class ReceivedFiles:
    """A folder of files, named by account and message id."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        engine: Engine,
        quota: int,
        retention: timedelta,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Makes the folder. `quota` is in bytes: of all files together, and so of one.

        Raises:
            OSError: it cannot be made.
        """
        make_private_folder(folder)
        for partial in folder.glob(f"*{_PARTIAL}"):
            partial.unlink()
        self._folder = folder
        self._database = database
        self._engine = engine
        self._quota = quota
        self._retention = retention
        self._clock = clock
        self._fetching: dict[Path, asyncio.Task[None]] = {}
        self._taking_in = asyncio.Lock()
        self._ahead: set[asyncio.Task[None]] = set()
        self._few = asyncio.Semaphore(_AHEAD_AT_ONCE)

    def with_route(self, message: MessageReceived) -> MessageReceived:
        """Returns a message that says where its file is to be had."""
        content = message.content
        if not isinstance(content, MediaContent):
            return message
        media = content.media.model_copy(
            update={"url": f"/v1/accounts/{message.account}/media/{quote(message.message_id, safe='')}"}
        )
        return message.model_copy(update={"content": content.model_copy(update={"media": media})})

    def note(self, connection: sqlite3.Connection, message: MessageReceived) -> None:
        """Notes a message's file, and forgets those that nobody can have any more."""
        if isinstance(message.content, MediaContent):
            moment = self._clock().timestamp()
            received_media_store.keep(connection, message.account, message.message_id, message.content, moment)
            received_media_store.delete_older(connection, moment - self._retention.total_seconds())

    async def get(self, account: str, message_id: str) -> tuple[Path, KnownFile]:
        """Returns where the file of a message lies, fetched from WhatsApp where it is not here yet, and what it is.

        Raises:
            BridgeError: `media_not_found`, `media_gone`, `media_too_large`, `media_damaged`, `media_download_failed`,
                `not_connected`, `engine_unavailable`, `storage_unusable`.
        """
        known = await self._database.read(lambda connection: received_media_store.find(connection, account, message_id))
        if known is None:
            raise BridgeError(ErrorCode.MEDIA_NOT_FOUND, "No file of a received message is known by this id.")
        path = self._folder / _name(account, message_id)
        if not await asyncio.to_thread(path.exists):
            await self._fetched(account, message_id, path)
        return path, known

    def fetch_ahead(self, account: str, message_id: str) -> None:
        """Fetches a file before somebody asks for it. Over a bound it is left to who asks: a burst must not fill the memory."""
        if len(self._ahead) >= _AHEAD_LIMIT:
            logger().warning("file_not_fetched_ahead", account=account, waiting=len(self._ahead))
            return
        task = asyncio.create_task(self._fetch_ahead(account, message_id), name="fetching a file ahead")
        self._ahead.add(task)
        task.add_done_callback(self._ahead.discard)

    async def _fetch_ahead(self, account: str, message_id: str) -> None:
        try:
            async with self._few:
                await self.get(account, message_id)
        except BridgeError as error:
            logger().warning("file_not_fetched_ahead", account=account, message_id=message_id, error_code=error.code)

    async def _fetched(self, account: str, message_id: str, path: Path) -> None:
        """Waits for the one download that all who ask for a file share; who gives up does not end it for the others."""
        task = self._fetching.get(path)
        if task is None:
            task = self._fetching[path] = asyncio.create_task(
                self._fetch(account, message_id, path), name="fetching a file"
            )
            task.add_done_callback(lambda _: self._fetching.pop(path, None))
        await asyncio.shield(task)

    async def _fetch(self, account: str, message_id: str, path: Path) -> None:
        partial = path.with_name(path.name + _PARTIAL)
        partial.unlink(missing_ok=True)
        order = {
            "account": account,
            "message_id": message_id,
            "path": str(partial.resolve()),
            "limit": self._quota,
            "timeout": _FETCH_SECONDS,
        }
        await ask(self._engine, "media.download", order, _FETCH_SECONDS + _ANSWER_MARGIN)
        async with self._taking_in:
            await asyncio.to_thread(self._take_in, partial, path)

    def _take_in(self, partial: Path, path: Path) -> None:
        """Puts a file into its place; the oldest others make room for it."""
        partial.rename(path)
        files = [(file.stat(), file) for file in self._folder.iterdir() if file.suffix != _PARTIAL]
        total = sum(status.st_size for status, _ in files)
        oldest_allowed = self._clock().timestamp() - self._retention.total_seconds()
        for status, file in sorted(files, key=lambda one: one[0].st_mtime):
            if total <= self._quota and status.st_mtime >= oldest_allowed:
                break
            if file != path:
                total -= status.st_size
                file.unlink(missing_ok=True)

    def forget(self, connection: sqlite3.Connection, account: str) -> Sequence[Happening]:
        """Deletes an account's files."""
        received_media_store.delete_account(connection, account)
        for file in self._folder.glob(f"{account}.*"):
            file.unlink(missing_ok=True)
        return []

    async def stop(self) -> None:
        """Ends all downloads."""
        tasks = [*self._ahead, *self._fetching.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _name(account: str, message_id: str) -> str:
    """Message ids are case-sensitive and come from others' phones: none becomes a path."""
    return f"{account}.{hashlib.sha256(message_id.encode()).hexdigest()[:32]}"
