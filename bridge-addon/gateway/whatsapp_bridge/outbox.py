"""Messages that were accepted: each is delivered once, or reported as failed."""

import asyncio
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
import hashlib
import secrets

from whatsapp_bridge.account_outbox import AccountOutbox, OutgoingMessage, refusal
from whatsapp_bridge.accounts import Accounts
from whatsapp_bridge.engine import Engine
from whatsapp_bridge.engine_protocol import MessageStatusChanged, SendResult, TextContent
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.events import EventLog, EventType
from whatsapp_bridge.log import ChatHash, logger
from whatsapp_bridge.message import Message, MessageEvent, MessageStatus
from whatsapp_bridge.pacing import Pace
from whatsapp_bridge.timestamps import now

QUEUE_LIMIT = 1_000
"""Messages of one account that may wait."""

REMEMBERED_MESSAGES = 10_000
REMEMBERED_SECONDS = 86_400.0

_CALL_MARGIN = 5.0
_QUEUE_FULL_RETRY_AFTER = 10

_REFUSALS = {
    ErrorCode.ACCOUNT_NOT_PAIRED: "The account is not linked to a phone: pair it first.",
    ErrorCode.ACCOUNT_LOGGED_OUT: "The phone has removed this linked device: pair the account again.",
    ErrorCode.ACCOUNT_REPLACED: "The same link is used elsewhere: stop the other program, then restart this one.",
    ErrorCode.ACCOUNT_BLOCKED: "WhatsApp has blocked this account.",
    ErrorCode.ACCOUNT_FAILED: "The account cannot be used; the gateway's log says why.",
}


@dataclass(frozen=True)
class OutboxLimits:
    """What the settings say."""

    messages_per_second: float
    message_ttl: float


@dataclass
class SendTimes:
    """How long messages took from being accepted to being acknowledged."""

    count: int = 0
    seconds: float = 0.0


