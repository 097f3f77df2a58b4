"""The files of received messages, as rows: what they are, so that one can be fetched when somebody asks for it."""

from dataclasses import dataclass
import sqlite3

from whatsapp_bridge.received_content import DocumentContent, MediaContent


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that a message has told of."""

    mimetype: str
    file_name: str | None


def keep(connection: sqlite3.Connection, account: str, message_id: str, content: MediaContent, moment: float) -> None:
    """Notes the file of a message that came at a moment (Unix seconds)."""
    file_name = content.file_name if isinstance(content, DocumentContent) else None
    connection.execute(
        "INSERT OR REPLACE INTO received_media VALUES (?, ?, ?, ?, ?)",
        (account, message_id, content.media.mimetype, file_name, moment),
    )


def find(connection: sqlite3.Connection, account: str, message_id: str) -> KnownFile | None:
    """Returns what is known of the file of a message."""
    row = connection.execute(
        "SELECT mimetype, file_name FROM received_media WHERE account = ? AND message_id = ?",
        (account, message_id),
    ).fetchone()
    return None if row is None else KnownFile(*row)


def delete_older(connection: sqlite3.Connection, moment: float) -> None:
    """Forgets what came before a moment (Unix seconds)."""
    connection.execute("DELETE FROM received_media WHERE at < ?", (moment,))


def delete_account(connection: sqlite3.Connection, account: str) -> None:
    """Forgets an account's."""
    connection.execute("DELETE FROM received_media WHERE account = ?", (account,))
