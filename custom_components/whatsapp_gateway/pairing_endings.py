"""How a pairing may end without a link: for each ending a page that says what to do, and from which it begins anew."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.util import dt as dt_util

ENDINGS: Final = {
    "account_blocked": "pairing_blocked",
    "account_failed": "pairing_outdated",
    "account_logged_out": "pairing_unlinked",
    "account_not_found": "pairing_account_gone",
    "account_replaced": "pairing_replaced",
    "cannot_connect": "pairing_gateway_lost",
    "client_outdated": "pairing_outdated",
    "confirmation_timeout": "pairing_confirmation_timeout",
    "connect_timeout": "pairing_connection_lost",
    "connection_lost": "pairing_connection_lost",
    "engine_unavailable": "pairing_engine_restarted",
    "pairing_cancelled": "pairing_cancelled",
    "pairing_code_outdated": "pairing_code_outdated",
    "pairing_expired": "pairing_expired",
    "pairing_not_confirmed": "pairing_not_confirmed",
    "pairing_number_refused": "pairing_number_refused",
    "pairing_other_number": "pairing_other_number",
    "pairing_rate_limited": "pairing_rate_limited",
    "pairing_refused": "pairing_refused",
    "passkey_no_continuation": "pairing_passkey_stalled",
    "passkey_refused": "pairing_passkey_refused",
    "passkey_request_invalid": "pairing_passkey_unknown",
    "passkey_timeout": "pairing_passkey_timeout",
    "server_unavailable": "pairing_whatsapp_down",
}
"""The page for each code of a pairing that has ended; `pairing_failed` for all others."""

OTHER_ENDING: Final = "pairing_failed"

_WITHOUT_CODES: Final = "pairing_rate_limited"
"""After this one only a QR code helps."""

type _Step = Callable[[PairingEndings, dict[str, Any] | None], Awaitable[ConfigFlowResult]]


def _offering_another_try(step_id: str) -> _Step:
    async def step(dialog: PairingEndings, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return dialog.offer_another_try(step_id)

    return step


class PairingEndings(ConfigFlow):
    """The pages after an ending. Each begins anew with one press, in the same way or in the other."""

    def __init__(self) -> None:
        self._by_code = False
        """Whether the user types a code; else the phone scans one."""
        self._ending = ""
        self._retry_at: datetime | None = None

    def _known_number(self) -> str | None:
        """Return the number that the account belongs to, where it was linked before."""
        raise NotImplementedError

    def offer_another_try(self, step_id: str) -> ConfigFlowResult:
        """Say how the pairing has ended, and what can be done."""
        ways = ["code", "scan"] if self._by_code else ["scan", "code"]
        retry_at = "" if self._retry_at is None else f"{dt_util.as_local(self._retry_at):%H:%M}"
        return self.async_show_menu(
            step_id=step_id,
            menu_options=["scan"] if step_id == _WITHOUT_CODES else ways,
            description_placeholders={"code": self._ending, "phone": self._known_number() or "", "time": retry_at},
        )

    async_step_pairing_account_gone = _offering_another_try("pairing_account_gone")
    async_step_pairing_blocked = _offering_another_try("pairing_blocked")
    async_step_pairing_cancelled = _offering_another_try("pairing_cancelled")
    async_step_pairing_code_outdated = _offering_another_try("pairing_code_outdated")
    async_step_pairing_confirmation_timeout = _offering_another_try("pairing_confirmation_timeout")
    async_step_pairing_connection_lost = _offering_another_try("pairing_connection_lost")
    async_step_pairing_engine_restarted = _offering_another_try("pairing_engine_restarted")
    async_step_pairing_expired = _offering_another_try("pairing_expired")
    async_step_pairing_failed = _offering_another_try(OTHER_ENDING)
    async_step_pairing_gateway_lost = _offering_another_try("pairing_gateway_lost")
    async_step_pairing_not_confirmed = _offering_another_try("pairing_not_confirmed")
    async_step_pairing_number_refused = _offering_another_try("pairing_number_refused")
    async_step_pairing_other_number = _offering_another_try("pairing_other_number")
    async_step_pairing_outdated = _offering_another_try("pairing_outdated")
    async_step_pairing_passkey_refused = _offering_another_try("pairing_passkey_refused")
    async_step_pairing_passkey_stalled = _offering_another_try("pairing_passkey_stalled")
    async_step_pairing_passkey_timeout = _offering_another_try("pairing_passkey_timeout")
    async_step_pairing_passkey_unknown = _offering_another_try("pairing_passkey_unknown")
    async_step_pairing_rate_limited = _offering_another_try(_WITHOUT_CODES)
    async_step_pairing_refused = _offering_another_try("pairing_refused")
    async_step_pairing_replaced = _offering_another_try("pairing_replaced")
    async_step_pairing_unlinked = _offering_another_try("pairing_unlinked")
    async_step_pairing_whatsapp_down = _offering_another_try("pairing_whatsapp_down")
