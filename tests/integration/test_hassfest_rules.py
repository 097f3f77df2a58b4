"""What hassfest and HACS (the Marketplace) check on GitHub, with the validators that come with Home Assistant: the release of the harness, and the newest."""

import ast
import asyncio
import importlib
import json
from pathlib import Path
import re
import subprocess
from typing import Any

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import condition, entity_registry as er
from homeassistant.helpers.service import _SERVICES_SCHEMA
from homeassistant.helpers.trigger.descriptions import _TRIGGERS_DESCRIPTION_SCHEMA
from homeassistant.loader import async_get_custom_components, async_get_integration
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_gateway import PLATFORMS
from custom_components.whatsapp_gateway.condition import CONDITIONS
from custom_components.whatsapp_gateway.trigger import TRIGGERS
from tests.integration.dialog import is_state, until
from tests.integration.recipients import ALICE, put_recipient
from tests.integration.scripted_gateway import ScriptedGateway
from tests.integration.test_repository import INTEGRATION, LANGUAGES, PLACEHOLDER, ROOT, leaves, texts

# in a module of its own since 2026.11
_CONDITIONS_DESCRIPTION_SCHEMA: Any = getattr(condition, "descriptions", condition)._CONDITIONS_DESCRIPTION_SCHEMA
NEWEST = ROOT / ".cache/homeassistant/bin/python"
MDI = re.compile(r"mdi:[a-z0-9-]+")
TRIGGER_FILE, CONDITION_FILE, SERVICE_FILE = (
    load_yaml_dict(str(INTEGRATION / f"{name}.yaml")) for name in ("triggers", "conditions", "services")
)
TEXTS: dict[str, Any] = json.loads((INTEGRATION / "translations/en.json").read_text())
ICONS: dict[str, Any] = json.loads((INTEGRATION / "icons.json").read_text())
SOURCES = sorted(INTEGRATION.rglob("*.py"))


def described(file: dict[str, Any]) -> set[str]:
    return {key for key in file if not key.startswith(".")}


def fields(description: dict[str, Any]) -> dict[str, Any]:
    """All fields, those in sections too."""
    flat: dict[str, Any] = {}
    for name, field in (description.get("fields") or {}).items():
        flat |= field.get("fields", {name: field})
    return flat


def test_the_descriptions_have_the_shape_that_home_assistant_wants() -> None:
    _TRIGGERS_DESCRIPTION_SCHEMA(TRIGGER_FILE)
    _CONDITIONS_DESCRIPTION_SCHEMA(CONDITION_FILE)
    _SERVICES_SCHEMA(SERVICE_FILE)


