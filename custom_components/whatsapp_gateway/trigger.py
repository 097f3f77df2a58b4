"""Triggers of automations: a message, a reaction, an answer to a poll, what became of a message sent, a call, a lost connection."""

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Final, override

from homeassistant.const import CONF_OPTIONS
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.trigger import Trigger, TriggerActionRunner, TriggerConfig, TriggerNotTriggeredReporter
from homeassistant.helpers.typing import ConfigType
import probatio as vol

from .api.changes import CallChanged, CallStatus
from .api.events import Event
from .api.models import IncomingMessage, MessageStatus, MessageStatusChanged
from .connection_lost import ConnectionLost
from .const import DOMAIN
from .coordinator import SIGNAL_EVENT, WhatsAppConfigEntry
from .message_event import message_data
from .message_filter import (
    MESSAGE_OPTIONS,
    PLACE_OPTIONS,
    SENDER_OPTIONS,
    MessageFilter,
    PlaceFilter,
    chat_type,
    options_schema,
)
from .recipient import recipient_of_chat

CONF_EMOJI: Final = "emoji"
CONF_OPTION: Final = "option"
CONF_STATUS: Final = "status"


class EventTrigger(Trigger):
    """Listens to the events of all accounts. Entries may come, go and be reloaded meanwhile."""

    _options_schema: ClassVar[vol.Schema]

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Check the options."""
        checked: ConfigType = cls._options_schema(config)
        cls(
            hass, TriggerConfig(DOMAIN, options=checked[CONF_OPTIONS])
        )  # raises Invalid where a number or pattern is none
        return checked

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._options: dict[str, Any] = config.options or {}

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        """Begin to listen."""

        @callback
        def happened(entry: WhatsAppConfigEntry, event: Event, waited: bool) -> None:
            if _may_trigger(entry, event) and (found := self._found(entry, event, waited)) is not None:
                description, payload = found
                run_action(payload, description)

        return async_dispatcher_connect(self._hass, SIGNAL_EVENT, happened)

    @abc.abstractmethod
    def _found(self, entry: WhatsAppConfigEntry, event: Event, waited: bool) -> tuple[str, dict[str, Any]] | None:
        """Returns what triggered in a few words, without contents, and the trigger's variables; None if nothing did."""


class MessageReceived(EventTrigger):
    """A message came. Its variables are the data of the event `whatsapp_gateway_message`, and `found`."""

    _options_schema = options_schema(MESSAGE_OPTIONS)

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._filter = MessageFilter(hass, self._options)

    @override
    def _found(self, entry: WhatsAppConfigEntry, event: Event, waited: bool) -> tuple[str, dict[str, Any]] | None:
        if not isinstance(event.data, IncomingMessage):
            return None
        data = message_data(entry, entry.runtime_data.data, event.data, waited=waited)
        if not self._filter.passes(data):
            return None
        return f"a message from {_name(data)}", data | {"found": self._filter.found(data["text"])}


class AnswerTrigger(EventTrigger):
    """Something about another message came: `_content_type` says what, and `_chosen` what of it must be among the option's."""

    _content_type: ClassVar[str]
    _option: ClassVar[str]
    _words: ClassVar[str]

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._filter = MessageFilter(hass, self._options)
        self._wanted = {item.casefold() for item in self._options.get(self._option, ())}

    @override
    def _found(self, entry: WhatsAppConfigEntry, event: Event, waited: bool) -> tuple[str, dict[str, Any]] | None:
        if not isinstance(event.data, IncomingMessage) or event.data.content_type != self._content_type:
            return None
        data = message_data(entry, entry.runtime_data.data, event.data, waited=waited)
        chosen = self._chosen(data["content"])
        if not chosen or (self._wanted and not self._wanted & {item.casefold() for item in chosen}):
            return None
        if not self._filter.passes_but_for_kind(data):
            return None
        return f"{self._words} {_name(data)}", data | data["content"] | {"message_id": data["content"]["message_id"]}

    @abc.abstractmethod
    def _chosen(self, content: Mapping[str, Any]) -> list[str]:
        """Returns what was chosen, nothing where it was taken back."""


class ReactionReceived(AnswerTrigger):
    """Somebody reacted. `message_id` is that of the message reacted to."""

    _options_schema = options_schema(SENDER_OPTIONS | {vol.Optional(CONF_EMOJI): vol.All(cv.ensure_list, [cv.string])})
    _content_type = "reaction"
    _option = CONF_EMOJI
    _words = "a reaction of"

    @override
    def _chosen(self, content: Mapping[str, Any]) -> list[str]:
        return [content["emoji"]] if content["emoji"] else []


