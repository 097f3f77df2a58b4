"""Repairs: what the user has to do something about, shown as long as it lasts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .api.errors import GatewayApiVersionError, GatewayError
from .api.events import API_VERSIONS
from .api.models import Account, AccountState, PairingStatus
from .const import DOMAIN
from .errors import placeholders

API_VERSION: Final = "api_version"
PASSKEY_NEEDED: Final = "passkey_needed"
STORAGE_CODES: Final = frozenset({"storage_full", "storage_unusable"})

RESTARTED: Final = frozenset({"replaced", "temporarily_banned", "banned", "failed"})
"""Repairs that connect the account anew, once the user has done what the text says."""

_STATE_ISSUES: Final = RESTARTED | {"client_outdated", PASSKEY_NEEDED}


@dataclass(frozen=True, slots=True)
class _Issue:
    key: str
    placeholders: Mapping[str, str] = field(default_factory=dict)
    fixable: bool = True
    severity: ir.IssueSeverity = ir.IssueSeverity.ERROR


@callback
def async_show_state(hass: HomeAssistant, entry_id: str, title: str, account: Account, *, attended: bool) -> None:
    """Shows what an account's state asks for. `attended`: a dialog that links it is open, and asks for the passkey itself."""
    due = {issue.key: issue for issue in _due(account) if not (attended and issue.key == PASSKEY_NEEDED)}
    for key in _STATE_ISSUES:
        _show(hass, entry_id, title, key, due.get(key))


@callback
def async_show_storage(hass: HomeAssistant, entry_id: str, title: str, code: str | None) -> None:
    """Shows what keeps the gateway from writing, None for nothing."""
    for key in STORAGE_CODES:
        _show(hass, entry_id, title, key, _Issue(key) if key == code else None)


@callback
def async_show_version(hass: HomeAssistant, entry_id: str, title: str, error: GatewayError | None) -> None:
    """Shows that the gateway and we don't speak the same version, if that is the error."""
    issue = None
    if isinstance(error, GatewayApiVersionError):
        key = "gateway_too_old" if error.version < min(API_VERSIONS) else "gateway_too_new"
        issue = _Issue(key, placeholders(error), fixable=False)
    _show(hass, entry_id, title, API_VERSION, issue)


@callback
def async_forget(hass: HomeAssistant, entry_id: str) -> None:
    """Takes away all that is shown of an entry that is gone."""
    for key in _STATE_ISSUES | STORAGE_CODES | {API_VERSION}:
        ir.async_delete_issue(hass, DOMAIN, issue_id(key, entry_id))


def issue_id(key: str, entry_id: str) -> str:
    """Returns the id of a repair of an entry."""
    return f"{key}_{entry_id}"


def _due(account: Account) -> list[_Issue]:
    due: list[_Issue] = []
    match account.state, account.reason:
        case AccountState.REPLACED, _:
            due.append(_Issue("replaced"))
        case AccountState.BLOCKED, "temporarily_banned" if account.retry_at is not None:
            until = dt_util.as_local(account.retry_at).strftime("%Y-%m-%d %H:%M")
            due.append(_Issue("temporarily_banned", {"until": until}))
        case AccountState.BLOCKED, _:
            due.append(_Issue("banned"))
        case AccountState.FAILED, reason:
            due.append(_Issue("failed", {"reason": reason or "unknown"}))
        case AccountState.RECONNECTING, "client_outdated":
            due.append(_Issue("client_outdated", fixable=False, severity=ir.IssueSeverity.WARNING))
    if account.pairing is not None and account.pairing.status is PairingStatus.PASSKEY_REQUIRED:
        due.append(_Issue(PASSKEY_NEEDED, severity=ir.IssueSeverity.WARNING))
    return due


def _show(hass: HomeAssistant, entry_id: str, title: str, slot: str, issue: _Issue | None) -> None:
    """Shows an issue in its slot, or nothing there."""
    if issue is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id(slot, entry_id))
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id(slot, entry_id),
        data={"entry_id": entry_id, "key": issue.key},
        is_fixable=issue.fixable,
        severity=issue.severity,
        translation_key=issue.key,
        translation_placeholders={"account": title, **issue.placeholders},
    )
