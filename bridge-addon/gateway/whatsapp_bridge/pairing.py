"""Linking an account to a phone: by a QR code that the phone scans, or a code that its owner types."""

from datetime import datetime
import math
from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints

from whatsapp_bridge.account import Account
from whatsapp_bridge.accounts import Accounts
from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.engine import Engine
from whatsapp_bridge.engine_connection import EngineError
from whatsapp_bridge.engine_protocol import EngineErrorCode, Pairing
from whatsapp_bridge.errors import BridgeError, EngineUnavailableError, ErrorCode
from whatsapp_bridge.timestamps import now

_CALL_LIMIT = 20.0
_PASSKEY_LIMIT = 65.0
"""Seconds; the engine asks WhatsApp three times, up to 20 seconds each."""

type Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,8192}$")]


class AssertionResponse(BorderModel):
    """What the authenticator has signed; extra fields that browsers add are dropped."""

    clientDataJSON: Base64Url  # noqa: N815 - WebAuthn's name
    authenticatorData: Base64Url  # noqa: N815 - WebAuthn's name
    signature: Base64Url
    userHandle: Base64Url | None = None  # noqa: N815 - WebAuthn's name


class PasskeyAssertion(BorderModel):
    """A WebAuthn assertion, as `PublicKeyCredential.toJSON()` gives it."""

    model_config = ConfigDict(extra="ignore")

    id: Base64Url
    rawId: Base64Url  # noqa: N815 - WebAuthn's name
    type: Literal["public-key"]
    response: AssertionResponse


async def start_pairing(
    accounts: Accounts, engine: Engine, account_id: str, method: Literal["qr", "code"], phone: str | None
) -> Pairing:
    """Begins a pairing; a second one replaces the first. `phone` (E.164) goes with the method `code`.

    An account that was linked before takes its own number and no other: what it has, of messages and recipients, belongs to it.

    Raises:
        BridgeError: `account_not_found`, `account_failed`, `already_paired`, `pairing_other_number`, `pairing_rate_limited`,
            `engine_unavailable`.
    """
    account = accounts.get(account_id)
    before = account.pairing
    params = {"account": account_id, "method": method}
    if phone is not None:
        _check_code(accounts, account, phone)
        params["phone"] = phone
    if account.phone is not None:
        params["expected_phone"] = account.phone
    if account.reason == EngineErrorCode.STORE_UNUSABLE:
        raise BridgeError(
            ErrorCode.ACCOUNT_FAILED, "The account's store cannot be used: remove the account and add it again."
        )
    try:
        await engine.call("pairing.start", params, _CALL_LIMIT)
    except EngineError as error:
        raise _refusal(error) from error
    return accounts.pairing_begun(account_id, before, Pairing(method=method, status="waiting"))


def _check_code(accounts: Accounts, account: Account, phone: str) -> None:
    if account.phone is not None and phone != account.phone:
        detail = "This account was linked to another number. Give that one, or add a new account for this number."
        raise BridgeError(ErrorCode.PAIRING_OTHER_NUMBER, detail)
    until = accounts.no_codes_until(account.id)
    if until is not None and (wait := (until - now()).total_seconds()) > 0:
        detail = "WhatsApp gives no more codes for now, and asking makes it longer. Wait, or scan a QR code instead."
        raise BridgeError(ErrorCode.PAIRING_RATE_LIMITED, detail, retry_after=math.ceil(wait))


async def cancel_pairing(accounts: Accounts, engine: Engine, account_id: str) -> None:
    """Ends a pairing that is under way; without one nothing happens.

    Raises:
        BridgeError: `account_not_found`, `engine_unavailable`.
    """
    accounts.get(account_id)
    try:
        await engine.call("pairing.cancel", {"account": account_id}, _CALL_LIMIT)
    except EngineError as error:
        raise _refusal(error) from error


async def answer_passkey(accounts: Accounts, engine: Engine, account_id: str, assertion: PasskeyAssertion) -> None:
    """Hands on what the user's browser has made of `Pairing.passkey`; what becomes of it is told by `pairing.update`.

    Raises:
        BridgeError: `account_not_found`, `passkey_not_requested`, `engine_unavailable`.
    """
    accounts.get(account_id)
    try:
        await engine.call(
            "pairing.passkey", {"account": account_id, "assertion": assertion.model_dump(mode="json")}, _PASSKEY_LIMIT
        )
    except EngineError as error:
        raise _refusal(error) from error


async def confirm_passkey(accounts: Accounts, engine: Engine, account_id: str, *, same: bool) -> None:
    """Tells whether the phone shows the same code as `Pairing.code`; if not, the pairing ends.

    Raises:
        BridgeError: `account_not_found`, `passkey_not_requested`, `engine_unavailable`.
    """
    accounts.get(account_id)
    try:
        await engine.call("pairing.confirm", {"account": account_id, "same": same}, _PASSKEY_LIMIT)
    except EngineError as error:
        raise _refusal(error) from error


def shown_qr(accounts: Accounts, account_id: str, moment: datetime) -> tuple[str, datetime]:
    """Returns the QR text that is valid at a moment, and until when it is.

    Raises:
        BridgeError: `account_not_found`; `qr_not_available`: no pairing by QR code waits for the phone.
    """
    pairing = accounts.get(account_id).pairing
    if (
        pairing is not None
        and pairing.status == "waiting"
        and pairing.qr is not None
        and pairing.expires_at is not None
        and pairing.expires_at > moment
    ):
        return pairing.qr, pairing.expires_at
    raise BridgeError(ErrorCode.QR_NOT_AVAILABLE, "No QR code waits to be scanned: begin a pairing first.")


def _refusal(error: EngineError) -> BridgeError:
    match error.error_code:
        case EngineErrorCode.ALREADY_PAIRED:
            return BridgeError(ErrorCode.ALREADY_PAIRED, "The account is linked to a phone already.")
        case EngineErrorCode.PASSKEY_NOT_REQUESTED:
            detail = "WhatsApp does not ask for a passkey now: begin a pairing, and answer when it asks."
            return BridgeError(ErrorCode.PASSKEY_NOT_REQUESTED, detail)
        case EngineErrorCode.ACCOUNT_NOT_STARTED:
            return EngineUnavailableError()
        case EngineErrorCode.INVALID_PARAMS:
            return BridgeError(ErrorCode.VALIDATION_ERROR, "The engine did not accept how the account shall be paired.")
        case _:
            return BridgeError(ErrorCode.INTERNAL_ERROR, "The engine could not begin the pairing.")