class PollAnswered(AnswerTrigger):
    """Somebody answered a poll. `message_id` is the poll's, `options` all that this person chooses now."""

    _options_schema = options_schema(SENDER_OPTIONS | {vol.Optional(CONF_OPTION): vol.All(cv.ensure_list, [cv.string])})
    _content_type = "poll_vote"
    _option = CONF_OPTION
    _words = "the answer to a poll of"

    @override
    def _chosen(self, content: Mapping[str, Any]) -> list[str]:
        return list(content["options"])


class StatusTrigger(EventTrigger):
    """A message that was sent has come so far."""

    _options_schema = options_schema(PLACE_OPTIONS)
    _statuses: ClassVar[frozenset[MessageStatus]]
    _words: ClassVar[str]

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._filter = PlaceFilter(hass, self._options)

    @override
    def _found(self, entry: WhatsAppConfigEntry, event: Event, waited: bool) -> tuple[str, dict[str, Any]] | None:
        if not isinstance(event.data, MessageStatusChanged) or event.data.message.status not in self._statuses:
            return None
        message = event.data.message
        data = _place(entry, message.chat, waited) | {
            "message_id": message.message_id,
            "recipient": event.data.recipient,
            "status": message.status.value,
            "error_code": message.error_code,
            "whatsapp_code": message.whatsapp_code,
            "timestamp": message.timestamp.isoformat(),
        }
        return (self._words, data) if self._filter.passes(data) else None


class MessageDelivered(StatusTrigger):
    """It is on the recipient's phone."""

    _statuses = frozenset({MessageStatus.DELIVERED})
    _words = "a message delivered"


class MessageRead(StatusTrigger):
    """The recipient has seen it."""

    _statuses = frozenset({MessageStatus.READ})
    _words = "a message read"


class MessageFailed(StatusTrigger):
    """It was not sent and will not be."""

    _statuses = frozenset({MessageStatus.FAILED, MessageStatus.EXPIRED})
    _words = "a message that could not be sent"


class CallReceived(EventTrigger):
    """Somebody calls, or has called."""

    _options_schema = options_schema(
        PLACE_OPTIONS
        | {
            vol.Optional(CONF_STATUS): vol.All(cv.ensure_list, [vol.In([status.value for status in CallStatus])]),
        }
    )

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        super().__init__(hass, config)
        self._filter = PlaceFilter(hass, self._options)
        self._statuses = frozenset(self._options.get(CONF_STATUS, ())) or {CallStatus.RINGING}

    @override
    def _found(self, entry: WhatsAppConfigEntry, event: Event, waited: bool) -> tuple[str, dict[str, Any]] | None:
        call = event.data
        if not isinstance(call, CallChanged) or call.status not in self._statuses:
            return None
        data = _place(entry, call.chat, waited) | {
            "call_id": call.call_id,
            "caller": call.person,
            "video": call.video,
            "status": call.status.value,
            "timestamp": call.timestamp.isoformat(),
        }
        return ("a call", data) if self._filter.passes(data) else None


def _place(entry: WhatsAppConfigEntry, chat: str, waited: bool) -> dict[str, Any]:
    """What the variables of all triggers have."""
    account = entry.runtime_data.data
    return {
        "config_entry_id": entry.entry_id,
        "account": account.id,
        "account_phone": account.phone,
        "chat_id": chat,
        "chat_type": chat_type(chat),
        "backlog": waited,
    }


def _may_trigger(entry: WhatsAppConfigEntry, event: Event) -> bool:
    """Whether what a recipient does may start automations; the user may have forbidden it."""
    match event.data:
        case IncomingMessage(chat_id=chat) | CallChanged(chat=chat):
            recipient = recipient_of_chat(entry, chat)
            return recipient is None or recipient.may_trigger
        case _:
            return True


def _name(data: Mapping[str, Any]) -> str:
    return data["sender_name"] or data["sender_phone"] or "somebody"


TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "call_received": CallReceived,
    "connection_lost": ConnectionLost,
    "message_delivered": MessageDelivered,
    "message_failed": MessageFailed,
    "message_read": MessageRead,
    "message_received": MessageReceived,
    "poll_answered": PollAnswered,
    "reaction_received": ReactionReceived,
}


async def async_get_triggers(_hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of this integration."""
    return TRIGGERS
