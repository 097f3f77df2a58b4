"""The part of the dialog for where Home Assistant has a Supervisor: it installs and starts the app, and types nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import logging
from typing import TYPE_CHECKING, Any, Final, override

from homeassistant.config_entries import SOURCE_HASSIO, ConfigEntryState, ConfigFlowResult
from homeassistant.helpers.hassio import is_hassio
from homeassistant.helpers.service_info.hassio import HassioServiceInfo

from .api.events import Hello
from .const import DOMAIN
from .pairing_dialog import PairingDialog

if TYPE_CHECKING:
    from homeassistant.components.hassio import AddonManager

_LOGGER = logging.getLogger(__name__)

REPOSITORY: Final = "https://github.com/whatsapp-gateway/home-assistant-whatsapp-gateway"
ADD_REPOSITORY: Final = (
    f"https://my.home-assistant.io/redirect/supervisor_add_addon_repository/?repository_url={REPOSITORY}"
)

START_LIMIT: Final = 120.0
"""Seconds that a started app may take until it answers."""

_PAUSE: Final = 1.0
_RELOADED_IN: Final = {ConfigEntryState.LOADED, ConfigEntryState.SETUP_ERROR, ConfigEntryState.SETUP_RETRY}


class AppDialog(PairingDialog):
    """Finds the gateway by the Supervisor, and goes on with `account`; or lets the user say where it is."""

    def __init__(self) -> None:
        super().__init__()
        self._hello: Hello | None = None
        self._app: AddonManager | None = None
        self._work: asyncio.Task[None] | None = None

    async def take_gateway(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Tries an address and a token, and keeps them if they are right. Returns the form's errors."""
        raise NotImplementedError

    async def async_step_account(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose or add the account."""
        raise NotImplementedError

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Offer the app where it can be had; else ask for the gateway."""
        if user_input is None and is_hassio(self.hass):
            return await self.async_step_where()
        return await self.async_step_manual(user_input)

    async def async_step_where(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the user choose between the app and a gateway that runs elsewhere."""
        return self.async_show_menu(step_id="where", menu_options=["app", "manual"])

    async def async_step_manual(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the gateway."""
        raise NotImplementedError

    async def async_step_app(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Look for the app in the store."""
        from .supervisor_app import AppError, find_app  # noqa: PLC0415 - see there

        try:
            self._app = await find_app(self.hass)
        except AppError as error:
            _LOGGER.warning("The Supervisor does not tell its apps: %s", error)
            return await self.async_step_app_failed()
        return await (self.async_step_app_repository() if self._app is None else self.async_step_install_app())

    async def async_step_app_repository(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the user add our repository to the store: no integration does that by itself."""
        if user_input is not None:
            return await self.async_step_app()
        return self.async_show_form(step_id="app_repository", description_placeholders={"link": ADD_REPOSITORY})

    async def async_step_install_app(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Install the app unless it is there."""
        return self._working("install_app", self._install) or await self.async_step_start_app()

    async def async_step_start_app(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Start the app unless it runs, and wait until it answers."""
        return self._working("start_app", self._start) or self.async_show_progress_done(next_step_id="app_ready")

    async def async_step_app_ready(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on with the gateway that was taken."""
        return await self.async_step_account()

    async def async_step_app_failed(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Offer another try, or the manual way."""
        return self.async_show_menu(step_id="app_failed", menu_options=["app", "manual"])

    def _working(self, step_id: str, work: Callable[[], Awaitable[None]]) -> ConfigFlowResult | None:
        """Shows that something is being done; None when it has been."""
        from .supervisor_app import AppError  # noqa: PLC0415 - see there

        async def done() -> None:
            await work()

        if self._work is None:
            self._work = self.hass.async_create_task(done(), f"{DOMAIN} {step_id}", eager_start=False)
        if not self._work.done():
            return self.async_show_progress(step_id=step_id, progress_action=step_id, progress_task=self._work)
        finished, self._work = self._work, None
        try:
            finished.result()
        except (AppError, TimeoutError) as error:
            _LOGGER.warning("%s: %s", step_id, error or "the app does not answer")
            return self.async_show_progress_done(next_step_id="app_failed")
        return None

    async def _install(self) -> None:
        from .supervisor_app import install  # noqa: PLC0415 - see there

        assert self._app is not None  # noqa: S101 - the step before has found it
        # who closes the dialog does not stop the Supervisor
        await asyncio.shield(self.hass.async_create_task(install(self._app), f"{DOMAIN} installing"))

    async def _start(self) -> None:
        """Starts the app and takes what it tells, once that is right: what an earlier start has told may be old."""
        from .supervisor_app import start, told_gateway  # noqa: PLC0415 - see there

        assert self._app is not None  # noqa: S101 - the step before has found it
        await asyncio.shield(self.hass.async_create_task(start(self._app), f"{DOMAIN} starting"))
        async with asyncio.timeout(START_LIMIT):
            while True:
                gateway = await told_gateway(self._app)
                if gateway is not None and not await self.take_gateway(gateway):
                    return
                await asyncio.sleep(_PAUSE)

    @override
    async def async_step_hassio(self, discovery_info: HassioServiceInfo) -> ConfigFlowResult:
        """The app tells where it is: take that over in the entries of this gateway; where there is none, offer it."""
        from .supervisor_app import AppError, gateway_of  # noqa: PLC0415 - see there

        try:
            gateway = gateway_of(discovery_info.config)
        except AppError:
            return self.async_abort(reason="invalid_discovery_info")
        if await self.take_gateway(gateway) or self._hello is None:
            return self.async_abort(reason="cannot_connect")
        if self._took_over(self._hello.gateway_id):
            return self.async_abort(reason="already_configured")
        await self.async_set_unique_id(self._hello.gateway_id)
        self._abort_if_unique_id_configured()
        return await self.async_step_hassio_confirm()

    async def async_step_hassio_confirm(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to use the app; it may have been offered for days."""
        errors: dict[str, str] = {}
        if user_input is not None:
            if not (wrong := await self.take_gateway(self._gateway)):
                return await self.async_step_account()
            errors = {"base": next(iter(wrong.values()))}
        return self.async_show_form(step_id="hassio_confirm", errors=errors)

    def _took_over(self, gateway_id: str) -> bool:
        """Gives all entries of a gateway its address and token. Returns whether there are any."""
        ours = [
            entry
            for entry in self._async_current_entries(include_ignore=False)
            if entry.unique_id and entry.unique_id.startswith(f"{gateway_id}_")
        ]
        for entry in ours:
            changed = self.hass.config_entries.async_update_entry(entry, data={**entry.data, **self._gateway})
            if changed and entry.state in _RELOADED_IN:
                self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return bool(ours)

    def withdraw_offers(self) -> None:
        """Ends what other dialogs offer of this gateway: it is set up now."""
        for flow in self._async_in_progress(include_uninitialized=True):
            of_gateway = self._hello is not None and flow["context"].get("unique_id") == self._hello.gateway_id
            if flow["context"]["source"] == SOURCE_HASSIO and of_gateway:
                self.hass.config_entries.flow.async_abort(flow["flow_id"])
