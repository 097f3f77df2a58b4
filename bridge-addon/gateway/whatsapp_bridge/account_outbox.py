"""The queue of one account and the worker that empties it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Unpack

from whatsapp_bridge.account import Account
from whatsapp_bridge.engine_connection import EngineError
from whatsapp_bridge.engine_protocol import AccountState, EngineErrorCode, SendResult
from whatsapp_bridge.errors import EngineUnavailableError, ErrorCode
from whatsapp_bridge.log import logger
from whatsapp_bridge.message import MessageStatus
from whatsapp_bridge.outgoing_message import Outcome, OutgoingMessage
from whatsapp_bridge.pacing import TOO_MUCH, Pace
from whatsapp_bridge.sending_queue import SendingQueue

ACKNOWLEDGEMENT_LIMIT = 20.0
"""Seconds that WhatsApp gets to acknowledge a message before it is sent again."""

_SHORTEST_LIMIT = 1.0
"""Seconds; the engine's `timeout` has no smaller one."""

IN_FLIGHT = 8
"""Chats that are sent to at the same time."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0

_RETRIED: frozenset[str] = frozenset(
    {EngineErrorCode.NOT_CONNECTED, EngineErrorCode.ACKNOWLEDGEMENT_TIMEOUT, EngineErrorCode.ACCOUNT_NOT_STARTED}
)
_REFUSALS = {
    AccountState.PAIRING: ErrorCode.ACCOUNT_NOT_PAIRED,
    AccountState.LOGGED_OUT: ErrorCode.ACCOUNT_LOGGED_OUT,
    AccountState.REPLACED: ErrorCode.ACCOUNT_REPLACED,
    AccountState.BLOCKED: ErrorCode.ACCOUNT_BLOCKED,
    AccountState.FAILED: ErrorCode.ACCOUNT_FAILED,
}
_FAILURES: dict[str, ErrorCode] = {
    EngineErrorCode.RECIPIENT_NOT_ON_WHATSAPP: ErrorCode.RECIPIENT_NOT_ON_WHATSAPP,
    EngineErrorCode.MESSAGE_REJECTED: ErrorCode.MESSAGE_REJECTED,
    EngineErrorCode.MESSAGE_NOT_KEPT: ErrorCode.MESSAGE_NOT_KEPT,
    EngineErrorCode.MEDIA_UNREADABLE: ErrorCode.MEDIA_UNREADABLE,
    EngineErrorCode.MEDIA_UPLOAD_FAILED: ErrorCode.MEDIA_UPLOAD_FAILED,
    EngineErrorCode.NOT_POSSIBLE_HERE: ErrorCode.NOT_POSSIBLE_HERE,
    EngineErrorCode.INVALID_PARAMS: ErrorCode.VALIDATION_ERROR,
}


def failure_code(engine_code: str | None) -> ErrorCode:
    """Returns our code for why WhatsApp or the engine failed a message, also where the engine gave none, or one that is new."""
    return _FAILURES.get(engine_code or "", ErrorCode.MESSAGE_REJECTED)


Sender = Callable[[OutgoingMessage, float], Awaitable[SendResult]]
SettledListener = Callable[[OutgoingMessage], None]


def refusal(account: Account | None) -> ErrorCode | None:
    """Returns why an account takes no messages: somebody must act first. None where they go out, now or by themselves later."""
    if account is None:
        return ErrorCode.ACCOUNT_NOT_FOUND
    if account.state is AccountState.LOGGED_OUT and account.reason == "not_paired":
        return ErrorCode.ACCOUNT_NOT_PAIRED
    return _REFUSALS.get(account.state)


class AccountOutbox:
    """Messages of one account, in the order of acceptance. A chat's messages go out one after the other."""

    def __init__(
        self,
        account: Callable[[], Account | None],
        send: Sender,
        on_settled: SettledListener,
        pace: Pace,
    ) -> None:
        self.pace = pace
        self._account = account
        self._send = send
        self._on_settled = on_settled
        self._queue = SendingQueue()
        self._sending: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def free(self) -> bool:
        """Whether a message that came now would be sent at once."""
        account = self._account()
        connected = account is not None and account.state is AccountState.CONNECTED
        return connected and not self._sending and not len(self._queue) and not self.pace.pause(new_chat=True)

    def add(self, outgoing: OutgoingMessage) -> None:
        """Queues a message."""
        self._queue.add(outgoing)
        self._changed.set()

    def drop(self, outgoing: OutgoingMessage) -> None:
        """Takes a message out that was settled by something else than this worker."""
        self._queue.remove(outgoing)
        self._changed.set()

    def account_changed(self) -> None:
        """Looks at the account's state anew. Once it is connected, nothing that failed for the lack of it waits longer."""
        account = self._account()
        if account is not None and account.state is AccountState.CONNECTED:
            self._queue.hurry()
        self._changed.set()

    async def run(self) -> None:
        """Sends until cancelled. A message that is being sent then is left unsettled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._changed.clear()
                self._settle_hopeless(loop.time())
                wake_at = self._send_due(loop.time())
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(wake_at):
                        await self._changed.wait()
        finally:
            for task in self._sending:
                task.cancel()
            await asyncio.gather(*self._sending, return_exceptions=True)

    def _settle_hopeless(self, moment: float) -> None:
        """Fails what nobody will send any more: its time is over, or the account needs somebody to act."""
        for outgoing in self._queue.expired(moment):
            self._settle(outgoing, MessageStatus.EXPIRED, error_code=ErrorCode.MESSAGE_EXPIRED)
        refused = refusal(self._account())
        if refused is not None:
            for outgoing in self._queue:
                if outgoing.message.status is MessageStatus.QUEUED:
                    self._settle(outgoing, MessageStatus.FAILED, error_code=refused)

    def _send_due(self, moment: float) -> float | None:
        """Starts sending all that may go out now; returns when to look again (loop time), None: when something changes."""
        account = self._account()
        pause = 0.0
        if account is not None and account.state is AccountState.CONNECTED:
            while len(self._sending) < IN_FLIGHT and (outgoing := self._queue.next_due(moment)) is not None:
                if pause := self.pace.pause(new_chat=outgoing.first_to_chat):
                    break
                self.pace.take(new_chat=outgoing.first_to_chat)
                self._queue.take()
                self._begin(outgoing)
        moments = [moment + pause] if pause else []
        if (wakes_at := self._queue.wakes_at()) is not None:
            moments.append(wakes_at)
        return min(moments, default=None)

    def _begin(self, outgoing: OutgoingMessage) -> None:
        outgoing.attempts += 1
        outgoing.change(MessageStatus.SENDING)
        task = asyncio.create_task(self._attempt(outgoing), name="message.send")
        self._sending.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._changed.set()

    async def _attempt(self, outgoing: OutgoingMessage) -> None:
        loop = asyncio.get_running_loop()
        limit = min(
            ACKNOWLEDGEMENT_LIMIT + outgoing.upload_seconds, max(_SHORTEST_LIMIT, outgoing.expires_at - loop.time())
        )
        try:
            result = await self._send(outgoing, limit)
        except EngineUnavailableError:
            self._try_again(outgoing, "engine_unavailable")
        except EngineError as error:
            if error.error_code in _RETRIED:
                self._try_again(outgoing, error.error_code)
            else:
                if error.whatsapp_code in TOO_MUCH:
                    self.pace.refused()
                    logger().warning("account_rests", account=outgoing.account, seconds=round(self.pace.resting))
                code = _FAILURES.get(error.error_code, ErrorCode.INTERNAL_ERROR)
                self._settle(outgoing, MessageStatus.FAILED, error_code=code, whatsapp_code=error.whatsapp_code)
        except Exception:  # noqa: BLE001 - a fault of ours must not leave the message unsettled
            logger().exception("message_send_failed", account=outgoing.account)
            self._settle(outgoing, MessageStatus.FAILED, error_code=ErrorCode.INTERNAL_ERROR)
        else:
            self.pace.accepted()
            self._settle(outgoing, MessageStatus.SENT, chat=result.chat, timestamp=result.timestamp)

    def _try_again(self, outgoing: OutgoingMessage, cause: str) -> None:
        """Puts a message back: whether it arrived is unknown, and the same id makes a second copy harmless."""
        if not outgoing.message.status.unsettled:
            return
        pause = min(_FIRST_PAUSE * 2 ** (outgoing.attempts - 1), _LONGEST_PAUSE)
        outgoing.not_before = asyncio.get_running_loop().time() + pause
        outgoing.change(MessageStatus.QUEUED)
        self._queue.put_back(outgoing)
        logger().warning(
            "message_unacknowledged",
            account=outgoing.account,
            message_id=outgoing.message.message_id,
            attempts=outgoing.attempts,
            cause=cause,
        )

    def _settle(self, outgoing: OutgoingMessage, status: MessageStatus, **outcome: Unpack[Outcome]) -> None:
        if outgoing.message.status.unsettled:
            outgoing.change(status, **outcome)
            self._on_settled(outgoing)
        self._queue.remove(outgoing)
