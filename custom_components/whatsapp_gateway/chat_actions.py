"""The actions about chats: what was read, who types, who is on WhatsApp, which chats there are, a new group, a call."""

from collections.abc import Awaitable
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse, SupportsResponse
from homeassistant.helpers import config_validation as cv
import probatio as vol

from .answered import author_of
from .api.errors import GatewayAuthError, GatewayError
from .const import CONF_ACCOUNT, CONF_AUTHOR
from .coordinator import WhatsAppConfigEntry
from .errors import translated
from .recipient import recipient_of_chat
from .sending import raise_for
from .targets import TARGET_FIELDS, chat_of, sending_account, targets_of

_STRINGS: Final = vol.All(cv.ensure_list, [cv.string], vol.Length(min=1))


async def _asked[Answer](entry: WhatsAppConfigEntry, question: Awaitable[Answer]) -> Answer:
    """Returns the gateway's answer.

    Raises:
        HomeAssistantError: there is none; the sentence says why.
    """
    try:
        return await question
    except GatewayError as error:
        if isinstance(error, GatewayAuthError):
            entry.async_start_reauth(entry.runtime_data.hass)
        raise translated(error) from error


async def mark_read(call: ServiceCall) -> ServiceResponse:
    """Marks messages of one or several chats as read."""
    for target in targets_of(call.hass, call.data):
        coordinator = target.entry.runtime_data
        author = call.data.get(CONF_AUTHOR)
        messages = [(message_id, author_of(target, message_id, author)) for message_id in call.data["message_id"]]
        await _asked(target.entry, coordinator.client.mark_read(coordinator.account_id, target.chat, messages))
    return None


async def set_typing(call: ServiceCall) -> ServiceResponse:
    """Shows in chats that we are typing or recording."""
    targets = targets_of(call.hass, call.data)
    errors: list[object] = []
    for target in targets:
        coordinator = target.entry.runtime_data
        try:
            await coordinator.client.show_presence(coordinator.account_id, target.chat, call.data["presence"])
        except GatewayError as error:
            errors.append(error)
        else:
            errors.append(None)
    raise_for(targets, errors)
    return None


async def check_number(call: ServiceCall) -> ServiceResponse:
    """Asks WhatsApp which phone numbers it knows."""
    entry = sending_account(call.hass, call.data.get(CONF_ACCOUNT))
    numbers: list[str] = call.data["numbers"]
    coordinator = entry.runtime_data
    phones = [chat_of(call.hass, entry, number) for number in numbers]
    checked = await _asked(entry, coordinator.client.check_numbers(coordinator.account_id, phones))
    return {
        "numbers": [
            {"number": number, "phone": answer.phone, "on_whatsapp": answer.exists, "chat": answer.chat}
            for number, answer in zip(numbers, checked, strict=True)
        ]
    }


async def list_chats(call: ServiceCall) -> ServiceResponse:
    """Lists the people and groups that an account knows, and which of them are recipients."""
    entry = sending_account(call.hass, call.data.get(CONF_ACCOUNT))
    coordinator = entry.runtime_data
    chats = await _asked(entry, coordinator.client.chats(coordinator.account_id, call.data.get("search", "")))
    return {
        "chats": [
            {
                "chat": chat.id,
                "type": chat.type,
                "name": chat.name,
                "recipient": recipient.name if (recipient := recipient_of_chat(entry, chat.id)) else None,
            }
            for chat in chats
        ]
    }


async def create_group(call: ServiceCall) -> ServiceResponse:
    """Makes a group of people, who are named as targets are."""
    entry = sending_account(call.hass, call.data.get(CONF_ACCOUNT))
    coordinator = entry.runtime_data
    members = [chat_of(call.hass, entry, member) for member in call.data["members"]]
    group = await _asked(entry, coordinator.client.create_group(coordinator.account_id, call.data["subject"], members))
    return {"chat": group.id, "subject": group.subject, "size": group.size}


async def reject_call(call: ServiceCall) -> ServiceResponse:
    """Rejects a call that rings."""
    entry = sending_account(call.hass, call.data.get(CONF_ACCOUNT))
    coordinator = entry.runtime_data
    await _asked(entry, coordinator.client.reject_call(coordinator.account_id, call.data["call_id"]))
    return None


_ACCOUNT: Final[dict[str | vol.Marker, Any]] = {vol.Optional(CONF_ACCOUNT): cv.string}

CHAT_ACTIONS: Final = (
    (
        mark_read,
        {
            **TARGET_FIELDS,
            vol.Required("message_id"): vol.All(_STRINGS, vol.Length(max=100)),
            vol.Optional(CONF_AUTHOR): cv.string,
        },
        SupportsResponse.NONE,
    ),
    (
        set_typing,
        {**TARGET_FIELDS, vol.Optional("presence", default="typing"): vol.In(["typing", "recording", "paused"])},
        SupportsResponse.NONE,
    ),
    (
        check_number,
        {**_ACCOUNT, vol.Required("numbers"): vol.All(_STRINGS, vol.Length(max=50))},
        SupportsResponse.ONLY,
    ),
    (list_chats, {**_ACCOUNT, vol.Optional("search"): cv.string}, SupportsResponse.ONLY),
    (
        create_group,
        {**_ACCOUNT, vol.Required("subject"): cv.string, vol.Required("members"): _STRINGS},
        SupportsResponse.OPTIONAL,
    ),
    (reject_call, {**_ACCOUNT, vol.Required("call_id"): cv.string}, SupportsResponse.NONE),
)
"""Each action, under the name of its function, with its fields and whether it returns something."""
