"""One account's state and messages, pushed by the gateway."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
import logging

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import CALLBACK_TYPE, CoreState, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryError
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util.signal_type import SignalType

from . import issues
from .api.client import GatewayClient
from .api.errors import GatewayAuthError, GatewayError
from .api.events import Event, Hello
from .api.models import Account, AccountState, IncomingMessage, Pairing, QueueChanged
from .api.stream import Position, follow_events
from .const import CONF_ACCOUNT, DOMAIN, REAUTH_LOGGED_OUT
from .errors import placeholders, translation_key
from .message_event import fire_message
from .own_number import is_other_number
from .position_store import PositionStore
from .received_files import ReceivedFiles
from .recent_messages import RecentMessages

_LOGGER = logging.getLogger(__name__)

type WhatsAppConfigEntry = ConfigEntry[WhatsAppCoordinator]

type EventListener = Callable[[Event, bool], None]
"""Gets an event, and whether it waited at WhatsApp or at the gateway while somebody was away."""

SIGNAL_EVENT = SignalType["WhatsAppConfigEntry", Event, bool](f"{DOMAIN}_event")
"""Sent with what an EventListener gets, for those who listen to all accounts and outlive their entries."""

SIGNAL_UPDATED = SignalType["WhatsAppConfigEntry"](f"{DOMAIN}_updated")
"""Sent when an account's state is another, or is not known any more."""


