"""The actions that send something: what each is given, and the message that it makes of that."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from homeassistant.const import ATTR_LATITUDE, ATTR_LOCATION, ATTR_LONGITUDE, ATTR_NAME
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
import probatio as vol

from .answered import author_of, quote_of
from .api.errors import GatewayError
from .attachments import CONF_LANGUAGE, CONF_TTS, SOURCE_FIELDS, attachment, speech
from .const import CONF_AUTHOR, DOMAIN
from .mentions import mentioned
from .outgoing import FILE_TYPES, Outgoing, titled, with_file
from .sending import raise_for, send_to_all
from .targets import TARGET_FIELDS, Target, targets_of

CONF_CAPTION: Final = "caption"
CONF_MENTIONS: Final = "mentions"
CONF_MESSAGE: Final = "message"
CONF_MESSAGE_ID: Final = "message_id"
CONF_OWN: Final = "own"
CONF_REPLY_TO: Final = "reply_to"

type Fields = dict[vol.Marker, Any]
type Content = Callable[[HomeAssistant, Target, Mapping[str, Any]], Awaitable[Outgoing]]

_REPLY: Final[Fields] = {vol.Optional(CONF_REPLY_TO): cv.string}
_AROUND: Final[Fields] = {**_REPLY, vol.Optional(CONF_MENTIONS): vol.All(cv.ensure_list, [cv.string])}
_STRINGS: Final = vol.All(cv.ensure_list, [cv.string])


def sender(content: Content) -> Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]:
    """Makes an action that sends `content` to all its targets and returns the message ids."""

    async def handle(call: ServiceCall) -> ServiceResponse:
        targets = targets_of(call.hass, call.data)
        made = await content(call.hass, targets[0], call.data)
        outcomes = await send_to_all(call.hass, targets, made)
        raise_for(targets, outcomes)
        return {
            "messages": [
                {
                    "entity_id": target.entity_id,
                    "chat": message.chat,
                    "message_id": message.message_id,
                    "status": message.status.value,
                    "timestamp": message.timestamp.isoformat(),
                }
                for target, message in zip(targets, outcomes, strict=True)
                if not isinstance(message, GatewayError)
            ]
        }

    return handle


def _around(target: Target, data: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what stands around a message: what it answers."""
    message_id = data.get(CONF_REPLY_TO)
    return {} if message_id is None else {"quote": quote_of(target, message_id)}


async def _text(hass: HomeAssistant, target: Target, data: Mapping[str, Any]) -> Outgoing:
    text, chats = mentioned(hass, target.entry, data[CONF_MESSAGE], data.get(CONF_MENTIONS, ()))
    body: dict[str, Any] = {
        "type": "text",
        "text": titled(data.get("title"), text, markdown=data.get("markdown", False)),
    }
    body |= {name: data[name] for name in ("markdown", "link_preview") if data.get(name)}
    body |= {CONF_MENTIONS: chats} if chats else {}
    return Outgoing(body | _around(target, data))


async def _media(hass: HomeAssistant, target: Target, data: Mapping[str, Any]) -> Outgoing:
    file = await attachment(hass, data)
    caption, chats = mentioned(hass, target.entry, data.get(CONF_CAPTION, ""), data.get(CONF_MENTIONS, ()))
    options = {**data, **_around(target, data), CONF_MENTIONS: chats}
    return with_file(data.get("kind") or file.kind, file, caption, options)


async def _voice(hass: HomeAssistant, target: Target, data: Mapping[str, Any]) -> Outgoing:
    if (text := data.get(CONF_MESSAGE)) is not None:
        if CONF_TTS not in data:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_tts_entity")
        file = await speech(hass, text, data)
    else:
        file = await attachment(hass, data)
    return with_file("voice", file, None, _around(target, data))


async def _sticker(hass: HomeAssistant, target: Target, data: Mapping[str, Any]) -> Outgoing:
    return with_file("sticker", await attachment(hass, data), None, _around(target, data))


async def _location(hass: HomeAssistant, target: Target, data: Mapping[str, Any]) -> Outgoing:
    place: dict[str, Any] = {}
    if (entity_id := data.get("of_entity")) is not None:
        state = hass.states.get(entity_id)
        if state is None or ATTR_LATITUDE not in state.attributes:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="no_location",
                translation_placeholders={"entity_id": entity_id},
            )
        place = {name: state.attributes[name] for name in (ATTR_LATITUDE, ATTR_LONGITUDE)}
        place[ATTR_NAME] = state.name
    elif (given := data.get(ATTR_LOCATION)) is not None:
        place = {name: given[name] for name in (ATTR_LATITUDE, ATTR_LONGITUDE)}
    else:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_place")
    place |= {name: data[name] for name in (ATTR_NAME, "address") if name in data}
    return Outgoing({"type": "location"} | place | _around(target, data))


