"""The dialog that adds a recipient: picked from the account's own chats, or typed as a phone number."""

from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    ConversationAgentSelector,
    EntitySelector,
    EntitySelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
import probatio as vol

from .api.errors import GatewayError, GatewayRequestError
from .coordinator import WhatsAppConfigEntry, WhatsAppCoordinator
from .errors import translation_key
from .phone_numbers import international
from .recipient import (
    CONF_ASSIST_AGENT,
    CONF_ASSIST_SENDERS,
    CONF_ASSIST_SPEECH,
    CONF_CHAT,
    CONF_KIND,
    CONF_MAY_TRIGGER,
    CONF_MEDIA,
    MediaPolicy,
    RecipientKind,
    recipients,
)

_FORM_ERRORS: Final = frozenset(
    {
        "cannot_connect",
        "engine_unavailable",
        "group_not_found",
        "not_a_member",
        "not_connected",
        "recipient_not_on_whatsapp",
    }
)
"""Errors that have a sentence in this dialog; `request_failed` for all others."""

_SECTION_ASSIST: Final = "assist"

_OPTIONS: Final = {
    vol.Required(CONF_NAME): TextSelector(),
    vol.Required(CONF_MAY_TRIGGER, default=True): BooleanSelector(),
    vol.Required(CONF_MEDIA, default=MediaPolicy.ON_DEMAND.value): SelectSelector(
        SelectSelectorConfig(
            options=[policy.value for policy in MediaPolicy],
            mode=SelectSelectorMode.DROPDOWN,
            translation_key=CONF_MEDIA,
        )
    ),
}
_ASSIST: Final = {
    vol.Optional(CONF_ASSIST_AGENT): ConversationAgentSelector(),
    vol.Optional(CONF_ASSIST_SPEECH): EntitySelector(EntitySelectorConfig(domain="stt")),
}
_ASSIST_IN_GROUP: Final = {vol.Optional(CONF_ASSIST_SENDERS): TextSelector(TextSelectorConfig(multiple=True))}
_ASSIST_OFF: Final = {CONF_ASSIST_AGENT: None, CONF_ASSIST_SPEECH: None, CONF_ASSIST_SENDERS: None}
"""What a form that leaves these out means."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A chat that can be chosen, and what WhatsApp calls it."""

    chat: str
    kind: RecipientKind
    name: str


