"""A recipient talks with a conversation agent: what it writes or says goes to the agent, and the answer comes back into the chat."""

import asyncio
from collections import Counter
import logging
from typing import Final

from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import async_get_translations

from .answer_limit import AnswerLimit
from .api.errors import GatewayError
from .api.events import Event
from .api.models import IncomingMessage
from .const import DOMAIN
from .coordinator import WhatsAppConfigEntry
from .outgoing import Outgoing
from .phone_numbers import international
from .recipient import Recipient, RecipientKind, recipient_of_chat
from .recipient_devices import async_recipient_device
from .sending import send
from .targets import Target
from .voice_notes import words_of

_LOGGER = logging.getLogger(__name__)

ANSWER_LIMIT: Final = 90.0
"""Seconds that understanding and answering may take together."""
QUEUE_LIMIT: Final = 5
"""Messages of one chat that wait for their answers; what comes beyond that gets none."""

_PROMPT: Final = "The user writes by WhatsApp and reads the answer on a phone: answer briefly."


@callback
def async_answer_with_assist(hass: HomeAssistant, entry: WhatsAppConfigEntry) -> None:
    """Answers the messages of the recipients whose owner wants that, until the entry is unloaded.

    What waited while somebody was away gets no answer: a command of an hour ago may do harm now.
    """
    conversations = _Conversations(hass, entry)

    @callback
    def happened(event: Event, waited: bool) -> None:
        message = event.data
        if waited or not isinstance(message, IncomingMessage) or message.from_me:
            return
        recipient = recipient_of_chat(entry, message.chat_id)
        if recipient is not None and _may_talk(hass, recipient, message):
            conversations.take(recipient, message)

    entry.async_on_unload(entry.runtime_data.async_subscribe(happened))


def _may_talk(hass: HomeAssistant, recipient: Recipient, message: IncomingMessage) -> bool:
    """Whether this message is for the agent. In a group only those who are listed may talk to it."""
    if not (recipient.may_trigger and recipient.assist_agent):
        return False
    if message.content_type != "text" and not (message.content_type == "voice" and recipient.assist_speech):
        return False
    if recipient.kind is RecipientKind.PERSON:
        return True
    allowed = {international(sender, hass.config.country) for sender in recipient.assist_senders}
    return message.sender_phone is not None and message.sender_phone in allowed


class _Conversations:
    """The conversations of an account's chats, each with its own memory, one message after the other."""

    def __init__(self, hass: HomeAssistant, entry: WhatsAppConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()
        self._conversation_ids: dict[str, str] = {}
        self._limit = AnswerLimit()

    def take(self, recipient: Recipient, message: IncomingMessage) -> None:
        """Answers a message when those before it have their answers."""
        if self._waiting[recipient.chat] >= QUEUE_LIMIT:
            _LOGGER.warning("Assist leaves out a message: too many wait in its chat")
            return
        if not self._limit.allows(recipient.chat, self._hass.loop.time()):
            if self._limit.falls_silent(recipient.chat):
                _LOGGER.warning(
                    "Assist falls silent in a chat: too many answers in ten minutes, as if a machine were talking"
                )
            return
        self._waiting[recipient.chat] += 1
        self._entry.async_create_background_task(
            self._hass, self._answer(recipient, message), f"{DOMAIN} answers with Assist"
        )

    async def _answer(self, recipient: Recipient, message: IncomingMessage) -> None:
        try:
            async with self._locks.setdefault(recipient.chat, asyncio.Lock()):
                answer = await self._answer_or_apology(recipient, message)
                if answer:
                    await self._send(recipient, message, answer)
        finally:
            self._waiting[recipient.chat] -= 1

    async def _answer_or_apology(self, recipient: Recipient, message: IncomingMessage) -> str:
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                text = message.text
                if message.content_type == "voice" and recipient.assist_speech is not None:
                    text = await words_of(self._hass, self._entry, message, recipient.assist_speech)
                return await self._converse(recipient, text or "")
        except (HomeAssistantError, GatewayError, TimeoutError, ValueError) as error:
            _LOGGER.warning("Assist could not answer a message: %s", type(error).__name__)
        except Exception:
            _LOGGER.exception("Assist could not answer a message")
        texts = await async_get_translations(self._hass, self._hass.config.language, "exceptions", {DOMAIN})
        return texts.get(f"component.{DOMAIN}.exceptions.assist_failed.message", "")

    async def _converse(self, recipient: Recipient, text: str) -> str:
        """Returns what the agent says, as text."""
        from homeassistant.components import conversation  # noqa: PLC0415 - not everybody has it

        device = async_recipient_device(self._hass, self._entry, recipient)
        result = await conversation.async_converse(
            self._hass,
            text,
            self._conversation_ids.get(recipient.chat),
            Context(),
            agent_id=recipient.assist_agent,
            device_id=device.id if device is not None else None,
            extra_system_prompt=_PROMPT,
        )
        if result.conversation_id is not None:
            self._conversation_ids[recipient.chat] = result.conversation_id
        return str(result.response.speech.get("plain", {}).get("speech") or "")

    async def _send(self, recipient: Recipient, message: IncomingMessage, answer: str) -> None:
        body: dict[str, object] = {"type": "text", "text": answer, "markdown": True}
        if recipient.kind is RecipientKind.GROUP:
            body["quote"] = {"message_id": message.message_id, "author": message.sender_phone, "text": message.text}
        try:
            await send(self._hass, Target(self._entry, recipient.chat), Outgoing(body))
        except GatewayError as error:
            _LOGGER.warning("An answer of Assist could not be sent: %s", error)