async def _contact(_hass: HomeAssistant, target: Target, data: Mapping[str, Any]) -> Outgoing:
    contact = {name: data[name] for name in (ATTR_NAME, "phones", "organization", "email") if name in data}
    return Outgoing({"type": "contact", "contacts": [contact]} | _around(target, data))


async def _poll(_hass: HomeAssistant, target: Target, data: Mapping[str, Any]) -> Outgoing:
    poll = {name: data[name] for name in ("question", "options", "selectable")}
    return Outgoing({"type": "poll"} | poll | _around(target, data))


async def _reaction(_hass: HomeAssistant, target: Target, data: Mapping[str, Any]) -> Outgoing:
    message_id = data[CONF_MESSAGE_ID]
    author = author_of(target, message_id, data.get(CONF_AUTHOR), own=data.get(CONF_OWN, False))
    return Outgoing({"type": "reaction", "message_id": message_id, "author": author, "emoji": data["emoji"]})


async def _edit(_hass: HomeAssistant, _target: Target, data: Mapping[str, Any]) -> Outgoing:
    return Outgoing({"type": "edit", "message_id": data[CONF_MESSAGE_ID], "text": data[CONF_MESSAGE]})


async def _revocation(_hass: HomeAssistant, _target: Target, data: Mapping[str, Any]) -> Outgoing:
    return Outgoing({"type": "revoke", "message_id": data[CONF_MESSAGE_ID], "author": data.get(CONF_AUTHOR)})


_OF_MESSAGE: Final[Fields] = {vol.Required(CONF_MESSAGE_ID): cv.string}

SENDING_ACTIONS: Final[dict[str, tuple[Fields, Content]]] = {
    "send_message": (
        {
            vol.Required(CONF_MESSAGE): cv.string,
            vol.Optional("title"): cv.string,
            vol.Optional("markdown"): cv.boolean,
            vol.Optional("link_preview"): cv.boolean,
            **_AROUND,
        },
        _text,
    ),
    "send_media": (
        {
            **SOURCE_FIELDS,
            vol.Optional("kind"): vol.In([kind for kind in FILE_TYPES if kind not in {"voice", "sticker"}]),
            vol.Optional(CONF_CAPTION): cv.string,
            vol.Optional("file_name"): cv.string,
            vol.Optional("view_once"): cv.boolean,
            vol.Optional("gif"): cv.boolean,
            **_AROUND,
        },
        _media,
    ),
    "send_voice": (
        {
            vol.Exclusive(CONF_MESSAGE, "source"): cv.string,
            **SOURCE_FIELDS,
            vol.Optional(CONF_TTS): cv.entity_domain("tts"),
            vol.Optional(CONF_LANGUAGE): cv.string,
            **_REPLY,
        },
        _voice,
    ),
    "send_sticker": ({**SOURCE_FIELDS, **_REPLY}, _sticker),
    "send_location": (
        {
            vol.Exclusive("of_entity", "place"): cv.entity_id,
            vol.Exclusive(ATTR_LOCATION, "place"): vol.Schema(
                {vol.Required(ATTR_LATITUDE): cv.latitude, vol.Required(ATTR_LONGITUDE): cv.longitude},
                extra=vol.ALLOW_EXTRA,
            ),
            vol.Optional(ATTR_NAME): cv.string,
            vol.Optional("address"): cv.string,
            **_REPLY,
        },
        _location,
    ),
    "send_contact": (
        {
            vol.Required(ATTR_NAME): cv.string,
            vol.Required("phones"): _STRINGS,
            vol.Optional("organization"): cv.string,
            vol.Optional("email"): cv.string,
            **_REPLY,
        },
        _contact,
    ),
    "send_poll": (
        {
            vol.Required("question"): cv.string,
            vol.Required("options"): vol.All(_STRINGS, vol.Length(min=2, max=12)),
            vol.Optional("selectable", default=1): vol.All(vol.Coerce(int), vol.Range(min=0, max=12)),
            **_REPLY,
        },
        _poll,
    ),
    "react": (
        {
            **_OF_MESSAGE,
            vol.Required("emoji"): cv.string,
            vol.Optional(CONF_AUTHOR): cv.string,
            vol.Optional(CONF_OWN): cv.boolean,
        },
        _reaction,
    ),
    "edit_message": ({**_OF_MESSAGE, vol.Required(CONF_MESSAGE): cv.string}, _edit),
    "delete_message": ({**_OF_MESSAGE, vol.Optional(CONF_AUTHOR): cv.string}, _revocation),
}
"""Each action's fields beside its targets, and what makes its message."""


def schema(fields: Fields) -> vol.Schema:
    """Returns the schema of an action with targets."""
    return vol.Schema({**TARGET_FIELDS, **fields})
