"""Whom an action is for: recipients by their entities, anybody by number, chat id or a recipient's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
import probatio as vol

from .const import CONF_ACCOUNT, DOMAIN
from .coordinator import WhatsAppConfigEntry
from .phone_numbers import international, written
from .recipient import Recipient, RecipientKind, recipients

CONF_TO: Final = "to"

TARGET_FIELDS: Final[dict[str | vol.Marker, Any]] = {
    **cv.ENTITY_SERVICE_FIELDS,
    vol.Optional(CONF_TO): vol.All(cv.ensure_list, [written]),
    vol.Optional(CONF_ACCOUNT): cv.string,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A chat (a chat id or phone number) and the account that writes to it; `entity_id` where a recipient's entity was named."""

    entry: WhatsAppConfigEntry
    chat: str
    entity_id: str | None = None


@callback
def targets_of(hass: HomeAssistant, data: Mapping[str, Any]) -> list[Target]:
    """Returns whom an action's data names, each chat once.

    Raises:
        ServiceValidationError: nobody is named, or somebody who is not known.
    """
    found = _recipients_by_entity(hass, data)
    texts = [text.strip() for text in data.get(CONF_TO, ()) if text.strip()]
    if texts:
        entry = sending_account(hass, data.get(CONF_ACCOUNT))
        found += [Target(entry, chat_of(hass, entry, text)) for text in texts]
    once: dict[tuple[str, str], Target] = {}
    for target in found:
        once.setdefault((target.entry.entry_id, target.chat), target)
    if not once:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_target")
    return list(once.values())


@callback
def sending_account(hass: HomeAssistant, wanted: str | None) -> WhatsAppConfigEntry:
    """Returns the account that sends: the wanted one by name, number or id; else the one that was added first.

    Raises:
        ServiceValidationError: there is none of that name, or it is not available now.
    """
    entries: list[WhatsAppConfigEntry] = hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    )
    if wanted is not None:
        entries = [entry for entry in entries if wanted in _names(entry)]
        if not entries:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="account_unknown")
    if not entries:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_account")
    return _available(entries[0])


@callback
def chat_of(hass: HomeAssistant, entry: WhatsAppConfigEntry, written: str) -> str:
    """Returns the chat that somebody wrote as a number, a chat id, a recipient's name or its entity.

    Raises:
        ServiceValidationError: it is none of these, or several recipients have the name.
    """
    if RecipientKind.of(written) is not None and not written.startswith("+"):
        return written
    name = written.casefold()
    named = [found for found in recipients(entry) if name in {found.name.casefold(), found.known_as.casefold()}]
    if len(named) > 1:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="name_ambiguous")
    if named:
        return named[0].chat
    if (chosen := _recipient_of_entity(hass, written)) is not None and chosen[0] is entry:
        return chosen[1].chat
    if (phone := international(written, hass.config.country)) is not None:
        return phone
    raise ServiceValidationError(translation_domain=DOMAIN, translation_key="invalid_phone_number")


def _names(entry: WhatsAppConfigEntry) -> set[str | None]:
    names: set[str | None] = {entry.entry_id, entry.title, entry.data[CONF_ACCOUNT]}
    if (coordinator := getattr(entry, "runtime_data", None)) is not None:
        names |= {coordinator.data.name, coordinator.data.phone}
    return names


def _available(entry: WhatsAppConfigEntry) -> WhatsAppConfigEntry:
    if entry.state is not ConfigEntryState.LOADED:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_account")
    return entry


def _recipients_by_entity(hass: HomeAssistant, data: Mapping[str, Any]) -> list[Target]:
    selection = TargetSelection(dict(data))
    if not selection.has_any_target:
        return []
    selected = async_extract_referenced_entity_ids(hass, selection)
    named = [entity_id for entity_id in cv.ensure_list(data.get("entity_id")) if entity_id in selected.referenced]
    found: list[Target] = []
    # of a device, the notify entity stands for the recipient
    others = sorted(
        selected.indirectly_referenced, key=lambda entity_id: (not entity_id.startswith("notify."), entity_id)
    )
    for entity_id in (*named, *others):
        chosen = _recipient_of_entity(hass, entity_id)
        if chosen is not None:
            found.append(Target(_available(chosen[0]), chosen[1].chat, entity_id))
        elif entity_id in named:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="not_a_recipient",
                translation_placeholders={"entity_id": entity_id},
            )
    return found


def _recipient_of_entity(hass: HomeAssistant, entity_id: str) -> tuple[WhatsAppConfigEntry, Recipient] | None:
    entity = er.async_get(hass).async_get(entity_id)
    if entity is None or entity.platform != DOMAIN or entity.config_subentry_id is None:
        return None
    entry = hass.config_entries.async_get_entry(entity.config_entry_id or "")
    subentry = entry.subentries.get(entity.config_subentry_id) if entry is not None else None
    return None if entry is None or subentry is None else (entry, Recipient.of(subentry))
