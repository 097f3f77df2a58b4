"""The parts put together: engine, accounts, outbox and events."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
import sqlite3
from typing import override

from whatsapp_bridge.account_file import AccountFile
from whatsapp_bridge.accounts import Accounts
from whatsapp_bridge.api_token import api_token
from whatsapp_bridge.backup import Backups, take_over_backup
from whatsapp_bridge.chat_pictures import ChatPictures
from whatsapp_bridge.database import Database
from whatsapp_bridge.engine import Engine, EngineCall, EngineListener, EngineTiming
from whatsapp_bridge.engine_command import engine_environment
from whatsapp_bridge.engine_connection import EngineError
from whatsapp_bridge.engine_protocol import (
    AccountStateChanged,
    CallChanged,
    ContactChanged,
    GroupChanged,
    MessageReceived,
    MessageStatusChanged,
    Notification,
    PairingUpdate,
    PresenceChanged,
)
from whatsapp_bridge.errors import EngineUnavailableError
from whatsapp_bridge.event_store import Happening
from whatsapp_bridge.events import EventLog, EventType
from whatsapp_bridge.fetch_policy import FetchPolicy
from whatsapp_bridge.gateway_id import gateway_id
from whatsapp_bridge.happenings import Happenings
from whatsapp_bridge.known_chats import KnownChats
from whatsapp_bridge.known_numbers import KnownNumbers
from whatsapp_bridge.log import ChatHash, logger
from whatsapp_bridge.outbox import Outbox, OutboxLimits
from whatsapp_bridge.outgoing_files import OutgoingFiles
from whatsapp_bridge.private_files import make_private_folder
from whatsapp_bridge.received_files import ReceivedFiles
from whatsapp_bridge.settings import Settings
from whatsapp_bridge.timestamps import now
from whatsapp_bridge.webhooks import Webhooks

_ACKNOWLEDGE_LIMIT = 10.0


class Gateway(EngineListener):
    """All that the API stands on."""

    def __init__(
        self, settings: Settings, command: Callable[[], Sequence[str]], timing: EngineTiming | None = None
    ) -> None:
        """Reads the data folder.

        Raises:
            OSError: the data folder cannot be used.
            AccountFileError: the list of accounts is damaged.
            DatabaseError: the database is damaged, or another gateway uses it.
        """
        make_private_folder(settings.data_dir)
        take_over_backup(settings.data_dir)
        engine_dir = settings.data_dir / "engine"
        make_private_folder(engine_dir)
        self.settings = settings
        self.received: Counter[str] = Counter()
        """Messages that came in, by type of content."""
        self._fetch_policy = FetchPolicy(
            frozenset(settings.media_fetch_kinds), settings.media_fetch_size, frozenset(settings.media_fetch_chats)
        )
        self.log_level = settings.log_level
        """How much the log tells now."""
        self.token = api_token(
            settings.data_dir, settings.api_token.get_secret_value() if settings.api_token is not None else None
        )
        self.id = gateway_id(settings.data_dir)
        self.chat_hash = ChatHash(settings.data_dir)
        self.database = Database(settings.data_dir / "gateway.db")
        self.events = EventLog(self.database, timedelta(seconds=settings.event_retention))
        parameters = {
            "data_dir": str(engine_dir.resolve()),
            "whatsapp_url": settings.whatsapp_url,
            "log_level": settings.log_level,
        }
        self.engine = Engine(command, engine_environment(settings.data_dir), parameters, timing)
        self.webhooks = Webhooks(self.events, settings.webhooks)
        self.accounts = Accounts(
            AccountFile(settings.data_dir),
            self.engine,
            self.events,
            self._account_changed,
        )
        self.files = OutgoingFiles(settings.data_dir / "outgoing")
        self.known_numbers = KnownNumbers(self.engine)
        self.known_chats = KnownChats(self.engine, self.database)
        self.chat_pictures = ChatPictures(settings.data_dir / "pictures", self.engine)
        self.received_files = ReceivedFiles(
            settings.data_dir / "received",
            self.database,
            self.engine,
            settings.media_quota,
            timedelta(seconds=settings.media_retention),
        )
        self.happenings = Happenings(self.events, self.known_chats, self.chat_pictures)
        self.outbox = Outbox(
            self.accounts,
            self.engine,
            self.database,
            self.events,
            OutboxLimits(settings.messages_per_second, settings.message_ttl, settings.queue_limit),
            self.chat_hash,
            self.files,
        )

        self.backups = Backups(settings.data_dir, self.accounts, self.engine, self.database)

    def _account_changed(self, account_id: str) -> None:
        self.outbox.account_changed(account_id)
        if self.accounts.find(account_id) is None:
            self.events.record(lambda connection: self._forget(connection, account_id))

    def _forget(self, connection: sqlite3.Connection, account: str) -> Sequence[Happening]:
        self.known_chats.forget(connection, account)
        self.chat_pictures.forget(account)
        return self.received_files.forget(connection, account)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs engine, outbox and event log meanwhile; at the end stops sending, then the engine, and writes what it still said.

        A fault of ours in one of their tasks cancels the block and is raised in an `ExceptionGroup`: a gateway that half
        works would be worse than one that is started anew.
        """
        try:
            async with asyncio.TaskGroup() as log_tasks:
                writing = log_tasks.create_task(self.events.run(), name="event log")
                try:
                    async with asyncio.TaskGroup() as tasks:
                        self.outbox.start(tasks)
                        delivering = tasks.create_task(self.webhooks.run(), name="webhooks")
                        keeping = tasks.create_task(self.accounts.keep_phones(), name="keeping the accounts' numbers")
                        starting = tasks.create_task(self.accounts.keep_starting(), name="starting accounts again")
                        acknowledging = tasks.create_task(self._acknowledge(), name="acknowledging to the engine")
                        life = tasks.create_task(self.engine.run(self), name="engine")
                        try:
                            yield
                        finally:
                            await self.outbox.stop()
                            await self.received_files.stop()
                            delivering.cancel()
                            keeping.cancel()
                            starting.cancel()
                            acknowledging.cancel()
                            life.cancel()
                finally:
                    writing.cancel()
            await self.events.flush()
        finally:
            await self.database.close()

    async def _acknowledge(self) -> None:
        """Tells the engine what is on the disk. What it was not told comes again after its next start, and is dropped."""
        told: dict[str, int] = {}
        while True:
            await self.events.delivered.wait()
            self.events.delivered.clear()
            for account, delivery in list(self.events.deliveries.items()):
                if told.get(account) == delivery or self.accounts.find(account) is None:
                    continue
                params = {"account": account, "delivery": delivery}
                try:
                    await self.engine.call("event.acknowledge", params, _ACKNOWLEDGE_LIMIT)
                    told[account] = delivery
                except (EngineError, EngineUnavailableError) as error:
                    logger().debug("delivery_not_acknowledged", account=account, error=str(error))

    @override
    async def engine_up(self, call: EngineCall) -> None:
        await self.accounts.start_all(call)

    @override
    async def room(self) -> None:
        await self.events.room()

    @override
    def engine_down(self) -> None:
        self.accounts.engine_down()

    @override
    def notification(self, notification: Notification) -> None:
        match notification:
            case AccountStateChanged():
                self.accounts.state_changed(notification)
            case PairingUpdate():
                self.accounts.pairing_changed(notification)
            case MessageStatusChanged():
                self._status_changed(notification)
            case MessageReceived():
                self._message_received(notification)
            case PresenceChanged() | CallChanged() | GroupChanged() | ContactChanged():
                self.happenings.take(notification)

    def _status_changed(self, change: MessageStatusChanged) -> None:
        self.outbox.status_changed(change)
        if change.status == "sent":

            def noting(connection: sqlite3.Connection) -> Sequence[Happening]:
                self.known_chats.note(connection, change.account, change.chat, change.timestamp)
                return []

            self.events.record(noting)

    def _message_received(self, received: MessageReceived) -> None:
        message = self.received_files.with_route(received)
        data = message.model_dump(mode="json", exclude={"account", "delivery"})
        happening = Happening(message.account, EventType.MESSAGE_RECEIVED, now(), data, kept=data)

        def recording(connection: sqlite3.Connection) -> Sequence[Happening]:
            self.received_files.note(connection, message)
            self.known_chats.note(connection, message.account, message.chat.id, message.timestamp)
            return [happening]

        def written() -> None:
            if self._fetch_policy.wants(message):
                self.received_files.fetch_ahead(message.account, message.message_id)
            logger().info(
                "message_received",
                account=message.account,
                message_id=message.message_id,
                chat=self.chat_hash(message.chat.id),
                chat_type=message.chat.type,
                content_type=message.content.type,
                backlog=message.backlog,
            )

        self.events.record_delivery(message.account, message.delivery, recording, written)
        self.received[message.content.type] += 1
