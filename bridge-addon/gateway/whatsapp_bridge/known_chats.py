"""People and groups that an account can write to, with what they are called: for whoever picks a recipient."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
import re
import sqlite3

from whatsapp_bridge import chat_store
from whatsapp_bridge.contact import Contact, ContactList, KnownChat
from whatsapp_bridge.database import Database
from whatsapp_bridge.engine import Engine
from whatsapp_bridge.engine_question import ask
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.group import GroupList
from whatsapp_bridge.timestamps import now

_LIMIT = 30.0
_RESYNC_LIMIT = 60.0
_GROUPS_HOLD = timedelta(minutes=5)
_NO_DIGIT = re.compile(r"\D")


class KnownChats:
    """The directory of each account. WhatsApp is asked for groups once in five minutes; without a connection those of the last time count."""

    def __init__(self, engine: Engine, database: Database, clock: Callable[[], datetime] = now) -> None:
        self._engine = engine
        self._database = database
        self._clock = clock
        self._groups_asked: dict[str, datetime] = {}

    def note(self, connection: sqlite3.Connection, account: str, chat: str, moment: datetime) -> None:
        """Notes that something was written in a chat."""
        if chat.startswith(("+", "lid:", "group:")):
            chat_store.note_message(connection, account, chat, moment.timestamp())

    def groups_changed(self, account: str) -> None:
        """Lets the next question ask WhatsApp for the groups."""
        self._groups_asked.pop(account, None)

    def forget(self, connection: sqlite3.Connection, account: str) -> None:
        """Forgets an account."""
        self.groups_changed(account)
        chat_store.delete_account(connection, account)

    async def contacts(self, account: str, search: str = "") -> list[Contact]:
        """Returns people whom an account knows and a search finds, by name.

        Raises:
            BridgeError: `engine_unavailable`.
        """
        answer = await ask(self._engine, "contact.list", {"account": account}, _LIMIT)
        found = [
            contact
            for contact in ContactList.model_validate(answer).contacts
            if _found(search, contact.phone, contact.name, contact.push_name)
        ]
        return sorted(found, key=lambda one: (_name(one) is None, (_name(one) or one.chat).casefold()))

    async def resync(self, account: str) -> None:
        """Asks WhatsApp for the phone's whole address book, and for all groups.

        Raises:
            BridgeError: `not_connected`, `engine_unavailable`, `storage_unusable`.
        """
        await ask(self._engine, "contact.resync", {"account": account}, _RESYNC_LIMIT)
        self.groups_changed(account)
        await self._ask_for_groups(account, new_group=True)

    async def chats(self, account: str, search: str = "") -> list[KnownChat]:
        """Returns people and groups that a search finds: whoever wrote last first, then by name.

        Raises:
            BridgeError: `engine_unavailable`, `storage_unusable`.
        """
        people = await self.contacts(account)
        rows = await self._rows(account)
        new_group = any(chat.startswith("group:") and name is None for chat, name, _ in rows)
        if await self._ask_for_groups(account, new_group=new_group):
            rows = await self._rows(account)
        found = [chat for chat in _merged(people, rows) if _found(search, chat.chat, chat.name)]
        found.sort(key=lambda one: (one.name is None, (one.name or one.chat).casefold()))
        return sorted(found, key=lambda one: -(one.last_message_at.timestamp() if one.last_message_at else 0))

    async def _rows(self, account: str) -> list[tuple[str, str | None, float | None]]:
        return await self._database.read(lambda connection: chat_store.rows(connection, account))

    async def _ask_for_groups(self, account: str, *, new_group: bool) -> bool:
        """Takes over WhatsApp's list where that may be another one by now; returns whether it has."""
        asked = self._groups_asked.get(account)
        if asked is not None and self._clock() - asked < _GROUPS_HOLD and not new_group:
            return False
        try:
            answer = await ask(self._engine, "group.list", {"account": account}, _LIMIT)
        except BridgeError as error:
            if error.code is not ErrorCode.NOT_CONNECTED:
                raise
            return False
        groups = GroupList.model_validate(answer).groups
        await self._database.write(lambda connection: chat_store.keep_groups(connection, account, groups))
        self._groups_asked[account] = self._clock()
        return True


def _merged(people: Iterable[Contact], rows: Iterable[tuple[str, str | None, float | None]]) -> list[KnownChat]:
    """Puts together who is known and where was written; somebody whose number came later is one person."""
    names: dict[str, str | None] = {}
    times: dict[str, float] = {}
    same = {f"lid:{person.lid}": person.chat for person in people}
    for chat, name, moment in rows:
        names.setdefault(same.get(chat, chat), name)
        if moment is not None:
            times[same.get(chat, chat)] = max(moment, times.get(same.get(chat, chat), 0.0))
    names |= {person.chat: _name(person) for person in people}
    return [
        KnownChat(
            chat=chat,
            type="group" if chat.startswith("group:") else "person",
            name=name,
            last_message_at=datetime.fromtimestamp(times[chat], UTC) if chat in times else None,
        )
        for chat, name in names.items()
    ]


def _name(contact: Contact) -> str | None:
    return contact.name or contact.push_name


def _found(search: str, number: str | None, *names: str | None) -> bool:
    """Whether a search finds something by a part of its name or of its number, which people write with blanks and zeros ahead."""
    wanted = search.strip().casefold()
    if any(name and wanted in name.casefold() for name in names) or not wanted:
        return True
    digits = _NO_DIGIT.sub("", wanted).lstrip("0")
    written_as_number = not re.search(r"[^\d\s+()/.-]", wanted)
    return bool(number and digits and written_as_number and digits in _NO_DIGIT.sub("", number))
