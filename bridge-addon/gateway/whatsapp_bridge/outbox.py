"""Messages that were accepted: each is on the disk before its caller is answered, and delivered once, or reported as failed."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
import hashlib
import json
import secrets
import sqlite3
import time

from pydantic import JsonValue

from whatsapp_bridge import event_store, message_store
from whatsapp_bridge.account_outbox import AccountOutbox, failure_code, refusal
from whatsapp_bridge.accounts import Accounts
from whatsapp_bridge.database import Database
from whatsapp_bridge.durations import Durations
from whatsapp_bridge.engine import Engine
from whatsapp_bridge.engine_protocol import MessageStatusChanged, SendResult
from whatsapp_bridge.errors import BridgeError, EngineUnavailableError, ErrorCode
from whatsapp_bridge.event_store import Happening
from whatsapp_bridge.events import EventLog, EventType
from whatsapp_bridge.log import ChatHash, logger
from whatsapp_bridge.message import Message, MessageEvent, MessageStatus
from whatsapp_bridge.message_store import Accepted, Request
from whatsapp_bridge.outgoing_files import OutgoingFiles
from whatsapp_bridge.outgoing_message import OutgoingMessage, kind_of
from whatsapp_bridge.pacing import Pace
from whatsapp_bridge.queue_reports import QueueReports
from whatsapp_bridge.timestamps import now

_CALL_MARGIN = 5.0
_SLOWEST_UPLOAD = 400_000
"""Bytes a second that an upload is given time for; 200 MiB are 9 minutes."""
_QUEUE_FULL_RETRY_AFTER = 10
_TIDY_EVERY = 500
"""Messages after which what was settled long ago is forgotten."""

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
    queue_limit: int


class Outbox:
    """The outbox of all accounts, with one worker for each account that sends."""

    def __init__(
        self,
        accounts: Accounts,
        engine: Engine,
        database: Database,
        events: EventLog,
        limits: OutboxLimits,
        chat_hash: ChatHash,
        files: OutgoingFiles,
    ) -> None:
        self.settled: Counter[tuple[str, MessageStatus]] = Counter()
        """By type of message and how it ended."""
        self.send_times = Durations()
        """From being accepted to WhatsApp's acknowledgement."""
        self.acknowledgement_times = Durations()
        """From being handed to the engine to WhatsApp's acknowledgement."""
        self._accounts = accounts
        self._engine = engine
        self._database = database
        self._events = events
        self._limits = limits
        self._chat_hash = chat_hash
        self._files = files
        self._outboxes: dict[str, AccountOutbox] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._messages: dict[tuple[str, str], OutgoingMessage] = {}
        self._accepting: Counter[str] = Counter()
        self._stopping = False
        self._queue_reports = QueueReports(events, lambda account: self.waiting_by_account().get(account, 0))

    def waiting(self) -> int:
        """Counts the messages that are still to be sent."""
        return sum(len(outbox) for outbox in self._outboxes.values())

    def waiting_by_account(self) -> dict[str, int]:
        """Counts the messages that are still to be sent, for each account that has some."""
        return {account: len(outbox) for account, outbox in self._outboxes.items() if len(outbox)}

    def resting(self) -> int:
        """Counts the accounts that send nothing for now, since WhatsApp said that it was too much."""
        return sum(outbox.pace.resting > 0 for outbox in self._outboxes.values())

    def check_accepts(self, account_id: str) -> None:
        """Checks whether an account takes messages now, before files are fetched for one.

        Raises:
            BridgeError: `account_not_found`, `account_not_paired` and its like, `engine_unavailable`.
        """
        if self._stopping:
            raise EngineUnavailableError
        if (code := refusal(self._accounts.get(account_id))) is not None:
            raise BridgeError(code, _REFUSALS[code])

    async def accept(
        self,
        account_id: str,
        chat: str,
        request: Request,
        *,
        identity: JsonValue = None,
        key: str | None = None,
        ttl: float | None = None,
        files: tuple[str, ...] = (),
    ) -> OutgoingMessage | Message:
        """Takes a message in; it is on the disk when this returns.

        The same idempotency key with the same message gives the first one again: as a Message where it is settled already.
        `identity` tells messages apart, by default the request does.
        `ttl` is in seconds, by default that of the settings. `files` are kept until the message is settled, and released at
        once where this one is not accepted as a new one.

        Raises:
            BridgeError: `account_not_found`, `account_not_paired` and its like, `queue_full`, `idempotency_conflict`,
                `engine_unavailable` (the gateway stops), `storage_full`, `storage_unusable`.
        """
        taken = False
        try:
            fingerprint = _fingerprint(chat, request if identity is None else identity)
            outgoing = await self._accept(account_id, chat, request, fingerprint, key, ttl, files)
            taken = isinstance(outgoing, OutgoingMessage) and outgoing.files == files
            return outgoing
        finally:
            if not taken:
                self._files.release(files)

    async def _accept(
        self,
        account_id: str,
        chat: str,
        request: Request,
        fingerprint: bytes,
        key: str | None,
        ttl: float | None,
        files: tuple[str, ...],
    ) -> OutgoingMessage | Message:
        account = self._accounts.get(account_id)
        if key is not None and (
            known := await self._database.read(lambda db: message_store.by_key(db, account_id, key))
        ):
            return self._known(account_id, known, fingerprint)
        if self._stopping:
            raise EngineUnavailableError
        if (code := refusal(account)) is not None:
            raise BridgeError(code, _REFUSALS[code])
        if len(self._outbox(account_id)) + self._accepting[account_id] >= self._limits.queue_limit:
            raise BridgeError(
                ErrorCode.QUEUE_FULL,
                f"{self._limits.queue_limit} messages of this account wait already.",
                retry_after=_QUEUE_FULL_RETRY_AFTER,
            )
        moment = time.time()
        message = Message(message_id=new_message_id(), to=chat, chat=chat, status=MessageStatus.QUEUED, timestamp=now())
        expires_at = moment + (self._limits.message_ttl if ttl is None else ttl)
        goes_at_once = self._outbox(account_id).free and not self._accepting[account_id]
        accepted = Accepted(account_id, message, request, files, fingerprint, moment, expires_at, tried=goes_at_once)

        def keep(connection: sqlite3.Connection) -> bool | message_store.KnownKey:
            if key is not None and (known := message_store.by_key(connection, account_id, key)) is not None:
                return known
            return message_store.insert(connection, accepted, key)

        self._accepting[account_id] += 1
        try:
            kept = await self._database.write(keep)
        finally:
            self._accepting[account_id] -= 1
        if isinstance(kept, message_store.KnownKey):
            return self._known(account_id, kept, fingerprint)
        outgoing = self._on_its_way(accepted, tried=False, first_to_chat=kept)
        logger().info(
            "message_accepted", account=account_id, message_id=message.message_id, recipient=self._chat_hash(chat)
        )
        return outgoing

    def _known(self, account_id: str, known: message_store.KnownKey, fingerprint: bytes) -> OutgoingMessage | Message:
        if known.fingerprint != fingerprint:
            raise BridgeError(ErrorCode.IDEMPOTENCY_CONFLICT, "This Idempotency-Key was used for another message.")
        return self._messages.get((account_id, known.message.message_id), known.message)

    def _on_its_way(self, accepted: Accepted, *, tried: bool, first_to_chat: bool) -> OutgoingMessage:
        loop_time = asyncio.get_running_loop().time()
        # a clock that was set back or forward since must neither keep a message for ever nor end it at once
        lives = min(max(0.0, accepted.expires_at - time.time()), accepted.expires_at - accepted.accepted_at)
        outgoing = OutgoingMessage(
            account=accepted.account,
            message=accepted.message,
            kind=kind_of(accepted.request),
            request=accepted.request,
            files=accepted.files,
            accepted_at=loop_time,
            expires_at=loop_time + lives,
            first_to_chat=first_to_chat,
            tried=tried,
            tried_on_disk=accepted.tried,
            upload_seconds=sum(self._files.size(name) for name in accepted.files) / _SLOWEST_UPLOAD,
        )
        self._messages[accepted.account, accepted.message.message_id] = outgoing
        if self._accounts.find(accepted.account) is None or self._stopping:
            outgoing.settled.set()
        else:
            self._outbox(accepted.account).add(outgoing)
            self._queue_reports.changed(accepted.account)
        return outgoing

    async def get(self, account_id: str, message_id: str) -> Message:
        """Returns a message.

        Raises:
            BridgeError: `account_not_found`, `message_not_found`, `storage_unusable`.
        """
        self._accounts.get(account_id)
        if (outgoing := self._messages.get((account_id, message_id))) is not None:
            return outgoing.message
        message = await self._database.read(lambda db: message_store.find(db, account_id, message_id))
        if message is None:
            raise BridgeError(ErrorCode.MESSAGE_NOT_FOUND, "There is no such message.")
        return message

    async def newest(self, account_id: str, status: MessageStatus | None, limit: int) -> list[Message]:
        """Returns an account's messages, newest first.

        Raises:
            BridgeError: `account_not_found`, `storage_unusable`.
        """
        self._accounts.get(account_id)
        messages = await self._database.read(lambda db: message_store.newest(db, account_id, status, limit))
        present = [self._messages.get((account_id, message.message_id)) for message in messages]
        return [
            message if outgoing is None else outgoing.message
            for message, outgoing in zip(messages, present, strict=True)
        ]

    async def cancel(self, account_id: str, message_id: str) -> Message:
        """Takes a message out of the queue. One that will not be sent anyway is left as it is.

        Raises:
            BridgeError: `account_not_found`, `message_not_found`; `message_already_sent`: it was, or it may have been.
        """
        message = await self.get(account_id, message_id)
        outgoing = self._messages.get((account_id, message_id))
        if message.status in {MessageStatus.CANCELLED, MessageStatus.FAILED, MessageStatus.EXPIRED}:
            return message
        if outgoing is None or outgoing.attempts or outgoing.tried:
            raise BridgeError(ErrorCode.MESSAGE_ALREADY_SENT, "The message was sent already, or may have been.")
        outgoing.change(MessageStatus.CANCELLED)
        self._settled(outgoing)
        self._outbox(account_id).drop(outgoing)
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
        """Takes over what the engine says of a message, also of one that this gateway does not know."""
        status = MessageStatus(change.status)
        error_code = failure_code(change.error_code) if status is MessageStatus.FAILED else None
        outgoing = self._messages.get((change.account, change.message_id))
        if outgoing is not None and outgoing.message.status.unsettled:
            # the worker's answer got lost, or is still to come
            outgoing.change(
                status,
                chat=change.chat,
                timestamp=change.timestamp,
                error_code=error_code,
                whatsapp_code=change.whatsapp_code,
            )
            self._settled(outgoing, recipient=change.recipient, delivery=change.delivery)
            self._outbox(outgoing.account).drop(outgoing)
            return
        reported = MessageEvent(
            message_id=change.message_id,
            to=change.chat,
            chat=change.chat,
            status=status,
            timestamp=change.timestamp,
            error_code=error_code,
            whatsapp_code=change.whatsapp_code,
            recipient=change.recipient,
        )
        self._events.record_delivery(
            change.account, change.delivery, lambda connection: _risen(connection, change.account, reported)
        )

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Lets workers run in a task group. Must come before the first message."""
        self._tasks = tasks
        waiting = self._database.now(message_store.unsettled)
        self._files.release_all_but({name for accepted in waiting for name in accepted.files})
        for accepted in waiting:
            if self._accounts.find(accepted.account) is not None:
                self._on_its_way(accepted, tried=accepted.tried, first_to_chat=accepted.first_to_chat)

    async def stop(self) -> None:
        """Stops sending. Who waits for a message is answered with its present state."""
        self._stopping = True
        self._queue_reports.stop()
        for worker in self._workers.values():
            worker.cancel()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)
        for outgoing in self._messages.values():
            outgoing.settled.set()

    def _settled(self, outgoing: OutgoingMessage, recipient: str | None = None, delivery: int | None = None) -> None:
        message, files, account = outgoing.message, outgoing.files, outgoing.account
        seconds = asyncio.get_running_loop().time() - outgoing.accepted_at
        self.settled[outgoing.kind, message.status] += 1
        self._queue_reports.changed(account)
        if message.status.progress:
            self.send_times.add(seconds)
        logger().info(
            "message_settled",
            account=account,
            message_id=message.message_id,
            status=message.status,
            error_code=message.error_code,
            whatsapp_code=message.whatsapp_code,
            duration_ms=round(seconds * 1000),
        )
        event = MessageEvent(**message.model_dump(by_alias=False), recipient=recipient or message.chat)
        moment = time.time()
        tidy = sum(self.settled.values()) % _TIDY_EVERY == 0

        def write(connection: sqlite3.Connection) -> Sequence[Happening]:
            message_store.settle(connection, account, message, moment)
            if tidy:
                message_store.forget_settled(connection, moment)
            return [_happening(account, event)]

        def written() -> None:
            self._messages.pop((account, message.message_id), None)
            self._files.release(files)

        self._events.record_delivery(account, delivery, write, written)

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
        if outgoing.request is None:
            raise RuntimeError("a settled message is sent")
        account, message = outgoing.account, outgoing.message
        if not outgoing.tried:
            outgoing.tried = True
            if not outgoing.tried_on_disk:
                self._events.record(lambda connection: _tried(connection, account, message.message_id))
        params = outgoing.request | {
            "account": account,
            "message_id": message.message_id,
            "to": message.to,
            "timeout": limit,
        }
        started = asyncio.get_running_loop().time()
        result = SendResult.model_validate(await self._engine.call("message.send", params, limit + _CALL_MARGIN))
        self.acknowledgement_times.add(asyncio.get_running_loop().time() - started)
        return result

    def _forget_account(self, account_id: str) -> None:
        self._outboxes.pop(account_id, None)
        if (worker := self._workers.pop(account_id, None)) is not None:
            worker.cancel()
        for outgoing in [outgoing for outgoing in self._messages.values() if outgoing.account == account_id]:
            if outgoing.message.status.unsettled:
                outgoing.change(MessageStatus.CANCELLED)
                self._settled(outgoing)
        self._events.record(lambda connection: _forgotten(connection, account_id))


def _fingerprint(chat: str, identity: JsonValue) -> bytes:
    return hashlib.sha256(f"{chat}\n{json.dumps(identity, sort_keys=True)}".encode()).digest()


def _tried(connection: sqlite3.Connection, account: str, message_id: str) -> Sequence[Happening]:
    message_store.mark_tried(connection, account, message_id)
    return []


def _forgotten(connection: sqlite3.Connection, account: str) -> Sequence[Happening]:
    message_store.forget_account(connection, account)
    event_store.forget_delivery(connection, account)
    return []


def _risen(connection: sqlite3.Connection, account: str, reported: MessageEvent) -> Sequence[Happening]:
    """Raises the status of a settled message; what is told twice, or less than was known, is no news unless it is of one member."""
    before = message_store.find(connection, account, reported.message_id)
    if before is None:
        return [_happening(account, reported)]
    event = reported.model_copy(update={"to": before.to})
    if reported.status is MessageStatus.FAILED:
        news = before.status.progress <= MessageStatus.SENT.progress and before.status is not MessageStatus.FAILED
    else:
        news = reported.status.progress > before.status.progress
    if news:
        fields = event.model_dump(by_alias=False, exclude={"recipient"})
        if before.status.progress:
            fields["timestamp"] = before.timestamp
        message_store.update(connection, account, Message(**fields))
    return [_happening(account, event)] if news or reported.recipient != reported.chat else []


def _happening(account: str, event: MessageEvent) -> Happening:
    data = event.model_dump(mode="json")
    return Happening(account, EventType.MESSAGE_STATUS, now(), data, kept=data)


def new_message_id() -> str:
    """Makes a message id of the form that WhatsApp's own web client makes: `3EB0` and 18 hex digits."""
    return f"3EB0{secrets.token_hex(9).upper()}"
