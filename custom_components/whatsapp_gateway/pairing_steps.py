"""Links an account to a phone and tells, step by step, what a dialog has to show."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
import json
from typing import Final

from homeassistant.util import dt as dt_util

from .api.client import GatewayClient
from .api.connection import EventConnection
from .api.errors import GatewayError, GatewayRequestError
from .api.models import Account, AccountState, Pairing, PairingStatus
from .engine_restart import past_engine_restart
from .errors import translation_key
from .qr_picture import dialog_picture

UPDATE_LIMIT: Final = 120.0
"""Seconds without any news after which a pairing counts as lost; WhatsApp's codes live 60 and 20 seconds."""
CONNECT_LIMIT: Final = 60.0
"""Seconds that an account may take from the scan to being connected."""

_DEAD_STATES = frozenset({AccountState.LOGGED_OUT, AccountState.REPLACED, AccountState.BLOCKED, AccountState.FAILED})


@dataclass(frozen=True, slots=True)
class CodeShown:
    """This QR code (a picture in Markdown) is the valid one from now on."""

    picture: str


@dataclass(frozen=True, slots=True)
class CodeToType:
    """The user has to type this code on the phone, in two groups of four, before it expires."""

    code: str
    until: datetime


@dataclass(frozen=True, slots=True)
class PasskeyWanted:
    """WhatsApp asks for a passkey first; `options` are WebAuthn request options in JSON, for a browser on WhatsApp's page."""

    options: str


@dataclass(frozen=True, slots=True)
class CodeToCompare:
    """The user has to say whether the phone shows the same code."""

    code: str


@dataclass(frozen=True, slots=True)
class Scanned:
    """The phone has linked us; the connection is being made."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The account is linked, and connected unless it had been linked before. The last step."""

    account: Account


@dataclass(frozen=True, slots=True)
class Ended:
    """It ended without success; `code` says why: a code of the gateway or of `errors.translation_key`. The last step.

    With `pairing_rate_limited` comes from when on WhatsApp may give a code again.
    """

    code: str
    retry_at: datetime | None = None


type PairingStep = CodeShown | CodeToType | PasskeyWanted | CodeToCompare | Scanned | Linked | Ended


async def pairing_steps(
    client: GatewayClient, account_id: str, phone: str | None = None
) -> AsyncGenerator[PairingStep]:
    """Begins a pairing, by QR code or by a code for the phone of that number, and follows it to its last step."""
    try:
        async with client.events() as connection:
            news = await _begun(client, account_id, phone)
            if isinstance(news, Account):
                yield Linked(news)
                return
            paired = False
            while True:
                step = await _step(client, account_id, news, paired=paired)
                if step is not None:
                    yield step
                if isinstance(step, Linked | Ended):
                    return
                paired = paired or isinstance(step, Scanned)
                async with asyncio.timeout(CONNECT_LIMIT if paired else UPDATE_LIMIT):
                    news = await _news(connection, account_id)
    except TimeoutError:
        yield Ended("connect_timeout")
    except GatewayRequestError as error:
        wait = None if error.retry_after is None else timedelta(seconds=error.retry_after)
        yield Ended(error.code, None if wait is None else dt_util.utcnow() + wait)
    except GatewayError as error:
        yield Ended(translation_key(error))


async def _begun(client: GatewayClient, account_id: str, phone: str | None) -> Pairing | Account:
    """Begins a pairing; an account that turns out to be linked is returned instead."""
    try:
        return await past_engine_restart(lambda: client.begin_pairing(account_id, phone))
    except GatewayRequestError as error:
        if error.code != "already_paired":
            raise
        return await client.account(account_id)


async def _news(connection: EventConnection, account_id: str) -> Pairing | Account:
    while True:
        event = await connection.next()
        if event.account == account_id and isinstance(event.data, Pairing | Account):
            return event.data


async def _step(client: GatewayClient, account_id: str, news: Pairing | Account, *, paired: bool) -> PairingStep | None:
    """Returns what a piece of news means for the dialog, None if nothing."""
    match news:
        case Pairing():
            return await _pairing_step(client, account_id, news)
        case Account(state=AccountState.CONNECTED):
            return Linked(news)
        case Account(state=state) if paired and state in _DEAD_STATES:
            return Ended(f"account_{state}")
        case Account(reason="client_outdated") if paired:
            return Ended("client_outdated")
    return None


async def _pairing_step(client: GatewayClient, account_id: str, pairing: Pairing) -> PairingStep | None:
    step: PairingStep | None = None
    match pairing:
        case Pairing(status=PairingStatus.WAITING, qr=str()):
            step = await _code(client, account_id)
        case Pairing(status=PairingStatus.WAITING, code=str() as code, expires_at=datetime() as until):
            step = CodeToType(f"{code[:4]}-{code[4:]}", until)
        case Pairing(status=PairingStatus.PASSKEY_REQUIRED, passkey=dict() as options):
            step = PasskeyWanted(json.dumps(options))
        case Pairing(status=PairingStatus.CONFIRMATION_REQUIRED, code=str() as code):
            step = CodeToCompare(code)
        case Pairing(status=PairingStatus.PAIRED):
            step = Scanned()
        case Pairing(status=PairingStatus.CANCELLED):
            step = await _cancelled(client, account_id)
        case Pairing(status=PairingStatus.EXPIRED | PairingStatus.REFUSED | PairingStatus.FAILED):
            step = Ended(pairing.error_code or f"pairing_{pairing.status}", pairing.retry_at)
        case _:
            pass
    return step


async def _code(client: GatewayClient, account_id: str) -> CodeShown | None:
    try:
        return CodeShown(dialog_picture(await client.qr_svg(account_id)))
    except GatewayRequestError as error:
        if error.code != "qr_not_available":
            raise
        # It was scanned or replaced while we fetched it: the news of that are on their way.
        return None


async def _cancelled(client: GatewayClient, account_id: str) -> Ended | None:
    """Beginning a pairing cancels the one before, and that is told too; only a cancelled last one ends the dialog."""
    pairing = (await client.account(account_id)).pairing
    if pairing is not None and pairing.status is PairingStatus.CANCELLED:
        return Ended("pairing_cancelled")
    return None
