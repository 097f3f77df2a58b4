"""What Home Assistant's own pages say of the integration: system information and logbook."""

from typing import Any

from homeassistant.core import Event, HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, get_system_health_info

from custom_components.whatsapp_gateway.logbook import async_describe_events
from tests.integration.conftest import ALICE
from tests.integration.recipients import FAMILY, put_recipient
from tests.integration.scripted_gateway import ScriptedGateway, golden


async def test_the_system_information_counts_accounts_and_reaches_every_gateway(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    assert await async_setup_component(hass, "system_health", {})
    gateway.answer("GET", "/health", (200, golden("answer-health")))
    gateway.hello["waiting"] = {"home": 3}
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    info = await get_system_health_info(hass, "whatsapp_gateway")
    assert await info.pop("can_reach_gateway") == "ok"
    assert info == {"accounts": 1, "connected": 1, "waiting": 3, "gateway_version": "0.1.0"}
    data = {**entry.data, "url": "http://127.0.0.1:9"}
    MockConfigEntry(domain="whatsapp_gateway", data=data, unique_id="other").add_to_hass(hass)
    info = await get_system_health_info(hass, "whatsapp_gateway")
    assert (await info["can_reach_gateway"])["error"] == "unreachable"
    assert info["accounts"] == 2
    await hass.config_entries.async_unload(entry.entry_id)


async def test_without_an_account_there_is_nothing_to_reach(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, "system_health", {})
    assert await async_setup_component(hass, "whatsapp_gateway", {})
    await hass.async_block_till_done()
    info = await get_system_health_info(hass, "whatsapp_gateway")
    assert (info["accounts"], "can_reach_gateway" in info) == (0, False)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({}, "Alice wrote a message on WhatsApp"),
        (
            {"content_type": "image", "chat_id": FAMILY, "chat_type": "group"},
            "Alice sent an image in Family on WhatsApp",
        ),
        ({"chat_id": "group:9", "chat_type": "group"}, "Alice wrote a message in a group on WhatsApp"),
        ({"from_me": True}, "You wrote a message on WhatsApp"),
        ({"sender_name": None, "content_type": "poll_vote"}, f"{ALICE} voted in a poll on WhatsApp"),
        ({"sender_name": None, "sender_phone": None, "content_type": "new"}, "Somebody sent something on WhatsApp"),
        ({"chat_id": "+15551230002"}, "My brother wrote a message on WhatsApp"),
    ],
)
async def test_a_logbook_line_says_who_did_what_where_and_no_words(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, data: dict[str, Any], line: str
) -> None:
    put_recipient(hass, entry, FAMILY, "Family")
    put_recipient(hass, entry, "+15551230002", "My brother")
    describers: dict[str, Any] = {}
    async_describe_events(hass, lambda _domain, kind, describe: describers.update({kind: describe}))
    message = {
        "config_entry_id": entry.entry_id,
        "chat_id": ALICE,
        "chat_type": "person",
        "sender_phone": ALICE,
        "sender_name": "Alice",
        "from_me": False,
        "text": "secret words",
        "content_type": "text",
    }
    event: Event[Any] = Event("whatsapp_gateway_message", message | data)
    described = describers["whatsapp_gateway_message"](event)
    assert f"{described['name']} {described['message']}" == line
