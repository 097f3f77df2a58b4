"""The examples of the documents are taken by Home Assistant as they stand there."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.stack.documents import Example, examples

AUTOMATION_KEYS = {"triggers", "conditions", "actions"}


def automation(example: Example) -> dict[str, Any] | None:
    """Returns an example as a whole automation: what is missing in an excerpt is made up."""
    written = parse_yaml(example.text)
    if isinstance(written, list) and all("action" in step for step in written):
        return {"triggers": [{"trigger": "event", "event_type": "made_up"}], "actions": written}
    if isinstance(written, dict) and AUTOMATION_KEYS & set(written):
        made_up = {
            "triggers": [{"trigger": "event", "event_type": "made_up"}],
            "actions": [{"event": "made_up"}],
        }
        return made_up | written
    return None


AUTOMATIONS = [(example, whole) for example in examples("yaml") if (whole := automation(example)) is not None]


def test_the_documents_have_examples() -> None:
    assert len(AUTOMATIONS) >= 12
    assert {example.document for example, _ in AUTOMATIONS} >= {
        "README.md",
        "docs/recipes.md",
        "docs/actions.md",
        "docs/automations.md",
    }


@pytest.mark.parametrize(("example", "whole"), AUTOMATIONS, ids=[str(example) for example, _ in AUTOMATIONS])
async def test_home_assistant_takes_an_example(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    example: Example,
    whole: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert await async_setup_component(
        hass, "automation", {"automation": [{"id": "example", "alias": "Example"} | whole]}
    )
    await hass.async_block_till_done()
    [state] = hass.states.async_all("automation")
    assert state.state == "on", caplog.text
    known = hass.services.async_services()
    for step in named_actions(whole["actions"]):
        domain, _, name = step.partition(".")
        if domain in {"whatsapp_gateway", "notify"}:
            assert name in known.get(domain, {}), step
    assert not [
        record
        for record in caplog.records
        if record.name.startswith("homeassistant.components.automation") and record.levelname == "ERROR"
    ]
    await hass.config_entries.async_unload(entry.entry_id)


def named_actions(steps: Any) -> list[str]:
    """Returns the names of all actions in a script, however deep."""
    if isinstance(steps, dict):
        own = [steps["action"]] if isinstance(steps.get("action"), str) else []
        return own + [name for value in steps.values() for name in named_actions(value)]
    if isinstance(steps, list):
        return [name for step in steps for name in named_actions(step)]
    return []
