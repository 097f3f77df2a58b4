"""The event log's rows: appended, read in pages, and deleted when nobody needs them any more."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
import json
import secrets
import sqlite3
from typing import Any

from whatsapp_bridge.timestamps import format_timestamp

KEPT_EVENTS = 100_000
KEPT_CHARACTERS = 64 * 1024 * 1024
"""Events kept at most, and their size at most; the oldest go first, a tenth at a time."""

PAGE = 200
"""Events that are read at once."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event. One that is not kept carries the number of the newest kept one."""

    sequence: int
    account: str
    type: str
    time: str
    data: str
    """JSON"""
    kept: bool = True

    def frame(self, *, late: bool) -> str:
        """Spells it as it goes out."""
        head = {"sequence": self.sequence, "account": self.account, "type": self.type, "time": self.time, "late": late}
        return f'{_spelled(head)[:-1]},"data":{self.data}}}'


def _spelled(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to be told. `kept` is the data as it may be kept; None keeps nothing."""

    account: str
    type: str
    time: datetime
    data: dict[str, Any]
    kept: dict[str, Any] | None


def log_id(connection: sqlite3.Connection) -> str:
    """Returns the log's name, which is new whenever its numbers begin anew."""
    connection.execute("INSERT OR IGNORE INTO log VALUES (1, ?)", (secrets.token_hex(8),))
    name: str = connection.execute("SELECT id FROM log").fetchone()[0]
    return name


def newest(connection: sqlite3.Connection) -> int:
    """Returns the newest number that was given, 0 for none."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return 0 if row is None else int(row[0])


def size(connection: sqlite3.Connection) -> tuple[int, int]:
    """Returns how many events are kept, and their characters."""
    count, characters = connection.execute("SELECT count(*), coalesce(sum(length(data)), 0) FROM events").fetchone()
    return count, characters


def append(connection: sqlite3.Connection, happening: Happening) -> Event:
    """Keeps an event, if it may be kept, and returns it as it is told now."""
    time = format_timestamp(happening.time)
    data = _spelled(happening.data)
    if happening.kept is None:
        return Event(newest(connection), happening.account, happening.type, time, data, kept=False)
    kept = data if happening.kept is happening.data else _spelled(happening.kept)
    row = connection.execute(
        "INSERT INTO events (account, type, time, at, data) VALUES (?, ?, ?, ?, ?)",
        (happening.account, happening.type, time, happening.time.timestamp(), kept),
    )
    return Event(row.lastrowid or 0, happening.account, happening.type, time, data)


def page(connection: sqlite3.Connection, after: int) -> list[Event]:
    """Returns the next kept events after a number."""
    rows = connection.execute(
        "SELECT sequence, account, type, time, data FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?",
        (after, PAGE),
    )
    return [Event(*row) for row in rows]


def acknowledged(connection: sqlite3.Connection, consumer: str) -> int | None:
    """Returns up to where a consumer has processed the log, None if it is new."""
    row = connection.execute("SELECT acknowledged FROM consumers WHERE name = ?", (consumer,)).fetchone()
    return None if row is None else int(row[0])


def acknowledge(connection: sqlite3.Connection, consumer: str, sequence: int, moment: float) -> None:
    """Notes that a consumer has processed all up to a number, and was there at a moment (Unix seconds)."""
    connection.execute(
        "INSERT INTO consumers VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET acknowledged = max(acknowledged, ?2), seen_at = ?3",
        (consumer, min(sequence, newest(connection)), moment),
    )


def forget_consumers(connection: sqlite3.Connection, prefix: str, but: Collection[str]) -> None:
    """Forgets the consumers whose names begin so, but some."""
    for (name,) in connection.execute("SELECT name FROM consumers").fetchall():
        if name.startswith(prefix) and name not in but:
            connection.execute("DELETE FROM consumers WHERE name = ?", (name,))


def delete_processed(connection: sqlite3.Connection, unseen_since: float) -> tuple[int, int]:
    """Deletes what every consumer has processed; one that was not seen since a moment is forgotten.

    Returns how many events were deleted, and their characters.
    """
    connection.execute("DELETE FROM consumers WHERE seen_at < ?", (unseen_since,))
    return _deleted(connection, "sequence <= (SELECT min(acknowledged) FROM consumers)", 0)


def delete_older(connection: sqlite3.Connection, moment: float) -> tuple[int, int]:
    """Deletes what was appended before a moment (Unix seconds); returns as above."""
    return _deleted(connection, "at < ?", moment)


def delete_oldest(connection: sqlite3.Connection, count: int) -> tuple[int, int]:
    """Deletes so many of the oldest; returns as above."""
    return _deleted(connection, "sequence IN (SELECT sequence FROM events ORDER BY sequence LIMIT ?)", count)


def _deleted(connection: sqlite3.Connection, condition: str, value: float) -> tuple[int, int]:
    values = (value,) if "?" in condition else ()
    lengths = connection.execute(f"DELETE FROM events WHERE {condition} RETURNING length(data)", values).fetchall()  # noqa: S608
    return len(lengths), sum(length for (length,) in lengths)


def seen_again(connection: sqlite3.Connection, account: str, delivery: int) -> bool:
    """Notes one of the engine's delivery numbers; True where it was noted before, and so is a repetition."""
    changed = connection.execute(
        "INSERT INTO deliveries VALUES (?1, ?2) ON CONFLICT DO UPDATE SET newest = ?2 WHERE newest < ?2",
        (account, delivery),
    )
    return changed.rowcount == 0


def deliveries(connection: sqlite3.Connection) -> dict[str, int]:
    """Returns each account's newest delivery number."""
    return dict(connection.execute("SELECT account, newest FROM deliveries").fetchall())


def forget_delivery(connection: sqlite3.Connection, account: str) -> None:
    """Forgets an account that is gone: a new one of the same name counts anew."""
    connection.execute("DELETE FROM deliveries WHERE account = ?", (account,))
