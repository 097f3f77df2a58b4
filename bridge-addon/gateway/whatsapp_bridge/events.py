"""The event log: what happens is written in order, then told to everybody who listens; who was away resumes by number."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
import sqlite3
from typing import Any

from whatsapp_bridge import event_store
from whatsapp_bridge.database import Database
from whatsapp_bridge.errors import BridgeError
from whatsapp_bridge.event_store import Event, Happening
from whatsapp_bridge.log import logger
from whatsapp_bridge.recent_events import RecentEvents
from whatsapp_bridge.timestamps import now

SUBSCRIPTION_LIMIT = 1_000
"""Events that wait for one consumer in memory; one that is further behind reads them from the log."""

UNWRITTEN_LIMIT = 5_000
"""Entries that may wait to be written before the engine is read no further."""

_BATCH = 200
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_TIDY_SECONDS = 60.0
_FLUSH_LIMIT = 5.0


class EventType(StrEnum):
    """The kinds of events in docs/api.md."""

    ACCOUNT_STATE = "account.state"
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_REMOVED = "account.removed"
    PAIRING_UPDATE = "pairing.update"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_STATUS = "message.status"
    PRESENCE_CHANGED = "presence.changed"
    CALL_CHANGED = "call.changed"
    QUEUE_CHANGED = "queue.changed"
    GROUP_CHANGED = "group.changed"
    CONTACT_CHANGED = "contact.changed"


class EventLogClosedError(Exception):
    """The gateway stops: there will be no more events."""


type Recording = Callable[[sqlite3.Connection], Sequence[Happening]]
"""Writes something and returns what is to be told of it."""


@dataclass(frozen=True, slots=True)
class _Entry:
    recording: Recording
    written: Callable[[], None] | None


class Subscription:
    """One consumer's events, in order: first what it missed, then what happens."""

    def __init__(self, log: EventLog, position: int, sequence: int) -> None:
        self.sequence = sequence
        """The log's newest number when the subscription began: what is not newer comes late."""
        self._log = log
        self._position = position
        self._read_up_to = sequence
        self._missed: deque[Event] = deque()
        self._waiting: deque[Event] = deque()
        self._changed = asyncio.Event()
        self._ended = False

    async def next(self) -> Event:
        """Waits for the next event.

        Raises:
            EventLogClosedError: there is none any more.
        """
        while not self._ended:
            if self._missed:
                return self._handed_out(self._missed.popleft())
            if self._position < self._read_up_to:
                self._missed.extend(await self._log.page(self._position))
                if not self._missed:
                    self._position = self._read_up_to
                continue
            if self._waiting:
                event = self._waiting.popleft()
                if event.kept and event.sequence <= self._position:
                    continue
                return self._handed_out(event)
            self._changed.clear()
            await self._changed.wait()
        raise EventLogClosedError

    def _handed_out(self, event: Event) -> Event:
        self._position = max(self._position, event.sequence)
        return event

    async def ended(self) -> None:
        """Waits for the end; for one who is stuck in sending and would not see it."""
        while not self._ended:
            self._changed.clear()
            await self._changed.wait()

    def put(self, event: Event) -> None:
        """Adds an event. Over the limit the kept ones are read from the log when their turn comes."""
        if len(self._waiting) >= SUBSCRIPTION_LIMIT:
            self._read_up_to = max(waiting.sequence for waiting in self._waiting)
            unkept = [waiting for waiting in self._waiting if not waiting.kept]
            self._waiting = deque(unkept, maxlen=SUBSCRIPTION_LIMIT)
        self._waiting.append(event)
        self._changed.set()

    def end(self) -> None:
        """Ends it; what still waits is read from the log by the next subscription."""
        self._ended = True
        self._changed.set()


