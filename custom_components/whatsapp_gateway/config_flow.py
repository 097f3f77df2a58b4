"""Adds an account: the gateway's address and token, then the QR code to scan."""

from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry, ConfigFlowResult, ConfigSubentryFlow
from homeassistant.const import CONF_TOKEN, CONF_URL
from homeassistant.core import callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
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
import probatio as vol
from yarl import URL

from .api.client import GatewayClient
from .api.errors import GatewayError
from .api.events import Hello
from .api.models import Account
from .app_dialog import AppDialog
from .const import CONF_ACCOUNT, CONF_PHONE, DOMAIN, REAUTH_LOGGED_OUT
from .errors import form_error
from .own_number import is_other_number
from .pairing_dialog import cleaned_up
from .recipient import SUBENTRY_RECIPIENT
from .recipient_flow import RecipientFlow

DEFAULT_URL: Final = "http://127.0.0.1:8000"
NEW_ACCOUNT: Final = "new_account"
NEW_ACCOUNT_NAME: Final = "WhatsApp"

_TOKEN_SELECTOR = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
_GATEWAY_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_URL): TextSelector(TextSelectorConfig(type=TextSelectorType.URL)),
        vol.Required(CONF_TOKEN): _TOKEN_SELECTOR,
    }
)
_TOKEN_SCHEMA = vol.Schema({vol.Required(CONF_TOKEN): _TOKEN_SELECTOR})


class WhatsAppConfigFlow(AppDialog, domain=DOMAIN):
    """The dialog that adds an account, links it anew, or changes where the gateway is."""

    VERSION = 1

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the dialog for recipients."""
        return {SUBENTRY_RECIPIENT: RecipientFlow}

    @override
    async def async_step_manual(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the gateway."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self.take_gateway(user_input)
            if not errors:
                return await self.async_step_account()
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(_GATEWAY_SCHEMA, user_input or {CONF_URL: DEFAULT_URL}),
            errors=errors,
        )

    @override
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
            return self.async_show_form(step_id="account", data_schema=schema, errors={"base": form_error(error)})
        self._account = account
        await self.async_set_unique_id(self._hello.identity(account.id))
        self._abort_if_unique_id_configured()
        return await (self.async_step_linked() if account.linked else self.async_step_pair())

    @override
    async def async_step_linked(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Finish: the account is linked."""
        assert self._account is not None  # noqa: S101 - a step before has chosen it
        title = self._account.phone or self._account.name
        number = {} if self._account.phone is None else {CONF_PHONE: self._account.phone}
        if self.source == SOURCE_REAUTH:
            entry = self._get_reauth_entry()
            if is_other_number(entry, self._account):
                return self.async_abort(
                    reason="other_number", description_placeholders={"phone": entry.data[CONF_PHONE]}
                )
            return self.async_update_reload_and_abort(entry, title=title, data_updates=number)
        # The frontend fetches the step that Home Assistant goes on to by itself: only the first of both makes the entry.
        self._abort_if_unique_id_configured()
        self.withdraw_offers()
        return self.async_create_entry(title=title, data=self._gateway | {CONF_ACCOUNT: self._account.id} | number)

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
            errors = await self.take_gateway({CONF_URL: entry.data[CONF_URL]} | user_input)
            errors = errors or self._check_account(entry)
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
            errors = await self.take_gateway(entry.data) or self._check_account(entry)
            if not errors:
                return await self.async_step_pair()
        return self.async_show_form(step_id="reauth_link", errors=errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the gateway is now."""
        entry = self._get_reconfigure_entry()
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self.take_gateway(user_input) or self._check_account(entry)
            if not errors:
                return self.async_update_reload_and_abort(entry, data_updates=self._gateway)
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                _GATEWAY_SCHEMA, user_input or {CONF_URL: entry.data[CONF_URL]}
            ),
            errors=errors,
        )

    @override
    async def take_gateway(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Tries an address and a token, and keeps them if they are right. Returns the form's errors."""
        url, token = str(given[CONF_URL]).strip().rstrip("/"), str(given[CONF_TOKEN]).strip()
        if not _is_web_address(url):
            return {CONF_URL: "invalid_url"}
        if not (token.isascii() and token.isprintable() and token):
            return {CONF_TOKEN: "invalid_auth"}
        await cleaned_up(self.hass)
        try:
            self._hello = await GatewayClient(async_get_clientsession(self.hass), url, token).hello()
        except GatewayError as error:
            key = form_error(error)
            return {CONF_TOKEN if key == "invalid_auth" else "base" if key == "api_version" else CONF_URL: key}
        self._gateway = {CONF_URL: url, CONF_TOKEN: token}
        return {}

    def _check_account(self, entry: ConfigEntry) -> dict[str, str]:
        """Looks for an entry's account at the gateway that was just taken: another gateway has other ones. Returns the form's errors."""
        account_id = entry.data[CONF_ACCOUNT]
        self._account = self._hello.account(account_id) if self._hello else None
        if self._hello is None or self._account is None or self._hello.identity(account_id) != entry.unique_id:
            return {"base": "account_not_found"}
        return {"base": "other_number"} if is_other_number(entry, self._account) else {}

    def _free_accounts(self, hello: Hello) -> list[Account]:
        """Returns the gateway's accounts that neither an entry nor another dialog has."""
        taken = self._async_current_ids(include_ignore=False) | {
            flow["context"].get("unique_id") for flow in self._async_in_progress(include_uninitialized=True)
        }
        return [account for account in hello.accounts if hello.identity(account.id) not in taken]

    async def _add_account(self) -> Account:
        account = await self._client().add_account(self._free_name())
        self._created = True
        return account

    def _free_name(self) -> str:
        """Returns a name that no other account has here: Home Assistant makes the entities' ids of it."""
        taken = {entry.data.get(CONF_ACCOUNT) for entry in self._async_current_entries(include_ignore=False)}
        name, number = NEW_ACCOUNT_NAME, 1
        while slugify(name, separator="-") in taken:
            number += 1
            name = f"{NEW_ACCOUNT_NAME} {number}"
        return name


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
