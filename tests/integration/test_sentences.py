"""Every code that the gateway has is a sentence of ours, and what an action cannot mend is brought to the user."""

import json
from pathlib import Path
import re
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.service import SERVICE_DESCRIPTION_CACHE
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_gateway import sending
from custom_components.whatsapp_gateway.errors import CALLERS_MISTAKES, OTHER_CODES
from tests.integration.dialog import until
from tests.integration.scripted_gateway import ScriptedGateway

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = sorted(path.stem for path in (ROOT / "custom_components/whatsapp_gateway/translations").glob("*.json"))
ENDS = (".", "।")
ALICE = "+15551230001"
MESSAGES = "/v1/accounts/home/messages"


def documented_codes() -> set[str]:
    """Returns the codes in the table of docs/api.md."""
    table = (ROOT / "docs/api.md").read_text().split("## Error codes")[1]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {code for cell in first_cells for code in re.findall(r"`([a-z_]+)`", cell)}


def test_no_code_of_the_gateway_is_without_a_sentence() -> None:
    ours = CALLERS_MISTAKES | OTHER_CODES | {"unauthorized"}
    assert documented_codes() <= ours
    enum = (ROOT / "bridge-addon/gateway/whatsapp_bridge/errors.py").read_text()
    assert set(re.findall(r'^    [A-Z_]+ = "([a-z_]+)"$', enum, re.MULTILINE)) == ours


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_sentences(language: str) -> None:
    texts = json.loads((ROOT / f"custom_components/whatsapp_gateway/translations/{language}.json").read_text())
    for key, text in texts["exceptions"].items():
        assert text["message"].endswith((*ENDS, "{errors}")), key
    for key, sentence in texts["config"]["error"].items():
        assert sentence.endswith(ENDS), key


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def send(hass: HomeAssistant, **data: Any) -> None:
    await hass.services.async_call("notify", "whatsapp", data, blocking=True)


async def test_a_code_that_is_new_to_us_is_named(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    await set_up(hass, entry)
    gateway.answer("POST", MESSAGES, (418, {"detail": "", "error_code": "teapot", "timestamp": ""}))
    with pytest.raises(HomeAssistantError) as refused:
        await send(hass, message="x", target=ALICE)
    assert refused.value.translation_key == "request_failed"
    assert "(teapot)" in str(refused.value)
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_token_that_is_rejected_when_sending_asks_for_another(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    await set_up(hass, entry)
    await gateway.listeners()
    gateway.token = "another"
    with pytest.raises(HomeAssistantError) as refused:
        await send(hass, message="x", target=ALICE)
    assert refused.value.translation_key == "invalid_auth"
    await until(lambda: bool(hass.config_entries.flow.async_progress()), "the dialog is offered")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_gateway_that_stays_away_is_given_up(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PAUSES", (0.01, 0.01))
    await set_up(hass, entry)
    gateway.answer("POST", MESSAGES, (0, None))
    with pytest.raises(HomeAssistantError) as refused:
        await send(hass, message="x", target=ALICE)
    assert refused.value.translation_key == "cannot_connect"
    assert len({request.key for request in gateway.requested("POST", MESSAGES)}) == 1
    assert len(gateway.requested("POST", MESSAGES)) == 3
    await hass.config_entries.async_unload(entry.entry_id)


async def test_what_is_filled_into_a_sentence_is_in_the_houses_language(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    hass.config.language = "de"
    await set_up(hass, entry)
    gateway.answer("POST", MESSAGES, (422, {"detail": "", "error_code": "not_connected", "timestamp": ""}))
    with pytest.raises(HomeAssistantError) as refused:
        await send(hass, message="x", target=[ALICE, "+15551230002"])
    assert refused.value.translation_placeholders is not None
    assert refused.value.translation_placeholders["errors"].startswith("1: WhatsApp ist gerade nicht verbunden.")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_the_legacy_action_is_described_in_the_houses_language(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    hass.config.language = "de"
    await set_up(hass, entry)
    described = hass.data[SERVICE_DESCRIPTION_CACHE][("notify", "whatsapp")]
    assert described is not None
    assert described["name"] == "WhatsApp-Nachricht senden"
    assert {field["name"] for field in described["fields"].values()} == {"Nachricht", "Titel", "Ziel", "Daten"}
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_triggers_and_conditions_are_found_by_the_name_that_people_search_for(language: str) -> None:
    texts = json.loads((ROOT / f"custom_components/whatsapp_gateway/translations/{language}.json").read_text())
    names = [text["name"] for kind in ("triggers", "conditions") for text in texts[kind].values()]
    assert names
    for name in names:
        assert "WhatsApp" in name or "واتساب" in name, name


async def test_no_error_holds_a_phone_number(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    await set_up(hass, entry)
    refusal = {"detail": "", "error_code": "recipient_not_on_whatsapp", "timestamp": ""}
    gateway.answer("POST", MESSAGES, (422, refusal))
    with pytest.raises(HomeAssistantError) as refused:
        await send(hass, message="x", target=[ALICE, "+15551230002"])
    assert str(refused.value) == (
        "2 of 2 messages were not sent. By position in the list of targets: "
        "1: This phone number is not on WhatsApp. Check the number; "
        "2: This phone number is not on WhatsApp. Check the number"
    )
    await hass.config_entries.async_unload(entry.entry_id)


async def test_the_action_describes_its_own_fields(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    await set_up(hass, entry)
    description = hass.data[SERVICE_DESCRIPTION_CACHE][("notify", "whatsapp")]
    assert description is not None
    assert set(description["fields"]) == {"message", "title", "target", "data"}
    assert description["fields"]["target"]["selector"] == {"text": {"multiple": True}}
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_frontend_can_read_every_text(language: str) -> None:
    """It reads them as ICU messages: braces hold a name and nothing else."""
    texts = (ROOT / f"custom_components/whatsapp_gateway/translations/{language}.json").read_text()
    for text in re.findall(r'": "(.*)",?$', texts, re.MULTILINE):
        left = re.sub(r"\{[a-z_]+\}", "", text)
        assert "{" not in left, text
        assert "}" not in left, text
