"""Adds an account: the gateway's address and token, then the QR code to scan."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from datetime import datetime
import json
import logging
from typing import Any, Final

from homeassistant.config_entries import SOURCE_REAUTH, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.data_entry_flow import UnknownFlow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util import slugify
from homeassistant.util.hass_dict import HassKey
import probatio as vol
from yarl import URL

from .api.client import GatewayClient
from .api.errors import GatewayError, GatewayRequestError
from .api.events import Hello
from .api.models import Account
from .const import CONF_ACCOUNT, DOMAIN, REAUTH_LOGGED_OUT
from .engine_restart import past_engine_restart
from .errors import translation_key
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

DEFAULT_URL: Final = "http://127.0.0.1:8000"
CONF_ASSERTION: Final = "assertion"
NEW_ACCOUNT: Final = "new_account"
NEW_ACCOUNT_NAME: Final = "WhatsApp"
CLEANUP_LIMIT: Final = 20.0
"""Seconds that a new dialog waits for what an earlier one leaves to be tidied away."""

ATTENDED_LIMIT: Final = 5.0
"""Seconds after the linking in which an open frontend comes for the result; then the entry is made without it: on a phone,
the frontend sleeps while WhatsApp scans."""

_CLEANUPS: HassKey[set[asyncio.Task[None]]] = HassKey(f"{DOMAIN}_cleanups")

_TOKEN_SELECTOR = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
_GATEWAY_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_URL): TextSelector(TextSelectorConfig(type=TextSelectorType.URL)),
        vol.Required(CONF_TOKEN): _TOKEN_SELECTOR,
    }
)
_TOKEN_SCHEMA = vol.Schema({vol.Required(CONF_TOKEN): _TOKEN_SELECTOR})

_PASSKEY_SCHEMA = vol.Schema({vol.Required(CONF_ASSERTION): TextSelector(TextSelectorConfig(multiline=True))})

_STEPS_OF_ENDINGS: Final = {
    "pairing_expired": "pairing_expired",
    "pairing_refused": "pairing_refused",
    "pairing_not_confirmed": "pairing_not_confirmed",
    "pairing_rate_limited": "pairing_rate_limited",
    "pairing_cancelled": "pairing_cancelled",
    "passkey_timeout": "pairing_passkey_timeout",
    "passkey_refused": "pairing_passkey_refused",
    "passkey_no_continuation": "pairing_passkey_stalled",
    "connection_lost": "pairing_connection_lost",
    "connect_timeout": "pairing_connection_lost",
    "engine_unavailable": "pairing_connection_lost",
    "cannot_connect": "pairing_gateway_lost",
}
"""The step that says what to do after each ending; `pairing_failed` after all others."""

_FORM_ERRORS: Final = frozenset(
    {"api_version", "cannot_connect", "engine_unavailable", "internal_error", "invalid_auth", "not_the_gateway"}
)
"""Errors that have a sentence in a form; `request_failed` for all others."""


class WhatsAppConfigFlow(ConfigFlow, domain=DOMAIN):
    """The dialog that adds an account, links it anew, or changes where the gateway is."""

    VERSION = 1

    def __init__(self) -> None:
        self._gateway: dict[str, str] = {}
        self._hello: Hello | None = None
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

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the gateway."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._take_gateway(user_input)
            if not errors:
                return await self.async_step_account()
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(_GATEWAY_SCHEMA, user_input or {CONF_URL: DEFAULT_URL}),
            errors=errors,
        )

    async def async_step_account(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the user choose where the gateway has accounts that nobody uses yet; else add one."""
        assert self._hello is not None  # noqa: S101 - the step before has asked for it
        free = self._free_accounts(self._hello)
        if user_input is None and free:
            return self.async_show_form(step_id="account", data_schema=_account_schema(free))
        chosen = NEW_ACCOUNT if user_input is None else user_input[CONF_ACCOUNT]
        try:
            account = next((account for account in free if account.id == chosen), None) or await self._add_account()
        except GatewayError as error:
            schema = _account_schema(free)
            return self.async_show_form(step_id="account", data_schema=schema, errors={"base": _form_error(error)})
        self._account = account
        await self.async_set_unique_id(account.id)
        self._abort_if_unique_id_configured()
        return await (self.async_step_linked() if account.linked else self.async_step_pair())

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
                {CONF_ASSERTION: "passkey_invalid"}
                if error.code == "validation_error"
                else {"base": _form_error(error)}
            )
        except GatewayError as error:
            return {"base": _form_error(error)}
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
        assert self._account is not None  # noqa: S101 - a step before has chosen it
        title = self._account.phone or self._account.name
        if self.source == SOURCE_REAUTH:
            return self.async_update_reload_and_abort(self._get_reauth_entry(), title=title)
        # The frontend fetches the step that Home Assistant goes on to by itself: only the first of both makes the entry.
        self._abort_if_unique_id_configured()
        return self.async_create_entry(title=title, data=self._gateway | {CONF_ACCOUNT: self._account.id})

    async def async_step_pairing_expired(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Nobody scanned."""
        return self._offer_another_try("pairing_expired")

    async def async_step_pairing_refused(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """WhatsApp or the phone said no."""
        return self._offer_another_try("pairing_refused")

    async def async_step_pairing_not_confirmed(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The phone has scanned, and did not go on."""
        return self._offer_another_try("pairing_not_confirmed")

    async def async_step_pairing_rate_limited(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """WhatsApp allows no more attempts for now."""
        return self._offer_another_try("pairing_rate_limited")

    async def async_step_pairing_passkey_timeout(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Nobody brought the passkey."""
        return self._offer_another_try("pairing_passkey_timeout")

    async def async_step_pairing_passkey_refused(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """WhatsApp did not take the passkey."""
        return self._offer_another_try("pairing_passkey_refused")

    async def async_step_pairing_passkey_stalled(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The phone did not go on."""
        return self._offer_another_try("pairing_passkey_stalled")

    async def async_step_pairing_cancelled(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Somebody else has cancelled it, or begun another."""
        return self._offer_another_try("pairing_cancelled")

    async def async_step_pairing_connection_lost(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """The gateway cannot reach WhatsApp."""
        return self._offer_another_try("pairing_connection_lost")

    async def async_step_pairing_gateway_lost(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """We cannot reach the gateway."""
        return self._offer_another_try("pairing_gateway_lost")

    async def async_step_pairing_failed(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """It failed in another way."""
        return self._offer_another_try("pairing_failed")

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Home Assistant asks for help: the token is not accepted, or the account is not linked any more."""
        if REAUTH_LOGGED_OUT in entry_data:
            return await self.async_step_reauth_link()
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the token."""
        entry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._take_gateway({CONF_URL: entry.data[CONF_URL]} | user_input)
            if not errors:
                return self.async_update_reload_and_abort(entry, data_updates=self._gateway)
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=_TOKEN_SCHEMA,
            errors=errors,
            description_placeholders={"url": entry.data[CONF_URL]},
        )

    async def async_step_reauth_link(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Begin the pairing when the user is there to scan: this dialog may have waited for days."""
        entry = self._get_reauth_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._take_gateway(entry.data)
            self._account = self._hello.account(entry.data[CONF_ACCOUNT]) if self._hello else None
            if not errors and self._account is None:
                errors = {"base": "account_not_found"}
            if not errors:
                return await self.async_step_pair()
        return self.async_show_form(step_id="reauth_link", errors=errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the gateway is now."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._take_gateway(user_input)
            if not errors and self._hello and self._hello.account(entry.data[CONF_ACCOUNT]) is None:
                errors = {"base": "account_not_found"}
            if not errors:
                return self.async_update_reload_and_abort(entry, data_updates=self._gateway)
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                _GATEWAY_SCHEMA, user_input or {CONF_URL: entry.data[CONF_URL]}
            ),
            errors=errors,
        )

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

    async def _take_gateway(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Tries an address and a token, and keeps them if they are right. Returns the form's errors."""
        url, token = str(given[CONF_URL]).strip().rstrip("/"), str(given[CONF_TOKEN]).strip()
        if not _is_web_address(url):
            return {CONF_URL: "invalid_url"}
        if not (token.isascii() and token.isprintable() and token):
            return {CONF_TOKEN: "invalid_auth"}
        await _cleaned_up(self.hass)
        try:
            self._hello = await GatewayClient(async_get_clientsession(self.hass), url, token).hello()
        except GatewayError as error:
            key = _form_error(error)
            return {CONF_TOKEN if key == "invalid_auth" else "base" if key == "api_version" else CONF_URL: key}
        self._gateway = {CONF_URL: url, CONF_TOKEN: token}
        return {}

    def _client(self) -> GatewayClient:
        return GatewayClient(async_get_clientsession(self.hass), self._gateway[CONF_URL], self._gateway[CONF_TOKEN])

    def _free_accounts(self, hello: Hello) -> list[Account]:
        """Returns the gateway's accounts that neither an entry nor another dialog has."""
        taken = self._async_current_ids(include_ignore=False) | {
            flow["context"].get("unique_id") for flow in self._async_in_progress(include_uninitialized=True)
        }
        return [account for account in hello.accounts if account.id not in taken]

    async def _add_account(self) -> Account:
        account = await self._client().add_account(self._free_name())
        self._created = True
        return account

    def _free_name(self) -> str:
        """Returns a name from which the gateway makes an id that no entry has, also none of another gateway."""
        taken = self._async_current_ids(include_ignore=False)
        name, number = NEW_ACCOUNT_NAME, 1
        while slugify(name, separator="-") in taken:
            number += 1
            name = f"{NEW_ACCOUNT_NAME} {number}"
        return name

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

    def _offer_another_try(self, step_id: str) -> ConfigFlowResult:
        self._steps, self._progress_action, self._qr = None, "prepare", ""
        return self.async_show_menu(
            step_id=step_id, menu_options=["pair"], description_placeholders={"code": self._ending}
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


def _form_error(error: GatewayError) -> str:
    key = translation_key(error)
    return key if key in _FORM_ERRORS else "request_failed"


def _account_schema(free: list[Account]) -> vol.Schema:
    options = [SelectOptionDict(value=account.id, label=_label(account)) for account in free]
    options.append(SelectOptionDict(value=NEW_ACCOUNT, label=NEW_ACCOUNT))
    selector = SelectSelector(
        SelectSelectorConfig(options=options, mode=SelectSelectorMode.LIST, translation_key=CONF_ACCOUNT)
    )
    return vol.Schema({vol.Required(CONF_ACCOUNT, default=options[0]["value"]): selector})


def _label(account: Account) -> str:
    return f"{account.name} ({account.phone})" if account.phone else account.name


def _is_web_address(url: str) -> bool:
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host) and not parsed.query and not parsed.fragment


async def _cleaned_up(hass: HomeAssistant) -> None:
    """Waits until what earlier dialogs have left is tidied away: their accounts must not be offered."""
    if cleanups := hass.data.get(_CLEANUPS):
        await asyncio.wait(set(cleanups), timeout=CLEANUP_LIMIT)
