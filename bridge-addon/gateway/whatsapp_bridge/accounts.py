"""The accounts and the state that each is in. The engine says what the state is; it is never guessed."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
import re
import unicodedata

from whatsapp_bridge.account import ENGINE_UNAVAILABLE, Account
from whatsapp_bridge.account_file import AccountEntry, AccountFile
from whatsapp_bridge.account_starts import AccountStarts
from whatsapp_bridge.connection_record import ConnectionRecord
from whatsapp_bridge.engine import Engine, EngineCall, EngineState
from whatsapp_bridge.engine_connection import EngineError
from whatsapp_bridge.engine_protocol import (
    AccountState,
    AccountStateChanged,
    EngineErrorCode,
    EraseResult,
    Pairing,
    PairingUpdate,
)
from whatsapp_bridge.errors import BridgeError, EngineUnavailableError, ErrorCode
from whatsapp_bridge.events import EventLog, EventType
from whatsapp_bridge.log import logger
from whatsapp_bridge.timestamps import now

_CALL_LIMIT = 10.0
_ERASE_LIMIT = 20.0
_ID_LENGTH = 24
_PHONE_LIKE = re.compile(r"[0-9]{5,}")

ChangeListener = Callable[[str], None]


class Accounts:
    """All accounts, oldest first. `on_change` hears the id of each that has a new state or has gone."""

    def __init__(self, file: AccountFile, engine: Engine, events: EventLog, on_change: ChangeListener) -> None:
        self._file = file
        self._engine = engine
        self._events = events
        self._on_change = on_change
        self._saving = asyncio.Lock()
        self._started: set[str] = set()
        self._starts = AccountStarts()
        self._phone_changed = asyncio.Event()
        self.record = ConnectionRecord()
        self._no_codes_until: dict[str, datetime] = {}
        moment = now()
        self._accounts = {
            entry.id: Account(
                id=entry.id, name=entry.name, phone=entry.phone, since=moment, created_at=entry.created_at
            )
            for entry in file.read()
        }

    def all(self) -> list[Account]:
        """Returns all accounts."""
        return list(self._accounts.values())

    def get(self, account_id: str) -> Account:
        """Returns an account.

        Raises:
            BridgeError: `account_not_found`.
        """
        if (account := self.find(account_id)) is None:
            raise BridgeError(ErrorCode.ACCOUNT_NOT_FOUND, "There is no such account.")
        return account

    def find(self, account_id: str) -> Account | None:
        """Returns an account, or None."""
        return self._accounts.get(account_id)

    def default(self) -> Account:
        """Returns the oldest account, which the simple calls mean.

        Raises:
            BridgeError: `account_not_found`: there is none yet.
        """
        for account in self._accounts.values():
            return account
        raise BridgeError(ErrorCode.ACCOUNT_NOT_FOUND, "There is no account yet: add one first.")

    def states(self) -> Counter[AccountState]:
        """Counts the accounts in each state."""
        return Counter(account.state for account in self._accounts.values())

    async def add(self, name: str) -> Account:
        """Adds an account, which then can be paired. Where the engine is away, it is started when that is back.

        Raises:
            OSError: the list cannot be written; nothing was added.
        """
        moment = now()
        account = Account(id=self._free_id(name), name=name, since=moment, created_at=moment)
        self._accounts[account.id] = account
        try:
            await self._save()
        except OSError:
            del self._accounts[account.id]
            raise
        self._publish(EventType.ACCOUNT_ADDED, account)
        logger().info("account_added", account=account.id)
        if self._engine.ready:
            with suppress(EngineUnavailableError):
                await self._start(self._engine.call, account.id)
        elif self._engine.state is EngineState.RESTARTING:
            self._change(self.get(account.id).in_state(AccountState.RECONNECTING, now(), ENGINE_UNAVAILABLE))
        return self.get(account.id)

    async def rename(self, account_id: str, name: str) -> Account:
        """Gives an account another name for people; its id stays.

        Raises:
            BridgeError: `account_not_found`.
        """
        before = self.get(account_id).name
        self._update(account_id, name=name)
        try:
            await self._save()
        except OSError:
            self._update(account_id, name=before)
            raise
        account = self.get(account_id)
        self._publish(EventType.ACCOUNT_CHANGED, account)
        return account

    async def remove(self, account_id: str) -> bool:
        """Unlinks an account at WhatsApp, where that can be reached, and erases it. Returns whether it was unlinked.

        Raises:
            BridgeError: `account_not_found`; `engine_unavailable`, `internal_error`, and nothing has been removed.
        """
        self.get(account_id)
        unlinked = await self._erase(account_id)
        self._started.discard(account_id)
        self._no_codes_until.pop(account_id, None)
        account = self._accounts.pop(account_id, None)
        if account is not None:
            await self._save()
            self.record.removed(account_id, now())
            self._publish(EventType.ACCOUNT_REMOVED, account)
            self._on_change(account_id)
            logger().info("account_removed", account=account_id, unlinked=unlinked)
        return unlinked

    async def restart(self, account_id: str) -> Account:
        """Ends an account's connection and begins a new one: also where it had been replaced, blocked or had failed.

        Raises:
            BridgeError: `account_not_found`.
            EngineUnavailableError: the engine does not run.
        """
        self.get(account_id)
        try:
            await self._engine.call("account.stop", {"account": account_id}, _CALL_LIMIT)
        except EngineError as error:
            if error.error_code != EngineErrorCode.ACCOUNT_NOT_STARTED:
                raise
        logger().info("account_restarted", account=account_id)
        await self._start(self._engine.call, account_id)
        return self.get(account_id)

    async def unlink(self, account_id: str) -> bool:
        """Unlinks an account at WhatsApp, where that can be reached, and keeps it to be linked anew. Returns whether WhatsApp was told.

        Raises:
            BridgeError: `account_not_found`; `internal_error`, and nothing has changed.
            EngineUnavailableError: the engine does not run.
        """
        self.get(account_id)
        unlinked = await self._erase(account_id)
        self._events.forget_deliveries(account_id)
        logger().info("account_unlinked", account=account_id, unlinked=unlinked)
        await self._start(self._engine.call, account_id)
        return unlinked

    async def _erase(self, account_id: str) -> bool:
        """Erases an account in the engine."""
        waiting = self._starts.take(account_id)
        try:
            result = await self._engine.call("account.erase", {"account": account_id}, _ERASE_LIMIT)
        except EngineUnavailableError:
            self._starts.put(account_id, waiting)
            raise
        except EngineError as error:
            self._starts.put(account_id, waiting)
            logger().error("account_not_erased", account=account_id, error_code=error.error_code)
            detail = "The engine could not erase the account, and nothing has been removed; its log says why."
            raise BridgeError(ErrorCode.INTERNAL_ERROR, detail) from error
        return EraseResult.model_validate(result).unlinked

    async def start_all(self, call: EngineCall) -> None:
        """Starts all accounts in an engine that has just come up, also those that are added meanwhile.

        Raises:
            EngineUnavailableError: it has ended meanwhile.
        """
        while waiting := [account_id for account_id in self._accounts if account_id not in self._started]:
            await asyncio.gather(*(self._start(call, account_id) for account_id in waiting))

    def engine_down(self) -> None:
        """Shows that no account can be used until the engine is back."""
        self._started.clear()
        self._starts.clear()
        for account in self.all():
            pairing = account.pairing
            if pairing is not None and pairing.under_way:
                failed = Pairing(method=pairing.method, status="failed", error_code=ENGINE_UNAVAILABLE)
                self._pairing_is(account.id, failed)
            if account.reason != ENGINE_UNAVAILABLE:
                self._change(self.get(account.id).in_state(AccountState.RECONNECTING, now(), ENGINE_UNAVAILABLE))

    def state_changed(self, change: AccountStateChanged) -> None:
        """Takes over what the engine says."""
        before = self._accounts.get(change.account)
        if before is None:
            logger().warning("state_of_unknown_account", account=change.account)
            return
        self._change(
            before.model_copy(
                update={
                    "state": change.state,
                    "reason": change.reason,
                    "phone": change.phone or before.phone,
                    "since": change.since,
                    "retry_at": change.retry_at,
                }
            )
        )
        if self.get(change.account).phone != before.phone:
            self._phone_changed.set()

    async def keep_phones(self) -> None:
        """Writes down which number an account is linked to, whenever that changes."""
        while True:
            await self._phone_changed.wait()
            self._phone_changed.clear()
            try:
                await self._save()
            except OSError as error:
                logger().error("phone_not_kept", error=type(error).__name__)

    def no_codes_until(self, account_id: str) -> datetime | None:
        """Until when WhatsApp gives no codes to type, as far as it is known; the moment may have passed."""
        return self._no_codes_until.get(account_id)

    def pairing_changed(self, update: PairingUpdate) -> None:
        """Takes over what the engine says."""
        if update.account in self._accounts:
            if update.retry_at is not None:
                self._no_codes_until[update.account] = update.retry_at
            self._pairing_is(update.account, Pairing.model_validate(update.model_dump(exclude={"account"})))

    def pairing_begun(self, account_id: str, before: Pairing | None, pairing: Pairing) -> Pairing:
        """Shows a pairing that the engine has accepted, and returns what is shown.

        `before` is what was shown when it was asked for: the engine may have told of the new one already.
        """
        shown = self.get(account_id).pairing
        if shown is None or shown is before or not shown.under_way:
            self._update(account_id, pairing=pairing)
            return pairing
        return shown

    def _pairing_is(self, account_id: str, pairing: Pairing) -> None:
        self._update(account_id, pairing=pairing)
        self._events.publish(account_id, EventType.PAIRING_UPDATE, pairing.model_dump(mode="json"), kept=None)
        logger().info("pairing", account=account_id, status=pairing.status, error_code=pairing.error_code)

    def _update(self, account_id: str, **fields: str | Pairing) -> None:
        self._accounts[account_id] = self._accounts[account_id].model_copy(update=fields)

    async def _start(self, call: EngineCall, account_id: str) -> None:
        """Starts an account; where it cannot be started now, it is tried again by `keep_starting`."""
        self._started.add(account_id)
        error_code = await _try_to_start(call, account_id, self._events.deliveries.get(account_id, 0))
        if error_code is None or account_id not in self._accounts:
            self._starts.take(account_id)
            return
        waiting = self._starts.refused(account_id, error_code)
        if not waiting.failed:
            return
        logger().error("account_not_started", account=account_id, error_code=error_code, again_in=waiting.pause)
        account, moment = self.get(account_id), now()
        if (account.state, account.reason) != (AccountState.FAILED, EngineErrorCode.STORE_UNUSABLE):
            account = account.in_state(AccountState.FAILED, moment, EngineErrorCode.STORE_UNUSABLE)
        self._change(account.model_copy(update={"retry_at": moment + timedelta(seconds=waiting.pause)}))

    async def keep_starting(self) -> None:
        """Starts what could not be started before, when its turn comes."""
        while True:
            for account_id in await self._starts.due():
                with suppress(EngineUnavailableError):
                    await self._start(self._engine.call, account_id)

    def _change(self, account: Account) -> None:
        if account == self._accounts[account.id]:
            return
        self._accounts[account.id] = account
        self.record.changed(account, now())
        self._publish(EventType.ACCOUNT_STATE, account)
        logger().info("account_state", account=account.id, state=account.state, reason=account.reason)
        self._on_change(account.id)

    def _publish(self, kind: EventType, account: Account) -> None:
        kept = account.without_codes().model_dump(mode="json")
        self._events.publish(account.id, kind, account.model_dump(mode="json"), kept=kept)

    async def _save(self) -> None:
        async with self._saving:
            entries = [
                AccountEntry(id=account.id, name=account.name, created_at=account.created_at, phone=account.phone)
                for account in self.all()
            ]
            await asyncio.to_thread(self._file.write, entries)

    def _free_id(self, name: str) -> str:
        """Makes an id that a person recognises. A name may be a phone number, which has no place in logs: an id may not."""
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        wish = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_ID_LENGTH].strip("-")
        if not wish or _PHONE_LIKE.search(wish.replace("-", "")):
            wish = "account"
        free = wish
        number = 1
        while free in self._accounts:
            number += 1
            free = f"{wish}-{number}"
        return free


async def _try_to_start(call: EngineCall, account_id: str, delivery: int) -> str | None:
    try:
        await call("account.start", {"account": account_id, "delivery": delivery}, _CALL_LIMIT)
    except EngineError as error:
        return error.error_code
    return None