class EventLog:
    """The log. `run` is its life."""

    def __init__(self, database: Database, retention: timedelta, clock: Callable[[], datetime] = now) -> None:
        """Reads where it stands.

        Raises:
            DatabaseError: the database is damaged.
        """
        self._database = database
        self._retention = retention
        self._clock = clock
        self.log_id = database.now(event_store.log_id)
        self.sequence = database.now(event_store.newest)
        """The newest event's number."""
        self.published: Counter[EventType] = Counter()
        self.recent = RecentEvents()
        self.deliveries = database.now(event_store.deliveries)
        """By account, the newest delivery number of the engine's that is on the disk."""
        self.delivered = asyncio.Event()
        """Set when one of them is new."""
        self._count, self._characters = database.now(event_store.size)
        self._tidied_at = float("-inf")
        self._entries: deque[_Entry] = deque()
        self._recorded = asyncio.Event()
        self._writing = asyncio.Lock()
        self._room = asyncio.Event()
        self._room.set()
        self._subscriptions: set[Subscription] = set()
        self._unheard = asyncio.Event()
        self._unheard.set()
        self._closed = False

    @property
    def consumers(self) -> int:
        """How many listen now."""
        return len(self._subscriptions)

    def publish(self, account: str, kind: EventType, data: dict[str, Any], *, kept: dict[str, Any] | None) -> None:
        """Tells everybody of something, and keeps `kept` of it for who does not listen now; None keeps nothing.

        An event that is not kept takes no number of its own: a consumer that resumes from it misses nothing.
        """
        happening = Happening(account, kind, self._clock(), data, kept)
        self.record(lambda _: [happening])

    def record(self, recording: Recording, written: Callable[[], None] | None = None) -> None:
        """Writes something in its turn, and calls `written` when it is on the disk and told.

        What cannot be written now is tried again until it can: the caller need not care.
        """
        self._entries.append(_Entry(recording, written))
        self._recorded.set()
        if len(self._entries) >= UNWRITTEN_LIMIT:
            self._room.clear()

    def record_delivery(
        self, account: str, delivery: int | None, recording: Recording, written: Callable[[], None] | None = None
    ) -> None:
        """Writes what the engine has delivered, once; one that was written before is dropped. `written` is called either way."""
        if delivery is None:
            self.record(recording, written)
            return

        def once(connection: sqlite3.Connection) -> Sequence[Happening]:
            return [] if event_store.seen_again(connection, account, delivery) else recording(connection)

        def noted() -> None:
            self.deliveries[account] = max(delivery, self.deliveries.get(account, 0))
            self.delivered.set()
            if written is not None:
                written()

        self.record(once, noted)

    def forget_deliveries(self, account: str) -> None:
        """Forgets the engine's delivery numbers of an account whose store was erased: it counts anew."""
        self.deliveries.pop(account, None)

        def recording(connection: sqlite3.Connection) -> Sequence[Happening]:
            event_store.forget_delivery(connection, account)
            return []

        self.record(recording)

    async def room(self) -> None:
        """Waits until more may be recorded."""
        await self._room.wait()

    async def run(self) -> None:
        """Writes and tells until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            await self._recorded.wait()
            try:
                await self._write_next()
            except BridgeError as error:
                logger().error("events_not_written", error_code=error.code, again_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                pause = _FIRST_PAUSE

    async def flush(self) -> None:
        """Writes what still waits, at the end."""
        with suppress(TimeoutError, BridgeError):
            async with asyncio.timeout(_FLUSH_LIMIT):
                while self._entries:
                    await self._write_next()

    async def _write_next(self) -> None:
        async with self._writing:
            await self._write_batch()

    async def _write_batch(self) -> None:
        batch = [self._entries[index] for index in range(min(_BATCH, len(self._entries)))]
        events = await self._database.write(lambda connection: self._written(connection, batch))
        for _ in batch:
            self._entries.popleft()
        if not self._entries:
            self._recorded.clear()
        if len(self._entries) < UNWRITTEN_LIMIT:
            self._room.set()
        for event in events:
            self._tell(event)
        for entry in batch:
            if entry.written is not None:
                entry.written()

    def _written(self, connection: sqlite3.Connection, batch: list[_Entry]) -> list[Event]:
        events: list[Event] = []
        for entry in batch:
            connection.execute("SAVEPOINT entry")
            try:
                events.extend([event_store.append(connection, happening) for happening in entry.recording(connection)])
            except sqlite3.Error:
                raise
            except Exception:  # noqa: BLE001 - one that cannot be recorded must not hold up the others for ever
                logger().exception("event_not_recorded")
                connection.execute("ROLLBACK TO entry")
            connection.execute("RELEASE entry")
        self._count += len(events)
        self._characters += sum(len(event.data) for event in events)
        self._tidy(connection)
        return events

    def _tell(self, event: Event) -> None:
        self.sequence = max(self.sequence, event.sequence)
        self.published[EventType(event.type)] += 1
        self.recent.note(event)
        for subscription in self._subscriptions:
            subscription.put(event)

    async def page(self, after: int) -> list[Event]:
        """Returns the next kept events after a number.

        Raises:
            BridgeError: `storage_unusable`.
        """
        return await self._database.read(lambda connection: event_store.page(connection, after))

    async def subscribe(self, since: int | None, log: str | None, consumer: str | None) -> Subscription:
        """Begins a subscription after the event number `since` of the log `log`.

        Numbers of another log, or ones that this log has not come to, mean nothing here: then all that is kept comes. What a
        consumer has acknowledged does not come to it again, though its own `since` be older: a crash may have cost it that. Without
        `since` it goes on behind there, and a new or nameless one with what is new.

        Raises:
            BridgeError: `storage_full`, `storage_unusable`.
        """
        foreign = since is not None and ((log is not None and log != self.log_id) or since > self.sequence)
        position = 0 if foreign else since
        if consumer is not None:
            position = await self._database.write(lambda db: self._seen(db, consumer, position, foreign=foreign))
        elif position is None:
            position = self.sequence
        subscription = Subscription(self, position, self.sequence)
        if self._closed:
            subscription.end()
        self._subscriptions.add(subscription)
        self._unheard.clear()
        return subscription

    def _seen(self, connection: sqlite3.Connection, consumer: str, position: int | None, *, foreign: bool) -> int:
        """Notes that a consumer is there, and returns where it goes on."""
        acknowledged = event_store.acknowledged(connection, consumer)
        if position is None:
            position = self.sequence if acknowledged is None else acknowledged
        elif acknowledged is not None and not foreign:
            position = max(position, acknowledged)
        event_store.acknowledge(connection, consumer, position, self._clock().timestamp())
        return position

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forgets a consumer's connection."""
        self._subscriptions.discard(subscription)
        if not self._subscriptions:
            self._unheard.set()

    def acknowledge(self, consumer: str, sequence: int) -> None:
        """Notes what a consumer has processed; what all have is deleted: contents do not outlive their delivery."""

        def write(connection: sqlite3.Connection) -> Sequence[Happening]:
            moment = self._clock().timestamp()
            event_store.acknowledge(connection, consumer, sequence, moment)
            self._shrunk(event_store.delete_processed(connection, moment - self._retention.total_seconds()))
            return []

        self.record(write)

    async def close(self, limit: float) -> None:
        """Ends all subscriptions, also those to come, and waits at most `limit` seconds until the consumers know."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._unheard.wait()

    def _tidy(self, connection: sqlite3.Connection) -> None:
        moment = self._clock().timestamp()
        while self._count > event_store.KEPT_EVENTS or self._characters > event_store.KEPT_CHARACTERS:
            self._shrunk(event_store.delete_oldest(connection, self._count // 10 + 1))
        if abs(moment - self._tidied_at) > _TIDY_SECONDS:
            self._shrunk(event_store.delete_older(connection, moment - self._retention.total_seconds()))
            self._tidied_at = moment

    def _shrunk(self, deleted: tuple[int, int]) -> None:
        count, characters = deleted
        self._count -= count
        self._characters -= characters
