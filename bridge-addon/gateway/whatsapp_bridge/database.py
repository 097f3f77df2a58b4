"""The gateway's SQLite database. One thread works on it; what is written at the same time shares one commit, synced to disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
import errno
from pathlib import Path
import sqlite3
from typing import Any

from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.full_disk import has_no_room
from whatsapp_bridge.log import logger

_LOCK_SECONDS = 5.0
_OWNER_ONLY = 0o600
_CODE_OF_ERRNO = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EACCES: sqlite3.SQLITE_READONLY,
    errno.EPERM: sqlite3.SQLITE_READONLY,
    errno.EROFS: sqlite3.SQLITE_READONLY,
}

MIGRATIONS = (
    """
CREATE TABLE log (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL);
CREATE TABLE events (sequence INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, type TEXT NOT NULL,
    time TEXT NOT NULL, at REAL NOT NULL, data TEXT NOT NULL);
CREATE INDEX events_by_age ON events (at);
CREATE TABLE consumers (name TEXT PRIMARY KEY, acknowledged INTEGER NOT NULL, seen_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE deliveries (account TEXT PRIMARY KEY, newest INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE messages (position INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, message_id TEXT NOT NULL,
    recipient TEXT NOT NULL, chat TEXT NOT NULL, status TEXT NOT NULL, timestamp TEXT NOT NULL, error_code TEXT,
    whatsapp_code INTEGER, request TEXT, files TEXT NOT NULL DEFAULT '[]', key TEXT, fingerprint BLOB NOT NULL,
    accepted_at REAL NOT NULL, expires_at REAL NOT NULL, tried INTEGER NOT NULL DEFAULT 0, settled_at REAL,
    UNIQUE (account, message_id));
CREATE UNIQUE INDEX messages_by_key ON messages (account, key) WHERE key IS NOT NULL;
CREATE INDEX messages_unsettled ON messages (position) WHERE settled_at IS NULL;
CREATE INDEX messages_settled ON messages (settled_at) WHERE settled_at IS NOT NULL;
CREATE TABLE chats (account TEXT NOT NULL, chat TEXT NOT NULL, PRIMARY KEY (account, chat)) WITHOUT ROWID;
""",
    """
CREATE TABLE received_media (account TEXT NOT NULL, message_id TEXT NOT NULL, mimetype TEXT NOT NULL, size INTEGER NOT NULL,
    file_name TEXT, at REAL NOT NULL, PRIMARY KEY (account, message_id)) WITHOUT ROWID;
CREATE INDEX received_media_by_age ON received_media (at);
""",
    """
CREATE TABLE known_chats (account TEXT NOT NULL, chat TEXT NOT NULL, name TEXT, last_message_at REAL,
    PRIMARY KEY (account, chat)) WITHOUT ROWID;
""",
    "ALTER TABLE received_media DROP COLUMN size",
)
"""What each version adds to the one before; the first makes the tables. Steps are added, never changed."""

SCHEMA_VERSION = len(MIGRATIONS)

type Work[Result] = Callable[[sqlite3.Connection], Result]


class DatabaseError(Exception):
    """The database cannot be opened; the message names the file and says what to do. Nothing was changed."""


def storage_error(error: sqlite3.Error, path: Path) -> BridgeError:
    """Says what an error of SQLite means for a caller."""
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL" or (_primary_code(error) == sqlite3.SQLITE_IOERR and has_no_room(path)):
        return BridgeError(ErrorCode.STORAGE_FULL, "The disk is full: nothing was accepted.")
    return BridgeError(ErrorCode.STORAGE_UNUSABLE, f"The gateway's database cannot be used ({name or 'unknown'}).")


class Database:
    """`gateway.db` in the data folder, locked for as long as it is open: two gateways never share a folder."""

    def __init__(self, path: Path) -> None:
        """Opens it, or makes it.

        Raises:
            DatabaseError: another gateway has it open, it is damaged or newer, or the folder cannot be written.
        """
        self.fault: ErrorCode | None = None
        """Why the last write failed; None where it did not. What is damaged stays so until the next start."""
        self._damaged = False
        self._path = path
        self._connection = _open(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._pending: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._idle = asyncio.Event()
        self._idle.set()

    def now[Result](self, work: Work[Result]) -> Result:
        """Reads or writes at once, in this thread: for the start, before anything else works on it.

        Raises:
            DatabaseError: it is damaged.
        """
        try:
            with self._connection:
                return work(self._connection)
        except sqlite3.Error as error:
            raise DatabaseError(_cannot_use(self._path, error)) from error

    async def write[Result](self, work: Work[Result]) -> Result:
        """Runs `work` in a transaction and returns its result once that is on the disk.

        Works are run in the order of the calls. One that raises is undone, and the others that share its commit are not.

        Raises:
            BridgeError: `storage_full`, `storage_unusable`, and nothing was written; or whatever `work` raises.
        """
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Result] = loop.create_future()
        self._pending.append((work, outcome))
        if self._idle.is_set():
            self._write_pending(loop)
        return await outcome

    async def read[Result](self, work: Work[Result]) -> Result:
        """Runs `work`, which reads alone, and returns its result.

        Raises:
            BridgeError: `storage_unusable`.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)
        except sqlite3.Error as error:
            raise self._failed(error, writing=False) from error

    def _failed(self, error: sqlite3.Error, *, writing: bool) -> BridgeError:
        """Takes over what an error says of the database, and returns what it means for a caller."""
        logger().error("database_failed", error=getattr(error, "sqlite_errorname", type(error).__name__))
        fault = storage_error(error, self._path)
        self._damaged = self._damaged or _primary_code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
        if writing or self._damaged:
            self.fault = fault.code
        return fault

    async def close(self) -> None:
        """Waits for what is being written and closes the file."""
        await self._idle.wait()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    def _write_pending(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins to write at once, with no task that would have its turn later: each commit is on the way of a message."""
        if not self._pending:
            self._idle.set()
            return
        self._idle.clear()
        batch, self._pending = self._pending, []
        committing = self._thread.submit(self._commit, [work for work, _ in batch])
        committing.add_done_callback(lambda done: loop.call_soon_threadsafe(self._written, loop, batch, done.result()))

    def _written(
        self, loop: asyncio.AbstractEventLoop, batch: list[tuple[Work[Any], asyncio.Future[Any]]], results: list[Any]
    ) -> None:
        for (_, outcome), result in zip(batch, results, strict=True):
            if outcome.cancelled():
                continue
            if isinstance(result, Exception):
                outcome.set_exception(result)
            else:
                outcome.set_result(result)
        self._write_pending(loop)

    def _commit(self, works: list[Work[Any]]) -> list[Any]:
        """Returns the results, and in place of a result the exception that it ended with."""
        connection = self._connection
        results: list[Any] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            results.extend([_undone_if_it_fails(connection, work) for work in works])
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return [self._failed(error, writing=True)] * len(works)
        if not self._damaged:
            self.fault = None
        return results


def _undone_if_it_fails(connection: sqlite3.Connection, work: Work[Any]) -> Any:  # noqa: ANN401 - any work's result
    connection.execute("SAVEPOINT work")
    try:
        result = work(connection)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - it is handed to the caller
        connection.execute("ROLLBACK TO work")
        result = error
    connection.execute("RELEASE work")
    return result


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.touch(_OWNER_ONLY)
        path.chmod(_OWNER_ONLY)
        connection = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False)
        connection.executescript(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
        )
        _migrate(connection, path)
        if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)
    except (sqlite3.Error, OSError) as error:
        raise DatabaseError(_cannot_use(path, error)) from error
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise DatabaseError(f"{path} was written by a newer gateway (version {version}): update this one.")
    for migration in MIGRATIONS[version:]:
        for statement in migration.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _cannot_use(path: Path, error: sqlite3.Error | OSError) -> str:
    match _primary_code(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"Another gateway uses {path}: stop it first."
        case sqlite3.SQLITE_FULL:
            return f"The disk of {path} is full."
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN:
            return (
                f"{path} cannot be written: look at the permissions of its folder, and whether its disk is read-only."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return (
                f"{path} is damaged. Restore it from a backup, or move it away to begin with an empty queue and event log; "
                "the link to the phone is kept elsewhere and not lost."
            )
        case _:
            return f"{path} cannot be used ({getattr(error, 'sqlite_errorname', type(error).__name__)})."


def _primary_code(error: sqlite3.Error | OSError) -> int:
    """The kind of a fault as SQLite numbers it, without its finer (extended) distinctions."""
    if isinstance(error, OSError):
        return _CODE_OF_ERRNO.get(error.errno or 0, sqlite3.SQLITE_IOERR)
    if type(error) is sqlite3.DatabaseError and not hasattr(error, "sqlite_errorcode"):
        return sqlite3.SQLITE_CORRUPT  # what quick_check found
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