class Outbox:
    """The outbox of all accounts, in memory, with one worker for each account that sends."""

    def __init__(
        self, accounts: Accounts, engine: Engine, events: EventLog, limits: OutboxLimits, chat_hash: ChatHash
    ) -> None:
        self.settled: Counter[MessageStatus] = Counter()
        self.send_times = SendTimes()
        self._accounts = accounts
        self._engine = engine
        self._events = events
        self._limits = limits
        self._chat_hash = chat_hash
        self._outboxes: dict[str, AccountOutbox] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._messages: dict[tuple[str, str], OutgoingMessage] = {}
        self._keys: dict[tuple[str, str], OutgoingMessage] = {}
        self._remembered: deque[tuple[float, OutgoingMessage, str | None]] = deque()
        self._stopping = False

    def waiting(self) -> int:
        """Counts the messages that are still to be sent."""
        return sum(len(outbox) for outbox in self._outboxes.values())

    def accept(self, account_id: str, chat: str, content: TextContent, key: str | None = None) -> OutgoingMessage:
        """Takes a message in. The same idempotency key with the same message gives the first one again.

        Raises:
            BridgeError: `account_not_found`, `account_not_paired` and its like, `queue_full`, `idempotency_conflict`.
        """
        account = self._accounts.get(account_id)
        self._forget_old()
        fingerprint = hashlib.sha256(f"{chat}\n{content.model_dump_json()}".encode()).digest()
        if key is not None and (first := self._keys.get((account_id, key))) is not None:
            if first.fingerprint != fingerprint:
                raise BridgeError(
                    ErrorCode.IDEMPOTENCY_CONFLICT, "This Idempotency-Key was used for another message within a day."
                )
            return first
        if (code := refusal(account)) is not None:
            raise BridgeError(code, _REFUSALS[code])
        outbox = self._outbox(account_id)
        if len(outbox) >= QUEUE_LIMIT:
            raise BridgeError(
                ErrorCode.QUEUE_FULL,
                f"{QUEUE_LIMIT} messages of this account wait already.",
                retry_after=_QUEUE_FULL_RETRY_AFTER,
            )
        moment = asyncio.get_running_loop().time()
        outgoing = OutgoingMessage(
            account=account_id,
            message=Message(
                message_id=new_message_id(), to=chat, chat=chat, status=MessageStatus.QUEUED, timestamp=now()
            ),
            content=content,
            fingerprint=fingerprint,
            accepted_at=moment,
            expires_at=moment + self._limits.message_ttl,
        )
        self._messages[account_id, outgoing.message.message_id] = outgoing
        if key is not None:
            self._keys[account_id, key] = outgoing
        self._remembered.append((moment, outgoing, key))
        outbox.add(outgoing)
        logger().info(
            "message_accepted",
            account=account_id,
            message_id=outgoing.message.message_id,
            recipient=self._chat_hash(chat),
        )
        return outgoing

    def get(self, account_id: str, message_id: str) -> Message:
        """Returns a message.

        Raises:
            BridgeError: `account_not_found`, `message_not_found`.
        """
        return self._find(account_id, message_id).message

    def cancel(self, account_id: str, message_id: str) -> Message:
        """Takes a message out of the queue. One that will not be sent anyway is left as it is.

        Raises:
            BridgeError: `account_not_found`, `message_not_found`; `message_already_sent`: it was, or it may have been.
        """
        outgoing = self._find(account_id, message_id)
        if outgoing.attempts and outgoing.message.status not in {MessageStatus.FAILED, MessageStatus.EXPIRED}:
            raise BridgeError(ErrorCode.MESSAGE_ALREADY_SENT, "The message was sent already, or may have been.")
        if outgoing.message.status is MessageStatus.QUEUED:
            outgoing.change(MessageStatus.CANCELLED)
            self._outbox(account_id).drop(outgoing)
            self._settled(outgoing)
        return outgoing.message

    async def wait_until_settled(self, outgoing: OutgoingMessage, limit: float) -> Message:
        """Waits until WhatsApp has the message or never will, or `limit` seconds, or the gateway's end; returns it then."""
        if not self._stopping:
            with suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    await outgoing.settled.wait()
        return outgoing.message

    def account_changed(self, account_id: str) -> None:
        """Looks at an account anew. With an account that is gone, its messages go."""
        if self._accounts.find(account_id) is None:
            self._forget_account(account_id)
        elif (outbox := self._outboxes.get(account_id)) is not None:
            outbox.account_changed()

    def status_changed(self, change: MessageStatusChanged) -> None:
        """Takes over what the engine says of a message, also of one that this run has not accepted."""
        status = MessageStatus(change.status)
        outgoing = self._messages.get((change.account, change.message_id))
        reported = MessageEvent(
            message_id=change.message_id,
            to=change.chat if outgoing is None else outgoing.message.to,
            chat=change.chat,
            status=status,
            timestamp=change.timestamp,
            error_code=change.error_code,
            whatsapp_code=change.whatsapp_code,
            recipient=change.recipient,
        )
        if outgoing is None:
            self._publish(change.account, reported)
            return
        before = outgoing.message
        if status is MessageStatus.FAILED:
            if before.status.progress <= MessageStatus.SENT.progress and before.status is not status:
                self._overtake(outgoing, change)
        elif status.progress > before.status.progress:
            self._overtake(outgoing, change)
        elif change.recipient != change.chat:
            self._publish(change.account, reported)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Lets workers run in a task group. Must come before the first message."""
        self._tasks = tasks

    async def stop(self) -> None:
        """Stops sending. Who waits for a message is answered with its present state."""
        self._stopping = True
        for worker in self._workers.values():
            worker.cancel()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)
        for outgoing in self._messages.values():
            outgoing.settled.set()

    def _find(self, account_id: str, message_id: str) -> OutgoingMessage:
        self._accounts.get(account_id)
        if (outgoing := self._messages.get((account_id, message_id))) is None:
            raise BridgeError(ErrorCode.MESSAGE_NOT_FOUND, "There is no such message.")
        return outgoing

    def _overtake(self, outgoing: OutgoingMessage, change: MessageStatusChanged) -> None:
        """The engine knows more than the worker, whose answer got lost or is still to come."""
        unsettled = outgoing.message.status.unsettled
        first_known = outgoing.message.status.progress == 0
        outgoing.change(
            MessageStatus(change.status),
            chat=change.chat,
            timestamp=change.timestamp if first_known else None,
            error_code=change.error_code,
            whatsapp_code=change.whatsapp_code,
        )
        if unsettled:
            self._outbox(outgoing.account).drop(outgoing)
            self._settled(outgoing, recipient=change.recipient)
        else:
            event = MessageEvent(**outgoing.message.model_dump(by_alias=False), recipient=change.recipient)
            self._publish(outgoing.account, event.model_copy(update={"timestamp": change.timestamp}))

    def _settled(self, outgoing: OutgoingMessage, recipient: str | None = None) -> None:
        message = outgoing.message
        seconds = asyncio.get_running_loop().time() - outgoing.accepted_at
        self.settled[message.status] += 1
        if message.status.progress:
            self.send_times.count += 1
            self.send_times.seconds += seconds
        logger().info(
            "message_settled",
            account=outgoing.account,
            message_id=message.message_id,
            status=message.status,
            error_code=message.error_code,
            whatsapp_code=message.whatsapp_code,
            duration_ms=round(seconds * 1000),
        )
        fields = message.model_dump(by_alias=False)
        self._publish(outgoing.account, MessageEvent(**fields, recipient=recipient or message.chat))

    def _publish(self, account_id: str, event: MessageEvent) -> None:
        data = event.model_dump(mode="json")
        self._events.publish(account_id, EventType.MESSAGE_STATUS, data, kept=data)

    def _outbox(self, account_id: str) -> AccountOutbox:
        outbox = self._outboxes.get(account_id)
        if outbox is None:
            if self._tasks is None:
                raise RuntimeError("the outbox has not been started")
            outbox = AccountOutbox(
                lambda: self._accounts.find(account_id),
                self._send,
                self._settled,
                Pace(self._limits.messages_per_second),
            )
            self._outboxes[account_id] = outbox
            self._workers[account_id] = self._tasks.create_task(outbox.run(), name=f"outbox of {account_id}")
        return outbox

    async def _send(self, outgoing: OutgoingMessage, limit: float) -> SendResult:
        if outgoing.content is None:
            raise RuntimeError("a settled message is sent")
        params = {
            "account": outgoing.account,
            "message_id": outgoing.message.message_id,
            "to": outgoing.message.to,
            "content": outgoing.content.model_dump(mode="json"),
            "timeout": limit,
        }
        return SendResult.model_validate(await self._engine.call("message.send", params, limit + _CALL_MARGIN))

    def _forget_account(self, account_id: str) -> None:
        self._outboxes.pop(account_id, None)
        if (worker := self._workers.pop(account_id, None)) is not None:
            worker.cancel()
        for outgoing in [outgoing for outgoing in self._messages.values() if outgoing.account == account_id]:
            if outgoing.message.status.unsettled:
                outgoing.change(MessageStatus.CANCELLED)
                self._settled(outgoing)
            del self._messages[account_id, outgoing.message.message_id]
        self._keys = {name: outgoing for name, outgoing in self._keys.items() if outgoing.account != account_id}

    def _forget_old(self) -> None:
        """Forgets messages that were accepted long ago, or are too many; what is still to be sent stays."""
        oldest = asyncio.get_running_loop().time() - REMEMBERED_SECONDS
        while self._remembered and self._remembered[0][0] < oldest:
            self._forget_oldest()
        for _ in range(len(self._remembered) - REMEMBERED_MESSAGES):
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _, outgoing, key = self._remembered.popleft()
        if outgoing.message.status.unsettled:
            self._remembered.append((asyncio.get_running_loop().time(), outgoing, key))
            return
        self._messages.pop((outgoing.account, outgoing.message.message_id), None)
        if key is not None and self._keys.get((outgoing.account, key)) is outgoing:
            del self._keys[outgoing.account, key]


def new_message_id() -> str:
    """Makes a message id of the form that WhatsApp's own web client makes: `3EB0` and 18 hex digits."""
    return f"3EB0{secrets.token_hex(9).upper()}"