class RecipientFlow(ConfigSubentryFlow):
    """Adds a recipient, or changes what one may do."""

    def __init__(self) -> None:
        super().__init__()
        self._choice: Choice | None = None
        self._choices: list[Choice] | None = None

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Let the user pick a chat, or type a number or chat id."""
        entry: WhatsAppConfigEntry = self._get_entry()
        if entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="entry_not_loaded")
        errors: dict[str, str] = {}
        if self._choices is None:
            self._choices, error = await _choices(entry.runtime_data)
            if error is not None:
                errors["base"] = _form_error(error)
        if user_input is not None:
            error_key = await self._choose(entry.runtime_data, user_input.get(CONF_CHAT, "").strip())
            if error_key is None:
                return await self.async_step_options()
            errors[CONF_CHAT] = error_key
        taken = {recipient.chat for recipient in recipients(entry)}
        free = [choice for choice in self._choices if choice.chat not in taken]
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(_chat_schema(free), user_input),
            errors=errors,
            description_placeholders={"account": entry.title},
        )

    async def async_step_options(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the recipient is called and may do."""
        assert self._choice is not None  # noqa: S101 - the step before has set it
        choice, errors = self._choice, {}
        if user_input is not None:
            given = _without_section(user_input)
            errors = self._wrong(given)
            if not errors:
                what = {CONF_CHAT: choice.chat, CONF_KIND: choice.kind.value, CONF_NAME: choice.name}
                return self.async_create_entry(title=given[CONF_NAME].strip(), data=given | what, unique_id=choice.chat)
        return self.async_show_form(
            step_id="options",
            data_schema=self.add_suggested_values_to_schema(
                _options(choice.kind, assists=False), user_input or {CONF_NAME: choice.name}
            ),
            errors=errors,
            description_placeholders=await self._shown(choice.chat, choice.name),
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Change what a recipient is called and may do."""
        entry, subentry, errors = self._get_entry(), self._get_reconfigure_subentry(), {}
        if user_input is not None:
            given = _ASSIST_OFF | _without_section(user_input)
            errors = self._wrong(given)
            if not errors:
                name = given.pop(CONF_NAME).strip()
                return self.async_update_and_abort(entry, subentry, title=name, data_updates=given)
        now = {**subentry.data, CONF_NAME: subentry.title, _SECTION_ASSIST: subentry.data}
        schema = _options(
            RecipientKind(subentry.data[CONF_KIND]), assists=subentry.data.get(CONF_ASSIST_AGENT) is not None
        )
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(schema, user_input or now),
            errors=errors,
            description_placeholders=await self._shown(subentry.data[CONF_CHAT], subentry.data[CONF_NAME]),
        )

    def _wrong(self, given: dict[str, Any]) -> dict[str, str]:
        """Returns the errors of the form with the options. Who is mistyped there could never talk to the agent."""
        if not given[CONF_NAME].strip():
            return {CONF_NAME: "name_missing"}
        senders = given.get(CONF_ASSIST_SENDERS) or []
        wrong = any(international(sender, self.hass.config.country) is None for sender in senders)
        return {"base": "invalid_phone"} if wrong else {}

    async def _shown(self, chat: str, name: str) -> dict[str, str]:
        """Returns what the form shows of a chat: its name, picture, and a person's number."""
        entry: WhatsAppConfigEntry = self._get_entry()
        picture = ""
        if entry.state is ConfigEntryState.LOADED:
            try:
                jpeg = await entry.runtime_data.client.picture(entry.runtime_data.account_id, chat)
            except GatewayError:
                # there is none, or it cannot be had now: the form does without
                pass
            else:
                picture = f"![](data:image/jpeg;base64,{b64encode(jpeg).decode()})"
        return {"name": name, "picture": picture, "number": chat if chat.startswith("+") and chat != name else ""}

    async def _choose(self, coordinator: WhatsAppCoordinator, written: str) -> str | None:
        """Keeps the chat that was picked or typed. Returns the key of what is wrong with it."""
        same = {written, international(written, self.hass.config.country)}
        labels = _labels(self._choices or [])
        picked = labels.get(written) or next(
            (choice for choice in labels.values() if {choice.chat, choice.name} & same), None
        )
        try:
            self._choice = picked or await _typed(coordinator, written, self.hass.config.country)
        except GatewayError as error:
            return _form_error(error)
        if self._choice is None:
            return "invalid_recipient"
        entry = self._get_entry()
        if self._choice.chat in {recipient.chat for recipient in recipients(entry)}:
            return "already_configured"
        return None


def _options(kind: RecipientKind, *, assists: bool) -> vol.Schema:
    """Returns the form of the options; nobody talks to Assist in a channel."""
    if kind is RecipientKind.CHANNEL:
        return vol.Schema(_OPTIONS)
    fields = _ASSIST | (_ASSIST_IN_GROUP if kind is RecipientKind.GROUP else {})
    assist = section(vol.Schema(fields), {"collapsed": not assists})
    return vol.Schema({**_OPTIONS, vol.Required(_SECTION_ASSIST): assist})


def _without_section(user_input: dict[str, Any]) -> dict[str, Any]:
    """Returns the form's answers, those of its section among them."""
    answers = dict(user_input)
    assist: dict[str, Any] = answers.pop(_SECTION_ASSIST, {})
    return answers | assist


def _form_error(error: GatewayError) -> str:
    key = translation_key(error)
    return key if key in _FORM_ERRORS else "request_failed"


def _chat_schema(choices: list[Choice]) -> vol.Schema:
    # the frontend shows the value of what was chosen, so it is the label
    options = [SelectOptionDict(value=label, label=label) for label in _labels(choices)]
    selector = SelectSelector(
        SelectSelectorConfig(options=options, custom_value=True, mode=SelectSelectorMode.DROPDOWN)
    )
    # required, the frontend would choose the first chat by itself
    return vol.Schema({vol.Optional(CONF_CHAT): selector})


def _labels(choices: list[Choice]) -> dict[str, Choice]:
    """Returns the chats by what is shown of each: its name, and what tells it from others and can be searched too."""
    names = Counter(choice.name for choice in choices)
    labels: dict[str, Choice] = {}
    for choice in choices:
        person = choice.kind is RecipientKind.PERSON and choice.chat.startswith("+")
        told = choice.chat != choice.name and (person or names[choice.name] > 1)
        labels[f"{choice.name} ({choice.chat})" if told else choice.name] = choice
    return labels


async def _choices(coordinator: WhatsAppCoordinator) -> tuple[list[Choice], GatewayError | None]:
    """Returns the account's chats, and what kept us from getting them: a number can be typed all the same."""
    try:
        chats = await coordinator.client.chats(coordinator.account_id)
    except GatewayError as error:
        return [], error
    kinds = [(chat, RecipientKind.of(chat.id)) for chat in chats]
    return [Choice(chat.id, kind, chat.name or chat.id) for chat, kind in kinds if kind is not None], None


async def _typed(coordinator: WhatsAppCoordinator, written: str, country: str | None) -> Choice | None:
    """Looks up what was typed: a chat id or a phone number. Returns None for anything else."""
    client, account = coordinator.client, coordinator.account_id
    kind = RecipientKind.of(written)
    if kind is RecipientKind.GROUP:
        return Choice(written, kind, (await client.group(account, written)).subject)
    if kind is RecipientKind.CHANNEL or written.startswith("lid:"):
        return Choice(written, kind or RecipientKind.PERSON, written)
    if (phone := international(written, country)) is None:
        return None
    [checked] = await client.check_numbers(account, [phone])
    if not checked.exists or checked.chat is None:
        raise GatewayRequestError("recipient_not_on_whatsapp")
    return Choice(checked.chat, RecipientKind.PERSON, phone)
