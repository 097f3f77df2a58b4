"""The part of the dialog that links an account to a phone: codes, passkey, comparing, and how it may end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import datetime
import json
import logging
from typing import Any, Final, override

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.data_entry_flow import UnknownFlow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
import probatio as vol

from .api.client import GatewayClient
from .api.errors import GatewayError, GatewayRequestError
from .api.models import Account
from .const import CONF_PHONE, DOMAIN
from .engine_restart import past_engine_restart
from .errors import form_error
from .pairing_endings import ENDINGS, OTHER_ENDING, PairingEndings
from .pairing_steps import (
    CodeShown,
    CodeToCompare,
    CodeToType,
    Ended,
    Linked,
    PairingStep,
    PasskeyWanted,
    Scanned,
    pairing_steps,
)
from .phone_numbers import international

_LOGGER = logging.getLogger(__name__)

CONF_ASSERTION: Final = "assertion"

CLEANUP_LIMIT: Final = 20.0
"""Seconds that a new dialog waits for what an earlier one leaves to be tidied away."""

ATTENDED_LIMIT: Final = 5.0
"""Seconds after the linking in which an open frontend comes for the result; then the entry is made without it: on a phone,
the frontend sleeps while WhatsApp scans."""

_CLEANUPS: HassKey[set[asyncio.Task[None]]] = HassKey(f"{DOMAIN}_cleanups")

_PASSKEY_SCHEMA = vol.Schema({vol.Required(CONF_ASSERTION): TextSelector(TextSelectorConfig(multiline=True))})

_SNIPPET: Final = (
    "navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(%s)})"
    ".then(c => prompt('Copy all of this:', JSON.stringify(c.toJSON())))"
)
"""What the user runs on WhatsApp's page. It is no translation: the frontend would take its braces for placeholders."""

_PHONE_SCHEMA = vol.Schema({vol.Required(CONF_PHONE): TextSelector(TextSelectorConfig(type=TextSelectorType.TEL))})


class PairingDialog(PairingEndings):
    """Links the account that the steps before have chosen, and goes on with `linked`."""

    def __init__(self) -> None:
        super().__init__()
        self._gateway: dict[str, str] = {}
        self._account: Account | None = None
        self._created = False
        """Whether this dialog has added the account at the gateway, and nobody has linked it."""
        self._steps: AsyncGenerator[PairingStep] | None = None
        self._next: asyncio.Task[PairingStep] | None = None
        self._progress_action = "prepare"
        self._shown: dict[str, str] = {}
        """What the present page of the progress has filled in."""
        self._typed_number = ""
        """What the user wrote as the phone's number, to be corrected if need be."""
        self._passkey_options = ""
        self._compared_code = ""
        self._pairing = False
        """Whether a pairing is under way at the gateway."""
        self._unattended: CALLBACK_TYPE | None = None
        """Stops the finishing without a frontend."""

    async def async_step_pair(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the user choose: a phone cannot scan what it shows itself."""
        return self.async_show_menu(step_id="pair", menu_options=["scan", "code"])

    async def async_step_scan(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the QR code that is valid now, until it was scanned or the pairing has ended otherwise."""
        if self._next is None and self._steps is None:
            self._begin("prepare")
        return self._linking("scan")

    async def async_step_code(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the phone's number, unless the account has one, and get a code for it."""
        phone, errors = self._known_number(), {}
        if user_input is not None:
            self._typed_number = user_input[CONF_PHONE]
            phone = international(self._typed_number, self.hass.config.country)
            errors = {} if phone else {CONF_PHONE: "invalid_phone"}
        if phone is None:
            schema = self.add_suggested_values_to_schema(_PHONE_SCHEMA, {CONF_PHONE: self._typed_number})
            return self.async_show_form(step_id="code", data_schema=schema, errors=errors)
        self._begin("prepare_code", phone)
        return await self.async_step_type_code()

    async def async_step_type_code(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the code to type, until it was typed or the pairing has ended otherwise."""
        return self._linking("type_code")

    def _begin(self, action: str, phone: str | None = None) -> None:
        assert self._account is not None  # noqa: S101 - a step before has chosen it
        self._by_code, self._progress_action, self._shown, self._pairing = phone is not None, action, {}, True
        self._steps = pairing_steps(self._client(), self._account.id, phone)

    async def _go_on(self) -> ConfigFlowResult:
        """Return to the progress from what the user was asked in between."""
        self._progress_action = "link"
        return await (self.async_step_type_code() if self._by_code else self.async_step_scan())

    def _linking(self, step_id: str) -> ConfigFlowResult:
        """Show the progress, or go on to what it has led to."""
        if self._next is not None and self._next.done():
            step, self._next = self._next.result(), None
            if (next_step := self._taken(step)) is not None:
                return self.async_show_progress_done(next_step_id=next_step)
        if self._next is None:
            assert self._steps is not None  # noqa: S101 - it was begun
            self._next = self.hass.async_create_background_task(
                anext(self._steps), f"{DOMAIN} pairing", eager_start=False
            )
        return self.async_show_progress(
            step_id=step_id,
            progress_action=self._progress_action,
            description_placeholders={"qr": "", "code": "", "until": ""} | self._shown,
            progress_task=self._next,
        )

    def _taken(self, step: PairingStep) -> str | None:
        """Take over what the pairing has come to; returns the step that follows, None while the progress goes on."""
        next_step = None
        match step:
            case CodeShown(picture=picture):
                # Another key for each code: right after opening, the frontend looks at nothing else.
                self._progress_action = "scan" if self._progress_action != "scan" else "scan_next"
                self._shown = {"qr": picture}
            case CodeToType(code=code, until=until):
                self._progress_action = "type_code"
                self._shown = {"code": code, "until": f"{dt_util.as_local(until):%H:%M}"}
            case PasskeyWanted(options=options):
                self._passkey_options = options
                next_step = "passkey"
            case CodeToCompare(code=code):
                self._compared_code = code
                next_step = "compare_codes"
            case Scanned():
                # the phone has it: what becomes of the connection, the account stays
                self._progress_action, self._created = "link", False
            case Linked(account=account):
                self._account, self._pairing, self._created = account, False, False
                self._unattended = async_call_later(self.hass, ATTENDED_LIMIT, self._finish_unattended)
                next_step = "linked"
            case Ended(code=code, retry_at=retry_at):
                self._ending, self._retry_at, self._pairing, self._steps = code, retry_at, False, None
                next_step = ENDINGS.get(code, OTHER_ENDING)
        return next_step

    @override
    def _known_number(self) -> str | None:
        return self._account.phone if self._account is not None else None

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
                return await self._go_on()
        return self.async_show_form(
            step_id="passkey",
            data_schema=_PASSKEY_SCHEMA,
            errors=errors,
            description_placeholders={"snippet": _SNIPPET % self._passkey_options, "page": "https://web.whatsapp.com"},
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
        return await self._go_on()

    async def async_step_linked(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Finish: the account is linked."""
        raise NotImplementedError

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

    async def _finish_unattended(self, _now: datetime) -> None:
        self._unattended = None
        with suppress(UnknownFlow):
            await self.hass.config_entries.flow.async_configure(self.flow_id)

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
