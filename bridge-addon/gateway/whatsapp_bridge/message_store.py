"""The outbox's rows: each accepted message, its request until it is settled, and what became of it."""

from dataclasses import dataclass
import json
import sqlite3

from pydantic import JsonValue

from whatsapp_bridge.message import Message, MessageStatus
from whatsapp_bridge.timestamps import format_timestamp

SETTLED_SECONDS = 7 * 86_400.0
SETTLED_MESSAGES = 100_000
"""How long a settled message is remembered, with its idempotency key, and how many are at most."""

_MESSAGE = "message_id, recipient, chat, status, timestamp, error_code, whatsapp_code"

type Request = dict[str, JsonValue]
"""What `message.send` gets beside account, message id, recipient and time limit."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message as it was accepted. Times are Unix seconds; `files` are names in the folder of outgoing media."""

    account: str
    message: Message
    request: Request
    files: tuple[str, ...]
    fingerprint: bytes
    accepted_at: float
    expires_at: float
    tried: bool = False
    first_to_chat: bool = False


@dataclass(frozen=True, slots=True)
class KnownKey:
    """The message that an idempotency key was used for."""

    message: Message
    fingerprint: bytes


def by_key(connection: sqlite3.Connection, account: str, key: str) -> KnownKey | None:
    """Returns the message that an idempotency key was used for."""
    row = connection.execute(
        f"SELECT {_MESSAGE}, fingerprint FROM messages WHERE account = ? AND key = ?",  # noqa: S608 - a constant
        (account, key),
    ).fetchone()
    return None if row is None else KnownKey(_message(row), row[7])


def insert(connection: sqlite3.Connection, accepted: Accepted, key: str | None) -> bool:
    """Keeps a message; returns whether it is the account's first to this chat."""
    message = accepted.message
    connection.execute(
        f"INSERT INTO messages (account, {_MESSAGE}, request, files, key, fingerprint, accepted_at, expires_at, tried)"  # noqa: S608
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            accepted.account,
            *_values(message),
            json.dumps(accepted.request, ensure_ascii=False, separators=(",", ":")),
            json.dumps(accepted.files),
            key,
            accepted.fingerprint,
            accepted.accepted_at,
            accepted.expires_at,
            accepted.tried,
        ),
    )
    return not _written_to(connection, accepted.account, message.to)


def unsettled(connection: sqlite3.Connection) -> list[Accepted]:
    """Returns what is still to be sent, in the order of acceptance."""
    rows = connection.execute(
        f"SELECT {_MESSAGE}, account, request, files, fingerprint, accepted_at, expires_at, tried FROM messages"  # noqa: S608
        " WHERE settled_at IS NULL ORDER BY position"
    ).fetchall()
    return [
        Accepted(
            account=row[7],
            message=_message(row).model_copy(update={"status": MessageStatus.QUEUED}),
            request=json.loads(row[8]),
            files=tuple(json.loads(row[9])),
            fingerprint=row[10],
            accepted_at=row[11],
            expires_at=row[12],
            tried=bool(row[13]),
            first_to_chat=not _written_to(connection, row[7], row[1]),
        )
        for row in rows
    ]


def find(connection: sqlite3.Connection, account: str, message_id: str) -> Message | None:
    """Returns a message."""
    row = connection.execute(
        f"SELECT {_MESSAGE} FROM messages WHERE account = ? AND message_id = ?",  # noqa: S608 - a constant
        (account, message_id),
    ).fetchone()
    return None if row is None else _message(row)


def newest(connection: sqlite3.Connection, account: str, status: MessageStatus | None, limit: int) -> list[Message]:
    """Returns an account's messages, newest first."""
    condition, values = ("AND status = ?", (status,)) if status is not None else ("", ())
    rows = connection.execute(
        f"SELECT {_MESSAGE} FROM messages WHERE account = ? {condition} ORDER BY position DESC LIMIT ?",  # noqa: S608
        (account, *values, limit),
    )
    return [_message(row) for row in rows]


def mark_tried(connection: sqlite3.Connection, account: str, message_id: str) -> None:
    """Notes that a message may have reached WhatsApp from now on."""
    connection.execute("UPDATE messages SET tried = 1 WHERE account = ? AND message_id = ?", (account, message_id))


def update(connection: sqlite3.Connection, account: str, message: Message) -> None:
    """Keeps what became of a message."""
    connection.execute(
        "UPDATE messages SET recipient = ?, chat = ?, status = ?, timestamp = ?, error_code = ?, whatsapp_code = ?"
        " WHERE account = ? AND message_id = ?",
        (*_values(message)[1:], account, message.message_id),
    )


def settle(connection: sqlite3.Connection, account: str, message: Message, moment: float) -> None:
    """Keeps what became of a message that will not be sent any more, and erases its content."""
    update(connection, account, message)
    connection.execute(
        "UPDATE messages SET settled_at = ?, request = NULL, files = '[]' WHERE account = ? AND message_id = ?",
        (moment, account, message.message_id),
    )
    if message.status.progress:
        connection.execute("INSERT OR IGNORE INTO chats VALUES (?, ?)", (account, message.to))


def forget_settled(connection: sqlite3.Connection, moment: float) -> None:
    """Forgets what was settled long ago, or is too much."""
    connection.execute("DELETE FROM messages WHERE settled_at < ?", (moment - SETTLED_SECONDS,))
    connection.execute(
        "DELETE FROM messages WHERE position IN (SELECT position FROM messages WHERE settled_at IS NOT NULL"
        " ORDER BY settled_at DESC LIMIT -1 OFFSET ?)",
        (SETTLED_MESSAGES,),
    )


def forget_account(connection: sqlite3.Connection, account: str) -> None:
    """Forgets all messages of an account that is gone."""
    connection.execute("DELETE FROM messages WHERE account = ?", (account,))
    connection.execute("DELETE FROM chats WHERE account = ?", (account,))


def _written_to(connection: sqlite3.Connection, account: str, chat: str) -> bool:
    return (
        connection.execute("SELECT 1 FROM chats WHERE account = ? AND chat = ?", (account, chat)).fetchone() is not None
    )


def _values(message: Message) -> tuple[str, str, str, str, str, str | None, int | None]:
    return (
        message.message_id,
        message.to,
        message.chat,
        message.status,
        format_timestamp(message.timestamp),
        message.error_code,
        message.whatsapp_code,
    )


def _message(row: sqlite3.Row | tuple[str, str, str, str, str, str | None, int | None]) -> Message:
    return Message.model_validate(
        {
            "message_id": row[0],
            "to": row[1],
            "chat": row[2],
            "status": row[3],
            "timestamp": row[4],
            "error_code": row[5],
            "whatsapp_code": row[6],
        }
    )
