"""Asks people a question and waits for the first answer: an option of a poll, or words."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.dispatcher import async_dispatcher_connect
import probatio as vol

from .api.errors import GatewayError, GatewayRequestError
from .api.events import Event
from .api.models import IncomingMessage, MessageStatus, MessageStatusChanged, OutgoingMessage
from .coordinator import SIGNAL_EVENT, WhatsAppConfigEntry
from .errors import translated
from .outgoing import Outgoing
from .sending import raise_for, send_to_all
from .targets import TARGET_FIELDS, Target, targets_of

CONF_QUESTION: Final = "question"
CONF_OPTIONS: Final = "options"
CONF_REPLIES_ONLY: Final = "replies_only"
CONF_TIMEOUT: Final = "timeout"

ASK_FIELDS: Final[dict[str | vol.Marker, Any]] = {
    **TARGET_FIELDS,
    vol.Required(CONF_QUESTION): cv.string,
    vol.Optional(CONF_OPTIONS): vol.All(cv.ensure_list, [cv.string], vol.Length(min=2, max=12)),
    vol.Optional(CONF_REPLIES_ONLY, default=False): cv.boolean,
    vol.Optional(CONF_TIMEOUT, default=timedelta(minutes=5)): vol.All(
        cv.positive_time_period, vol.Range(min=timedelta(seconds=1), max=timedelta(days=1))
    ),
}

_LOST: Final = frozenset({MessageStatus.FAILED, MessageStatus.EXPIRED, MessageStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered, and to which of the questions (its message id)."""

    question: str
    target: Target
    words: str
    option: str | None
    message: IncomingMessage


class Asking:
    """A question under way. Answers are taken from the moment before it is sent, over lost connections and reloads of the entry."""

    def __init__(self, hass: HomeAssistant, targets: list[Target], data: Mapping[str, Any]) -> None:
        self._hass = hass
        self._targets = targets
        self._question: str = data[CONF_QUESTION]
        self._options: list[str] = data.get(CONF_OPTIONS, [])
        self._replies_only: bool = data[CONF_REPLIES_ONLY]
        self._asked: dict[str, Target] = {}
        self._lost: set[str] = set()
        self._early: list[tuple[WhatsAppConfigEntry, Event]] | None = []
        self._done: asyncio.Future[Answer] = hass.loop.create_future()

    async def answer(self, limit: float) -> Answer | None:
        """Sends the question and waits; returns None when nobody has answered in time.

        Raises:
            HomeAssistantError: the question was not sent to all, or reached nobody.
        """
        unsubscribe = async_dispatcher_connect(self._hass, SIGNAL_EVENT, self._happened)
        try:
            await self._send()
            async with asyncio.timeout(limit):
                return await self._done
        except TimeoutError:
            return None
        finally:
            unsubscribe()
            self._done.cancel()

    async def _send(self) -> None:
        content: dict[str, Any] = {"type": "text", "text": self._question}
        if self._options:
            content = {"type": "poll", "question": self._question, "options": self._options, "selectable": 1}
        outcomes = await send_to_all(self._hass, self._targets, Outgoing(content))
        raise_for(self._targets, outcomes)
        for target, message in zip(self._targets, outcomes, strict=True):
            if isinstance(message, OutgoingMessage):
                # WhatsApp may call the chat otherwise than we did
                self._asked[message.message_id] = Target(target.entry, message.chat, target.entity_id)
        early, self._early = self._early or [], None
        for entry, event in early:
            self._happened(entry, event, False)

    @callback
    def _happened(self, entry: WhatsAppConfigEntry, event: Event, _waited: bool) -> None:
        if self._early is not None:
            self._early.append((entry, event))
        elif self._done.done():
            return
        elif isinstance(event.data, IncomingMessage):
            if (answer := self._read(entry, event.data)) is not None:
                self._done.set_result(answer)
        elif isinstance(event.data, MessageStatusChanged):
            self._status(event.data.message)

    def _status(self, message: OutgoingMessage) -> None:
        """Gives up when the question has reached nobody."""
        if message.message_id in self._asked and message.status in _LOST:
            self._lost.add(message.message_id)
            if len(self._lost) == len(self._asked):
                error: GatewayError = GatewayRequestError(message.error_code or f"message_{message.status}")
                self._done.set_exception(translated(error))

    def _read(self, entry: WhatsAppConfigEntry, message: IncomingMessage) -> Answer | None:
        if message.from_me and message.chat_id != entry.runtime_data.data.phone:
            return None
        if message.content_type == "poll_vote":
            return self._vote(message)
        for message_id, target in self._asked.items():
            if target.entry.entry_id != entry.entry_id or target.chat != message.chat_id or not message.text:
                continue
            replies = message.quote is not None and message.quote.message_id == message_id
            option = self._option(message.text)
            if (option is not None or not self._options) and (replies or not self._replies_only):
                return Answer(message_id, target, option or message.text.strip(), option, message)
        return None

    def _vote(self, message: IncomingMessage) -> Answer | None:
        question = str(message.content.get("message_id"))
        target = self._asked.get(question)
        chosen = message.content.get("options")
        if target is None or not isinstance(chosen, list) or not chosen:
            return None
        option = str(chosen[0])
        return Answer(question, target, option, option, message)

    def _option(self, words: str) -> str | None:
        """Returns the option that somebody typed, by its words or by its number."""
        said = words.strip().casefold().rstrip(".!")
        for number, option in enumerate(self._options, 1):
            if said in {option.casefold(), str(number)}:
                return option
        return None


async def ask(call: ServiceCall) -> ServiceResponse:
    """Asks, waits, and returns who answered what; `answered` is false when the time ran out."""
    targets = targets_of(call.hass, call.data)
    answer = await Asking(call.hass, targets, call.data).answer(call.data[CONF_TIMEOUT].total_seconds())
    if answer is None:
        return {"answered": False, "answer": None, "option": None}
    message = answer.message
    return {
        "answered": True,
        "answer": answer.words,
        "option": answer.option,
        "entity_id": answer.target.entity_id,
        "chat": message.chat_id,
        "message_id": message.message_id,
        "question_id": answer.question,
        "sender_phone": message.sender_phone,
        "sender_name": message.sender_name,
        "timestamp": message.timestamp.isoformat(),
    }
