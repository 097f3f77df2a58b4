"""What Submit does in a repair."""

from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.components.repairs import FlowType, RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState, ConfigFlowContext
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import probatio as vol

from .api.errors import GatewayError
from .const import DOMAIN, REAUTH_LOGGED_OUT
from .coordinator import WhatsAppConfigEntry
from .errors import form_error
from .issues import PASSKEY_NEEDED, RESTARTED

type _Attempt = Callable[[WhatsAppConfigEntry], Awaitable[str | None]]
"""Tries to mend it. Returns the key of the form's error, None where it is mended."""


async def _restart(entry: WhatsAppConfigEntry) -> str | None:
    coordinator = entry.runtime_data
    await coordinator.client.restart_account(coordinator.account_id)
    return None


async def _check_storage(entry: WhatsAppConfigEntry) -> str | None:
    hello = await entry.runtime_data.client.hello()
    return "storage_still" if hello.storage is not None else None


class MendFlow(RepairsFlow):
    """Says what to do first; Submit tries whether that was enough."""

    def __init__(self, entry: WhatsAppConfigEntry, attempt: _Attempt) -> None:
        self._entry = entry
        self._attempt = attempt

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Show what to do."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Try, when the user says that it is done."""
        errors: dict[str, str] = {}
        if user_input is not None:
            error = await self._tried()
            if error is None:
                return self.async_create_entry(data={})
            errors = {"base": error}
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self.issue_id)
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders=issue.translation_placeholders if issue else None,
        )

    async def _tried(self) -> str | None:
        if self._entry.state is not ConfigEntryState.LOADED:
            return "cannot_connect"
        try:
            return await self._attempt(self._entry)
        except GatewayError as error:
            return form_error(error)


class LinkFlow(RepairsFlow):
    """Leads to the dialog that links the account."""

    def __init__(self, entry: WhatsAppConfigEntry) -> None:
        self._entry = entry

    async def async_step_init(self, _user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Open the dialog, or the one that waits already."""
        waiting = self._entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})
        flow_id = next((flow["flow_id"] for flow in waiting), None)
        if flow_id is None:
            context = ConfigFlowContext(
                source=SOURCE_REAUTH, entry_id=self._entry.entry_id, unique_id=self._entry.unique_id
            )
            data = {**self._entry.data, REAUTH_LOGGED_OUT: True}
            flow_id = (await self.hass.config_entries.flow.async_init(DOMAIN, context=context, data=data))["flow_id"]
        return self.async_create_entry(data={}, next_flow=(FlowType.CONFIG_FLOW, flow_id))


async def async_create_fix_flow(
    hass: HomeAssistant, _issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow of a repair."""
    issue = data or {}
    entry: WhatsAppConfigEntry = hass.config_entries.async_get_known_entry(str(issue["entry_id"]))
    key = str(issue["key"])
    if key == PASSKEY_NEEDED:
        return LinkFlow(entry)
    return MendFlow(entry, _restart if key in RESTARTED else _check_storage)