def test_the_newest_home_assistant_takes_them_too_and_its_marketplace_the_repository() -> None:
    check = f"""
import json
from homeassistant.components.marketplace.utils.validate import REPOSITORY_MANIFEST_VALUES
from homeassistant.helpers.condition.descriptions import _CONDITIONS_DESCRIPTION_SCHEMA
from homeassistant.helpers.service import _SERVICES_SCHEMA
from homeassistant.helpers.trigger.descriptions import _TRIGGERS_DESCRIPTION_SCHEMA
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import load_yaml_dict
folder = {str(INTEGRATION)!r}
_TRIGGERS_DESCRIPTION_SCHEMA(load_yaml_dict(folder + "/triggers.yaml"))
_CONDITIONS_DESCRIPTION_SCHEMA(load_yaml_dict(folder + "/conditions.yaml"))
_SERVICES_SCHEMA(load_yaml_dict(folder + "/services.yaml"))
for key, value in json.load(open({str(ROOT / "hacs.json")!r})).items():
    if key in REPOSITORY_MANIFEST_VALUES:
        REPOSITORY_MANIFEST_VALUES[key](value)
"""
    done = subprocess.run([NEWEST, "-c", check], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


async def test_the_loader_takes_the_manifest(hass: HomeAssistant) -> None:
    assert "whatsapp_gateway" in await async_get_custom_components(hass)
    integration = await async_get_integration(hass, "whatsapp_gateway")
    assert integration.has_triggers
    assert integration.has_conditions
    assert integration.has_services


def test_the_requirements_are_pinned_and_open() -> None:
    requirements = json.loads((INTEGRATION / "manifest.json").read_text())["requirements"]
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", requirement) for requirement in requirements)
    assert {requirement.partition("==")[0] for requirement in requirements} <= {"phonenumbers"}


async def test_what_is_registered_is_described_and_the_other_way_round(hass: HomeAssistant) -> None:
    assert described(TRIGGER_FILE) == set(TRIGGERS)
    assert described(CONDITION_FILE) == set(CONDITIONS)
    assert await async_setup_component(hass, "whatsapp_gateway", {})
    assert set(hass.services.async_services_for_domain("whatsapp_gateway")) == described(SERVICE_FILE)


@pytest.mark.parametrize(
    ("kind", "file"), [("triggers", TRIGGER_FILE), ("conditions", CONDITION_FILE), ("services", SERVICE_FILE)]
)
def test_everything_in_the_editors_has_name_description_and_no_text_is_left_over(
    kind: str, file: dict[str, Any]
) -> None:
    of_legacy_notify = {"notify"} if kind == "services" else set()
    assert set(TEXTS[kind]) == described(file) | of_legacy_notify
    for key in described(file):
        text = TEXTS[kind][key]
        assert text["name"], key
        assert text["description"].endswith("."), key
        assert set(text.get("fields", {})) == set(fields(file[key])), key
        for name, field in text.get("fields", {}).items():
            assert field["name"], (key, name)
            assert field["description"], (key, name)


def test_every_choice_of_a_selector_has_a_text() -> None:
    for file in (TRIGGER_FILE, CONDITION_FILE, SERVICE_FILE):
        for key in described(file):
            for name, field in fields(file[key]).items():
                select = (field.get("selector") or {}).get("select")
                if select and (translation := select.get("translation_key")):
                    options = {
                        option if isinstance(option, str) else option["value"] for option in select.get("options", [])
                    }
                    assert options <= set(TEXTS["selector"][translation]["options"]), (key, name)


def test_everything_has_an_icon() -> None:
    for kind, file, part in (
        ("triggers", TRIGGER_FILE, "trigger"),
        ("conditions", CONDITION_FILE, "condition"),
        ("services", SERVICE_FILE, "service"),
    ):
        assert set(ICONS[kind]) == described(file)
        for key, icon in ICONS[kind].items():
            assert MDI.fullmatch(icon[part]), key
    for platform, entities in ICONS["entity"].items():
        for key, icon in entities.items():
            assert key in TEXTS["entity"].get(platform, {key: None}), (platform, key)
            assert MDI.fullmatch(icon["default"]), key
            for state in icon.get("state", {}).values():
                assert MDI.fullmatch(state), key
                assert state != icon["default"], key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_what_its_actions_triggers_and_repairs_need(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert other.keys() == english.keys()
    for key, text in english.items():
        assert other[key].strip(), key
        assert sorted(set(PLACEHOLDER.findall(text))) == sorted(set(PLACEHOLDER.findall(other[key]))), key


def test_every_field_of_a_form_is_described() -> None:
    forms = leaves({kind: TEXTS[kind] for kind in ("config", "config_subentries")})
    labels = [key for key in forms if ".data." in key]
    assert labels
    for label in labels:
        assert label.replace(".data.", ".data_description.") in forms, label


def calls_of(*names: str) -> list[tuple[Path, ast.Call]]:
    return [
        (path, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]


def test_every_exception_is_a_translated_sentence() -> None:
    found = calls_of(
        "HomeAssistantError", "ServiceValidationError", "ConfigEntryError", "ConfigEntryAuthFailed", "UpdateFailed"
    )
    assert len(found) > 20
    for path, call in found:
        assert {"translation_domain", "translation_key"} <= {keyword.arg for keyword in call.keywords}, path.name


def test_every_platform_says_how_many_at_a_time() -> None:
    for platform in PLATFORMS:
        module = importlib.import_module(f"custom_components.whatsapp_gateway.{platform.value}")
        assert isinstance(module.PARALLEL_UPDATES, int), platform


async def test_every_entity_has_a_name_of_its_own(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    put_recipient(hass, entry, ALICE, "Alice")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    assert {each.domain for each in registered} == {Platform(platform).value for platform in PLATFORMS}
    for each in registered:
        assert each.has_entity_name, each.entity_id
        if each.translation_key is not None:
            assert each.original_name is None or each.translation_key in TEXTS["entity"][each.domain], each.entity_id
        else:
            assert each.original_device_class is not None or each.original_name is None, each.entity_id
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_gateway_that_goes_and_comes_back_is_logged_once_each(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    gateway.answer("GET", "/v1/events", (500, {}))
    await gateway.drop()
    await until(lambda: len(gateway.requested("GET", "/v1/events")) >= 5, "it is tried again and again")
    del gateway.answers["GET", "/v1/events"]
    await until(lambda: is_state(hass, "binary_sensor.home_connectivity", "on"), "it is back")
    ours = [record.getMessage() for record in caplog.records if record.name.endswith("whatsapp_gateway.coordinator")]
    assert len([line for line in ours if "Error requesting" in line]) == 1
    assert len([line for line in ours if "is back" in line]) == 1
    await hass.config_entries.async_unload(entry.entry_id)
    await asyncio.sleep(0)
