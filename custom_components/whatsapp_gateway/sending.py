"""Hands messages to the gateway and makes one exception of what went wrong: for the actions and for the notify entities."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.util.signal_type import SignalType

from .api.errors import GatewayAuthError, GatewayConnectionError, GatewayError, GatewayRequestError
from .api.models import OutgoingMessage
from .const import DOMAIN
from .coordinator import WhatsAppConfigEntry
from .errors import sentence, translated
from .issues import STORAGE_CODES
from .outgoing import Outgoing
from .targets import Target

ACKNOWLEDGEMENT_WAIT: Final = 10
"""Seconds to wait for WhatsApp's acknowledgement; after that the gateway goes on sending alone."""
PAUSES: Final = (0.5, 2.0)
"""Seconds before a request whose connection was lost is repeated; the same key makes that harmless."""
AT_ONCE: Final = 4
"""Requests under way at the same time."""


def sent_signal(entry: WhatsAppConfigEntry, chat: str) -> SignalType[()]:
    """Returns the dispatcher's signal that something was sent to a chat."""
    return SignalType(f"{DOMAIN}_sent_{entry.entry_id}_{chat}")


async def send(hass: HomeAssistant, target: Target, content: Outgoing) -> OutgoingMessage:
    """Sends to one chat and signals that it did.

    Raises:
        GatewayError: it was not sent, after two repetitions where the connection was lost.
    """
    coordinator = target.entry.runtime_data
    body = content.body | {"to": target.chat}
    key = str(uuid4())
    for pause in (*PAUSES, None):
        try:
            message = await coordinator.client.send(
                coordinator.account_id, body, content.upload, key=key, wait=ACKNOWLEDGEMENT_WAIT
            )
        except GatewayConnectionError:
            if pause is None:
                raise
            await asyncio.sleep(pause)
        else:
            coordinator.recent.sent(message.message_id, message.chat, body.get("text") or body.get("caption"))
            async_dispatcher_send(hass, sent_signal(target.entry, message.chat))
            return message
    raise AssertionError("unreachable: the last try returns or raises")


async def send_to_all(
    hass: HomeAssistant, targets: Sequence[Target], content: Outgoing
) -> list[OutgoingMessage | GatewayError]:
    """Sends to each target, a few at a time; returns in their order what became of it."""
    places = asyncio.Semaphore(AT_ONCE)

    async def attempt(target: Target) -> OutgoingMessage | GatewayError:
        async with places:
            try:
                return await send(hass, target, content)
            except GatewayError as error:
                return error

    return await asyncio.gather(*(attempt(target) for target in targets))


def raise_for(targets: Sequence[Target], outcomes: Sequence[object]) -> None:
    """Raises one exception for all that went wrong. Targets are named by their place: errors are logged, numbers must not be.

    Raises:
        HomeAssistantError: not all were sent.
    """
    failed = [(place, error) for place, error in enumerate(outcomes, 1) if isinstance(error, GatewayError)]
    if not failed:
        return
    for place, error in failed:
        coordinator = targets[place - 1].entry.runtime_data
        if isinstance(error, GatewayAuthError):
            coordinator.config_entry.async_start_reauth(coordinator.hass)
        elif isinstance(error, GatewayRequestError) and error.code in STORAGE_CODES:
            coordinator.tell_of_storage(error.code)
    hass = targets[0].entry.runtime_data.hass
    if len(outcomes) == 1:
        raise translated(failed[0][1]) from failed[0][1]
    raise HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="some_not_sent",
        translation_placeholders={
            "failed": str(len(failed)),
            "total": str(len(outcomes)),
            "errors": "; ".join(f"{place}: {sentence(hass, error)}" for place, error in failed),
        },
    ) from failed[0][1]
