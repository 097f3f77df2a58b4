"""The event log: numbered, bounded, resumable, and sent to everybody who listens."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
import json
import secrets
from typing import Any

from whatsapp_bridge.timestamps import format_timestamp, now

KEPT_EVENTS = 10_000
KEPT_CHARACTERS = 16 * 1024 * 1024
"""Events kept at most, and their size at most; the oldest go first."""

SUBSCRIPTION_LIMIT = 1_000
"""Events that may wait for one consumer."""


class EventType(StrEnum):
    """The kinds of events in docs/api.md."""

    ACCOUNT_STATE = "account.state"
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_REMOVED = "account.removed"
    PAIRING_UPDATE = "pairing.update"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_STATUS = "message.status"


@dataclass(frozen=True, slots=True)
class Event:
    """An event, spelled as it goes out."""

    sequence: int
    time: datetime
    text: str


class SubscriptionEndedError(Exception):
    """There will be no more events."""


class ConsumerTooSlowError(SubscriptionEndedError):
    """More events waited than a consumer may leave waiting."""


class EventLogClosedError(SubscriptionEndedError):
    """The gateway stops."""


class Subscription:
    """One consumer's events, in order: first what it missed, then what happens."""

    def __init__(self, missed: list[Event], sequence: int) -> None:
        self.sequence = sequence
        """The log's newest number when the subscription began."""
        self._missed = deque(missed)
        self._waiting: deque[Event] = deque()
        self._changed = asyncio.Event()
        self._end: type[SubscriptionEndedError] | None = None

    async def next(self) -> Event:
        """Waits for the next event.

        Raises:
            SubscriptionEndedError: there is none any more; the subclass says why.
        """
        while True:
            if self._end is not None:
                raise self._end
            if self._missed:
                return self._missed.popleft()
            if self._waiting:
                return self._waiting.popleft()
            self._changed.clear()
            await self._changed.wait()

    async def ended(self) -> type[SubscriptionEndedError]:
        """Waits for the end and returns its kind; for one who is stuck in sending and would not see it."""
        while self._end is None:
            self._changed.clear()
            await self._changed.wait()
        return self._end

    def put(self, event: Event) -> None:
        """Adds an event; over the limit the subscription ends."""
        if len(self._waiting) >= SUBSCRIPTION_LIMIT:
            self.end(ConsumerTooSlowError)
        else:
            self._waiting.append(event)
            self._changed.set()

    def end(self, kind: type[SubscriptionEndedError]) -> None:
        """Ends it; what still waits is dropped, and resumed from the log by the next subscription."""
        if self._end is None:
            self._end = kind
            self._missed.clear()
            self._waiting.clear()
        self._changed.set()


class EventLog:
    """The log, in memory. Its `log_id` is new whenever its numbers begin anew."""

    def __init__(self, retention: timedelta, clock: Callable[[], datetime] = now) -> None:
        self.log_id = secrets.token_hex(8)
        self.sequence = 0
        """The newest event's number."""
        self.published: Counter[EventType] = Counter()
        self._retention = retention
        self._clock = clock
        self._kept: deque[Event] = deque()
        self._kept_characters = 0
        self._subscriptions: set[Subscription] = set()
        self._unheard = asyncio.Event()
        self._unheard.set()
        self._closed = False

    @property
    def consumers(self) -> int:
        """How many listen now."""
        return len(self._subscriptions)

    def publish(self, account: str, kind: EventType, data: dict[str, Any], *, kept: dict[str, Any] | None) -> None:
        """Sends an event to who listens, and keeps it for who does not listen now.

        `kept` is the data as it may be kept; None keeps nothing. An event that is not kept takes no number of its own and
        carries that of the newest one: a consumer that resumes from it misses nothing.
        """
        moment = self._clock()
        self._forget(moment)
        if kept is not None:
            self.sequence += 1

        def event(content: dict[str, Any]) -> Event:
            frame = {
                "sequence": self.sequence,
                "account": account,
                "type": kind,
                "time": format_timestamp(moment),
                "data": content,
            }
            return Event(self.sequence, moment, json.dumps(frame, ensure_ascii=False, separators=(",", ":")))

        live = event(data)
        if kept is not None:
            self._keep(live if kept is data else event(kept))
        self.published[kind] += 1
        for subscription in self._subscriptions:
            subscription.put(live)

    def subscribe(self, since: int | None, log: str | None) -> Subscription:
        """Begins a subscription after the event number `since` of the log `log`; without `since` with what is new.

        Numbers of another log, or ones that this log has not come to, mean nothing here: then all that is kept comes.
        """
        missed: list[Event] = []
        if since is not None:
            self._forget(self._clock())
            foreign = (log is not None and log != self.log_id) or since > self.sequence
            missed = [event for event in self._kept if foreign or event.sequence > since]
        subscription = Subscription(missed, self.sequence)
        if self._closed:
            subscription.end(EventLogClosedError)
        self._subscriptions.add(subscription)
        self._unheard.clear()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forgets a consumer."""
        self._subscriptions.discard(subscription)
        if not self._subscriptions:
            self._unheard.set()

    def acknowledge(self, sequence: int) -> None:
        """Deletes what a consumer has processed: contents do not outlive their delivery."""
        while self._kept and self._kept[0].sequence <= sequence:
            self._drop_oldest()

    async def close(self, limit: float) -> None:
        """Ends all subscriptions, also those to come, and waits at most `limit` seconds until the consumers know."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.end(EventLogClosedError)
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._unheard.wait()

    def _forget(self, moment: datetime) -> None:
        while self._kept and self._kept[0].time < moment - self._retention:
            self._drop_oldest()

    def _keep(self, event: Event) -> None:
        self._kept.append(event)
        self._kept_characters += len(event.text)
        while len(self._kept) > KEPT_EVENTS or self._kept_characters > KEPT_CHARACTERS:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self._kept_characters -= len(self._kept.popleft().text)
