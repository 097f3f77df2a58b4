"""Events sent to webhooks: each is a named consumer of the event log, so what it has not taken waits there, over restarts too."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
import sqlite3
import time
from typing import TYPE_CHECKING

from whatsapp_bridge import event_store
from whatsapp_bridge.errors import BridgeError
from whatsapp_bridge.event_store import Event, Happening
from whatsapp_bridge.events import EventLog, EventLogClosedError, Subscription
from whatsapp_bridge.log import logger
from whatsapp_bridge.webhook import Webhook, signed_headers

if TYPE_CHECKING:
    from whatsapp_bridge.webhook_call import Call

CONSUMER = "webhook:{}"
"""Its name in the event log; a consumer of the API has no colon in its name."""

_TOLD_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class WebhookTiming:
    """Limits and pauses, in seconds, and how often a receiver may refuse one event before it is passed over."""

    limit: float = 10.0
    first_pause: float = 1.0
    longest_pause: float = 300.0
    refusals: int = 5


class Webhooks:
    """All webhooks. `run` is their life."""

    def __init__(self, events: EventLog, webhooks: Sequence[Webhook], timing: WebhookTiming | None = None) -> None:
        self.outcomes: Counter[str] = Counter()
        """Calls by how they ended: `delivered`, `refused`, `failed`, `passed_over`."""
        self._events = events
        self._webhooks = webhooks
        self._timing = timing or WebhookTiming()

    async def run(self) -> None:
        """Delivers until cancelled, or until the event log is closed."""
        names = {CONSUMER.format(webhook.name) for webhook in self._webhooks}
        self._events.record(lambda connection: _forgotten(connection, names))
        if not self._webhooks:
            return
        from whatsapp_bridge.webhook_call import calling  # noqa: PLC0415 - its HTTP client is slow to load

        async with calling(self._timing.limit) as call, asyncio.TaskGroup() as tasks:
            for webhook in self._webhooks:
                tasks.create_task(self._follow(call, webhook), name=f"webhook {webhook.name}")

    async def _follow(self, call: Call, webhook: Webhook) -> None:
        subscription = await self._subscription(webhook)
        delivering = asyncio.create_task(self._deliver(call, webhook, subscription), name="webhook's deliveries")
        ending = asyncio.create_task(subscription.ended(), name="end of events")
        try:
            await asyncio.wait((delivering, ending), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (delivering, ending):
                task.cancel()
            outcomes = await asyncio.gather(delivering, ending, return_exceptions=True)
            self._events.unsubscribe(subscription)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, EventLogClosedError):
                raise outcome

    async def _subscription(self, webhook: Webhook) -> Subscription:
        """Goes on behind what was delivered; a webhook that is new begins with what happens from now on."""
        pause = self._timing.first_pause
        while True:
            try:
                return await self._events.subscribe(None, None, CONSUMER.format(webhook.name))
            except BridgeError as error:
                logger().error("webhook_waits", webhook=webhook.name, error_code=error.code)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._timing.longest_pause)

    async def _deliver(self, call: Call, webhook: Webhook, subscription: Subscription) -> None:
        while True:
            event = await subscription.next()
            if not event.kept:
                continue
            if event.type in webhook.events:
                await self._until_taken(call, webhook, event, late=event.sequence <= subscription.sequence)
            self._events.acknowledge(CONSUMER.format(webhook.name), event.sequence)

    async def _until_taken(self, call: Call, webhook: Webhook, event: Event, *, late: bool) -> None:
        """Calls until the receiver takes the event, or has refused it too often."""
        url, secret = str(webhook.url), webhook.secret.get_secret_value()
        body = event.frame(late=late).encode()
        delivery = f"{self._events.log_id}-{event.sequence}"
        pause, refusals = self._timing.first_pause, 0
        while True:
            status, wish = await call(url, body, signed_headers(secret, delivery, int(time.time()), body))
            if status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                self.outcomes["delivered"] += 1
                return
            refused = status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _TOLD_LATER
            self.outcomes["refused" if refused else "failed"] += 1
            refusals += refused
            if refusals > self._timing.refusals:
                self.outcomes["passed_over"] += 1
                logger().error("webhook_passed_over", webhook=webhook.name, sequence=event.sequence, status=status)
                return
            wait = min(max(pause, wish), self._timing.longest_pause)
            logger().warning(
                "webhook_not_taken", webhook=webhook.name, sequence=event.sequence, status=status, again_in=wait
            )
            await asyncio.sleep(wait)
            pause = min(pause * 2, self._timing.longest_pause)


def _forgotten(connection: sqlite3.Connection, names: set[str]) -> Sequence[Happening]:
    """Forgets webhooks that are no longer set: what they have not taken would be kept for them."""
    event_store.forget_consumers(connection, CONSUMER.format(""), names)
    return []
