"""The chats of an account, as rows: when something was last written, and what a group is called."""

from collections.abc import Sequence
import sqlite3

from whatsapp_bridge.group import GroupSummary


def note_message(connection: sqlite3.Connection, account: str, chat: str, moment: float) -> None:
    """Notes that something was written in a chat at a moment (Unix seconds)."""
    connection.execute(
        "INSERT INTO known_chats (account, chat, last_message_at) VALUES (?, ?, ?) ON CONFLICT (account, chat) "
        "DO UPDATE SET last_message_at = max(coalesce(last_message_at, 0), excluded.last_message_at)",
        (account, chat, moment),
    )


def keep_groups(connection: sqlite3.Connection, account: str, groups: Sequence[GroupSummary]) -> None:
    """Takes over which groups an account is in, and forgets those that it has left."""
    present = {group.chat for group in groups}
    known = connection.execute("SELECT chat FROM known_chats WHERE account = ? AND chat LIKE 'group:%'", (account,))
    left = [(account, chat) for (chat,) in known if chat not in present]
    connection.executemany("DELETE FROM known_chats WHERE account = ? AND chat = ?", left)
    connection.executemany(
        "INSERT INTO known_chats (account, chat, name) VALUES (?, ?, ?) "
        "ON CONFLICT (account, chat) DO UPDATE SET name = excluded.name",
        [(account, group.chat, group.subject) for group in groups],
    )


def rows(connection: sqlite3.Connection, account: str) -> list[tuple[str, str | None, float | None]]:
    """Returns chat, group's name and time of the last message."""
    return connection.execute(
        "SELECT chat, name, last_message_at FROM known_chats WHERE account = ?", (account,)
    ).fetchall()


def delete_account(connection: sqlite3.Connection, account: str) -> None:
    """Forgets an account's."""
    connection.execute("DELETE FROM known_chats WHERE account = ?", (account,))
