"""The part of the dialog that links an account to a phone: codes, passkey, comparing, and how it may end."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from datetime import datetime
import json
import logging
from typing import Any, Final

from homeassistant.config_entries import ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.data_entry_flow import UnknownFlow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig
from homeassistant.util.hass_dict import HassKey
import probatio as vol

from .api.client import GatewayClient
from .api.errors import GatewayError, GatewayRequestError
from .api.models import Account
from .const import DOMAIN
from .engine_restart import past_engine_restart
from .errors import form_error
from .pairing_steps import (
    CodeShown,
    CodeToCompare,
    Ended,
    Linked,
    PairingStep,
    PasskeyWanted,
    Scanned,
    pairing_steps,
)

_LOGGER = logging.getLogger(__name__)

CONF_ASSERTION: Final = "assertion"

CLEANUP_LIMIT: Final = 20.0
"""Seconds that a new dialog waits for what an earlier one leaves to be tidied away."""

ATTENDED_LIMIT: Final = 5.0
"""Seconds after the linking in which an open frontend comes for the result; then the entry is made without it: on a phone,
the frontend sleeps while WhatsApp scans."""

_CLEANUPS: HassKey[set[asyncio.Task[None]]] = HassKey(f"{DOMAIN}_cleanups")

_PASSKEY_SCHEMA = vol.Schema({vol.Required(CONF_ASSERTION): TextSelector(TextSelectorConfig(multiline=True))})

_STEPS_OF_ENDINGS: Final = {
    "pairing_expired": "pairing_expired",
    "pairing_refused": "pairing_refused",
    "pairing_not_confirmed": "pairing_not_confirmed",
    "pairing_rate_limited": "pairing_rate_limited",
    "pairing_cancelled": "pairing_cancelled",
    "pairing_other_number": "pairing_other_number",
    "passkey_timeout": "pairing_passkey_timeout",
    "passkey_refused": "pairing_passkey_refused",
    "passkey_no_continuation": "pairing_passkey_stalled",
    "connection_lost": "pairing_connection_lost",
    "connect_timeout": "pairing_connection_lost",
    "engine_unavailable": "pairing_connection_lost",
    "cannot_connect": "pairing_gateway_lost",
}
"""The step that says what to do after each ending; `pairing_failed` after all others."""

type _Step = Callable[[PairingDialog, dict[str, Any] | None], Awaitable[ConfigFlowResult]]


def _offering_another_try(step_id: str) -> _Step:
    """Makes the step that says what to do after an ending."""

    async def step(dialog: PairingDialog, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        return dialog.offer_another_try(step_id)

    return step


class PairingDialog(ConfigFlow):
    """Links the account that the steps before have chosen, and goes on with `linked`."""

    def __init__(self) -> None:
        self._gateway: dict[str, str] = {}
        self._account: Account | None = None
        self._created = False
        """Whether this dialog has added the account at the gateway, and nobody has linked it."""
        self._steps: AsyncGenerator[PairingStep] | None = None
        self._next: asyncio.Task[PairingStep] | None = None
        self._progress_action = "prepare"
        self._qr = ""
        self._ending = ""
        self._passkey_options = ""
        self._compared_code = ""
        self._pairing = False
        """Whether a pairing is under way at the gateway."""
        self._unattended: CALLBACK_TYPE | None = None
        """Stops the finishing without a frontend."""

    async def async_step_pair(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the QR code that is valid now, until it was scanned or the pairing has ended otherwise."""
        if self._next is not None and self._next.done():
            step, self._next = self._next.result(), None
            match step:
                case CodeShown(svg=svg):
                    # Another key for each code: right after opening, the frontend looks at nothing else.
                    self._progress_action = "scan" if self._progress_action != "scan" else "scan_next"
                    self._qr = svg
                case PasskeyWanted(options=options):
                    self._passkey_options = options
                    return self.async_show_progress_done(next_step_id="passkey")
                case CodeToCompare(code=code):
                    self._compared_code = code
                    return self.async_show_progress_done(next_step_id="compare_codes")
                case Scanned():
                    self._progress_action = "link"
                case Linked(account=account):
                    self._account, self._pairing, self._created = account, False, False
                    self._unattended = async_call_later(self.hass, ATTENDED_LIMIT, self._finish_unattended)
                    return self.async_show_progress_done(next_step_id="linked")
                case Ended(code=code):
                    self._ending, self._pairing = code, False
                    return self.async_show_progress_done(next_step_id=_STEPS_OF_ENDINGS.get(code, "pairing_failed"))
        if self._next is None:
            self._next = self.hass.async_create_background_task(
                self._next_step(), f"{DOMAIN} pairing", eager_start=False
            )
        return self.async_show_progress(
            step_id="pair",
            progress_action=self._progress_action,
            description_placeholders={"qr": self._qr},
            progress_task=self._next,
        )

    async def async_step_passkey(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for what the browser on WhatsApp's page has made of the options."""
        errors: dict[str, str] = {}
        if user_input is not None:
            try:
                assertion = json.loads(user_input[CONF_ASSERTION])
            except ValueError:
                errors = {CONF_ASSERTION: "passkey_invalid"}
            else:
                errors = await self._bring_passkey(assertion)
            if not errors:
                self._progress_action = "link"
                return await self.async_step_pair()
        return self.async_show_form(
            step_id="passkey",
            data_schema=_PASSKEY_SCHEMA,
            errors=errors,
            description_placeholders={"options": self._passkey_options, "page": "https://web.whatsapp.com"},
        )

    async def _bring_passkey(self, assertion: object) -> dict[str, str]:
        """Hands it to the gateway; returns the form's errors. One that comes too late leads to the sentence for how it ended."""
        assert self._account is not None  # noqa: S101 - a step before has chosen it
        try:
            await self._client().answer_passkey(self._account.id, assertion)
        except GatewayRequestError as error:
            if error.code == "passkey_not_requested":
                return {}
            return (
                {CONF_ASSERTION: "passkey_invalid"} if error.code == "validation_error" else {"base": form_error(error)}
            )
        except GatewayError as error:
            return {"base": form_error(error)}
        return {}

    async def async_step_compare_codes(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the user compare our code with the phone's."""
        return self.async_show_menu(
            step_id="compare_codes",
            menu_options=["codes_same", "codes_differ"],
            description_placeholders={"code": self._compared_code},
        )

    async def async_step_codes_same(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The phone shows the same code."""
        return await self._compared(same=True)

    async def async_step_codes_differ(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The phone shows another code."""
        return await self._compared(same=False)

    async def _compared(self, *, same: bool) -> ConfigFlowResult:
        assert self._account is not None  # noqa: S101 - a step before has chosen it
        try:
            await self._client().confirm_pairing(self._account.id, same=same)
        except GatewayError as error:
            # what became of the pairing meanwhile is told by its next step
            _LOGGER.debug("The comparison came to nothing: %s", error)
        self._progress_action = "link"
        return await self.async_step_pair()

    async def async_step_linked(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Finish: the account is linked."""
        raise NotImplementedError

    async_step_pairing_expired = _offering_another_try("pairing_expired")
    async_step_pairing_refused = _offering_another_try("pairing_refused")
    async_step_pairing_not_confirmed = _offering_another_try("pairing_not_confirmed")
    async_step_pairing_rate_limited = _offering_another_try("pairing_rate_limited")
    async_step_pairing_passkey_timeout = _offering_another_try("pairing_passkey_timeout")
    async_step_pairing_passkey_refused = _offering_another_try("pairing_passkey_refused")
    async_step_pairing_passkey_stalled = _offering_another_try("pairing_passkey_stalled")
    async_step_pairing_other_number = _offering_another_try("pairing_other_number")
    async_step_pairing_cancelled = _offering_another_try("pairing_cancelled")
    async_step_pairing_connection_lost = _offering_another_try("pairing_connection_lost")
    async_step_pairing_gateway_lost = _offering_another_try("pairing_gateway_lost")
    async_step_pairing_failed = _offering_another_try("pairing_failed")

    @callback
    def async_remove(self) -> None:
        """Tidy up after the dialog, whether it has finished or was closed."""
        if self._unattended is not None:
            self._unattended()
        if self._steps is None and not self._created:
            return
        cleanups = self.hass.data.setdefault(_CLEANUPS, set())
        cleanup = self.hass.async_create_task(self._clean_up(), f"{DOMAIN} dialog cleanup", eager_start=False)
        cleanups.add(cleanup)
        cleanup.add_done_callback(cleanups.discard)

    def _client(self) -> GatewayClient:
        return GatewayClient(async_get_clientsession(self.hass), self._gateway[CONF_URL], self._gateway[CONF_TOKEN])

    async def _next_step(self) -> PairingStep:
        assert self._account is not None  # noqa: S101 - a step before has chosen it
        if self._steps is None:
            self._pairing = True
            self._steps = pairing_steps(self._client(), self._account.id)
        return await anext(self._steps)

    async def _finish_unattended(self, _now: datetime) -> None:
        self._unattended = None
        with suppress(UnknownFlow):
            await self.hass.config_entries.flow.async_configure(self.flow_id)

    def offer_another_try(self, step_id: str) -> ConfigFlowResult:
        """Says how the pairing has ended, and begins anew with one press."""
        self._steps, self._progress_action, self._qr = None, "prepare", ""
        number = (self._account.phone if self._account is not None else None) or ""
        return self.async_show_menu(
            step_id=step_id,
            menu_options=["pair"],
            description_placeholders={"code": self._ending, "phone": number},
        )

    async def _clean_up(self) -> None:
        """Ends a pairing that is under way, and erases an account that this dialog has added in vain."""
        if self._next is not None:
            await asyncio.wait({self._next})
        if self._steps is not None:
            await self._steps.aclose()
        account, client = self._account, self._client()
        assert account is not None  # noqa: S101 - there is nothing to tidy up before one is chosen
        try:
            if self._created:
                await past_engine_restart(lambda: client.remove_account(account.id))
            elif self._pairing:
                await client.cancel_pairing(account.id)
        except GatewayError as error:
            _LOGGER.warning("The pairing of account %s was not tidied away at the gateway: %s", account.id, error)


async def cleaned_up(hass: HomeAssistant) -> None:
    """Waits until what earlier dialogs have left is tidied away: their accounts must not be offered."""
    if cleanups := hass.data.get(_CLEANUPS):
        await asyncio.wait(set(cleanups), timeout=CLEANUP_LIMIT)
