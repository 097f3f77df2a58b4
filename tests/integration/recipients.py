"""Adds recipients as the dialog does, for tests of what they then do."""

from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant

from tests.integration.dialog import Step

ALICE = "+15551230001"
FAMILY = "group:120363001234567890"


async def begin_adding(hass: HomeAssistant, entry_id: str) -> Step:
    """Opens the dialog that adds a recipient."""
    return await hass.config_entries.subentries.async_init((entry_id, "recipient"), context={"source": "user"})


async def answer(hass: HomeAssistant, step: Step, **answers: Any) -> Step:
    """Submits a form of that dialog."""
    return await hass.config_entries.subentries.async_configure(step["flow_id"], answers)


async def add_recipient(hass: HomeAssistant, entry_id: str, chat: str, name: str, **options: Any) -> None:
    """Goes through the whole dialog."""
    step = await answer(hass, await begin_adding(hass, entry_id), chat=chat)
    assert step["step_id"] == "options", step
    assist: dict[str, Any] = {} if chat.startswith("channel:") else {"assist": {}}
    step = await answer(hass, step, name=name, may_trigger=True, media="on_demand", **(assist | options))
    assert step["type"] == "create_entry", step
    await hass.async_block_till_done()


def put_recipient(hass: HomeAssistant, entry: ConfigEntry, chat: str, name: str, **data: Any) -> ConfigSubentry:
    """Adds a recipient without the dialog."""
    kind = chat.partition(":")[0] if chat.startswith(("group:", "channel:")) else "person"
    subentry = ConfigSubentry(
        data=MappingProxyType({"chat": chat, "kind": kind, "name": name, **data}),
        subentry_type="recipient",
        title=name,
        unique_id=chat,
    )
    hass.config_entries.async_add_subentry(entry, subentry)
    return subentry