class WhatsAppCoordinator(DataUpdateCoordinator[Account]):
    """Follows the gateway's events for one account: its state goes to the entities, its messages to the event bus.

    While Home Assistant starts, messages are left at the gateway: automations don't listen yet.
    """

    config_entry: WhatsAppConfigEntry
    device_id: str
    """Of the account's device, on which those of its recipients hang; set before any entity is made."""

    def __init__(self, hass: HomeAssistant, entry: WhatsAppConfigEntry, client: GatewayClient) -> None:
        super().__init__(hass, _LOGGER, config_entry=entry, name=f"account {entry.data[CONF_ACCOUNT]}")
        self.client = client
        self.recent = RecentMessages()
        self.files = ReceivedFiles(hass, entry.entry_id)
        self.account_id: str = entry.data[CONF_ACCOUNT]
        self.identity = entry.unique_id or self.account_id
        """Names the account among those of all gateways: in unique ids and device identifiers."""
        self.gateway_version: str | None = None
        self._processed = PositionStore(hass, entry.entry_id)
        self._taking_messages = False
        self._follower: asyncio.Task[None] | None = None
        self._hello_sequence = 0
        self.waiting = 0
        """How many messages wait at the gateway to be sent."""
        self.storage: str | None = None
        """The code of what keeps the gateway from writing."""
        self._event_listeners: list[EventListener] = []

    async def _async_setup(self) -> None:
        await self._processed.load()
        await self.files.load()

    async def _async_update_data(self) -> Account:
        try:
            hello = await self.client.hello()
        except GatewayAuthError as error:
            raise ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key="invalid_auth") from error
        except GatewayError as error:
            self._tell_of_version(error)
            raise _failed(error) from error
        self._tell_of_version(None)
        self._greeted(hello)
        if (account := hello.account(self.account_id)) is None:
            raise ConfigEntryError(translation_domain=DOMAIN, translation_key="account_not_found")
        if is_other_number(self.config_entry, account):
            raise ConfigEntryError(translation_domain=DOMAIN, translation_key="other_number")
        return account

    @callback
    def start(self) -> None:
        """Begins to follow the gateway's events, until the entry is unloaded."""
        entry = self.config_entry
        entry.async_on_unload(
            self.async_subscribe(
                lambda event, waited: async_dispatcher_send(self.hass, SIGNAL_EVENT, entry, event, waited)
            )
        )
        entry.async_on_unload(self.async_add_listener(lambda: async_dispatcher_send(self.hass, SIGNAL_UPDATED, entry)))
        self._taking_messages = self.hass.state is CoreState.running
        self._follow()
        if not self._taking_messages:
            self.config_entry.async_on_unload(async_at_started(self.hass, self._home_assistant_started))

    async def async_shutdown(self) -> None:
        """Ends it all and writes down how far it got."""
        await super().async_shutdown()
        await self._end_follower()
        await self._processed.flush()
        await self.files.flush()

    async def _home_assistant_started(self, _: HomeAssistant) -> None:
        """From now on messages are taken: first those that have waited."""
        await self._end_follower()
        if not self._shutdown_requested:
            self._taking_messages = True
            self._follow()

    def _follow(self) -> None:
        self._follower = self.config_entry.async_create_background_task(
            self.hass, self._run(), f"{DOMAIN} events of {self.account_id}"
        )

    async def _end_follower(self) -> None:
        if (follower := self._follower) is not None:
            self._follower = None
            follower.cancel()
            await asyncio.wait({follower})

    async def _run(self) -> None:
        try:
            await follow_events(self.client, self)
        except GatewayAuthError as error:
            self.lost(error)
            self.config_entry.async_start_reauth(self.hass)
        except Exception as error:
            _LOGGER.exception("Following the events of account %s ended with a fault", self.account_id)
            self.async_set_update_error(error)

    @property
    def connected_to_whatsapp(self) -> bool:
        """Whether messages can be sent now, as far as is known."""
        return self.last_update_success and self.data.state is AccountState.CONNECTED

    @property
    def consumer(self) -> str | None:
        """Names this entry at the gateway, which keeps its events until it has acknowledged them; None as long as messages are left there."""
        return self.config_entry.entry_id.lower() if self._taking_messages else None

    @property
    def position(self) -> Position | None:
        """Where the stream resumes; None as long as messages are left at the gateway."""
        return self._processed.position if self._taking_messages else None

    @property
    def processed(self) -> Position | None:
        """How far this account's messages were processed."""
        return self._processed.position

    @callback
    def connected(self, hello: Hello) -> None:
        """Shows the present state."""
        self._tell_of_version(None)
        self._greeted(hello)
        self._hello_sequence = hello.sequence
        processed = self._processed.position
        if processed is None:
            self._processed.move(Position(hello.log, hello.sequence))
        elif processed.log != hello.log and self._taking_messages:
            # The gateway has lost its log: it counts anew and sends all that it has.
            self._processed.move(Position(hello.log, 0))
        account = hello.account(self.account_id)
        if account is None:
            self._account_removed()
        else:
            self._show(account)

    @callback
    def async_subscribe(self, listener: EventListener) -> CALLBACK_TYPE:
        """Calls `listener` with each event of this account, once, also over restarts; returns what ends that.

        While Home Assistant starts, nobody is called: the events wait at the gateway.
        """
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)

    @callback
    def received(self, event: Event) -> int | None:
        """Handles an event and returns up to where all was processed."""
        if event.account == self.account_id:
            late = event.kept and event.sequence <= self._hello_sequence
            if isinstance(event.data, Account) and not late:
                if event.type == "account.removed":
                    self._account_removed()
                else:
                    self._show(event.data)
            elif isinstance(event.data, Pairing):
                self._show(replace(self.data, pairing=event.data))
            elif isinstance(event.data, QueueChanged):
                self.waiting = event.data.waiting
                self.async_update_listeners()
            if self.storage is not None and event.kept and not late:
                self.tell_of_storage(None)  # what is kept has been written
            if self._is_new(event):
                self._tell(event, waited=late or event.backlog)
        return self._move_to(event.sequence)

    def _is_new(self, event: Event) -> bool:
        """Whether it is time to tell an event, and it was not told before."""
        processed = self._processed.position
        return self._taking_messages and (not event.kept or processed is None or event.sequence > processed.sequence)

    def _tell(self, event: Event, *, waited: bool) -> None:
        if isinstance(event.data, IncomingMessage):
            fire_message(self.hass, self.config_entry, self.data, event.data, waited=waited)
        for listener in tuple(self._event_listeners):
            try:
                listener(event, waited)
            except Exception:
                _LOGGER.exception("A listener to the events of account %s has a fault", self.account_id)

    def _move_to(self, sequence: int) -> int | None:
        processed = self._processed.position
        if not self._taking_messages or processed is None or sequence <= processed.sequence:
            return None
        self._processed.move(Position(processed.log, sequence))
        return sequence

    @callback
    def lost(self, error: GatewayError) -> None:
        """Shows that nothing is known now."""
        self._processed.hurry()
        self._tell_of_version(error)
        self.async_set_update_error(_failed(error))

    @callback
    def tell_of_storage(self, code: str | None) -> None:
        """Raises a repair while the gateway cannot write: `storage_full`, `storage_unusable`; None where it can."""
        self.storage = code
        issues.async_show_storage(self.hass, self.config_entry.entry_id, self.config_entry.title, code)

    def _greeted(self, hello: Hello) -> None:
        self.gateway_version = hello.gateway_version
        self.waiting = hello.waiting.get(self.account_id, 0)
        self.tell_of_storage(hello.storage)
        if (account := hello.account(self.account_id)) is not None:
            self._tell_of_state(account)

    def _tell_of_state(self, account: Account) -> None:
        entry = self.config_entry
        flows = entry.async_get_active_flows(self.hass, {SOURCE_REAUTH})
        attended = any(flow["step_id"] not in {"reauth_link", "reauth_confirm"} for flow in flows if "step_id" in flow)
        issues.async_show_state(self.hass, entry.entry_id, entry.title, account, attended=attended)

    def _show(self, account: Account) -> None:
        if not self.last_update_success:
            _LOGGER.info("The gateway is back for account %s", self.account_id)
        self.async_set_updated_data(account)
        self._tell_of_state(account)
        if account.state is AccountState.LOGGED_OUT:
            self.config_entry.async_start_reauth(self.hass, data={REAUTH_LOGGED_OUT: True})

    def _account_removed(self) -> None:
        """The gateway has no such account any more: setting up the entry anew says so."""
        self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)

    def _tell_of_version(self, error: GatewayError | None) -> None:
        """Raises a repair while the gateway and we don't speak the same version."""
        issues.async_show_version(self.hass, self.config_entry.entry_id, self.config_entry.title, error)


def _failed(error: GatewayError) -> UpdateFailed:
    return UpdateFailed(
        translation_domain=DOMAIN, translation_key=translation_key(error), translation_placeholders=placeholders(error)
    )
