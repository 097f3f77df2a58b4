"""Notes what tests with the real gateway, engine and simulator come through, and what of the integration none has come through.

Nothing is declared: what is noted was seen. A whole run with `--whole-chain` fails where something is missing.
"""

from collections.abc import Callable, Iterator
from functools import partial
import json
from pathlib import Path
from typing import Any

from homeassistant.components.automation import AutomationEntity
from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import ConfigFlow
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import ServiceRegistry
from homeassistant.data_entry_flow import FlowManager, FlowResultType
from homeassistant.helpers.issue_registry import IssueRegistry
from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.whatsapp_gateway import binary_sensor, button, event, image, notify, sensor
from custom_components.whatsapp_gateway.condition import CONDITIONS
from custom_components.whatsapp_gateway.const import DOMAIN
from custom_components.whatsapp_gateway.entity import RecipientEntity, WhatsAppEntity
from custom_components.whatsapp_gateway.trigger import TRIGGERS

ROOT = Path(__file__).resolve().parents[2]
INTEGRATION = ROOT / "custom_components/whatsapp_gateway"
BLUEPRINTS = ROOT / "blueprints/automation/whatsapp_gateway"
NOTHING_YET = {STATE_UNAVAILABLE, STATE_UNKNOWN, "0"}

NOT_REACHED = {"dialog step pairing_failed"}
"""For an ending that a later gateway may have: none of today's leads there. A scripted gateway does (test_pairing_dialog.py)."""

NOTED: set[str] = set()
"""What was seen since the start of the run."""


def inventory() -> set[str]:
    """All that the integration has: entities, actions, triggers, conditions and what they answer, repairs, steps of dialogs, blueprints."""
    texts = json.loads((INTEGRATION / "translations/en.json").read_text())
    config = texts["config"]
    return {
        *(f"entity {name}" for name in _entities()),
        *(f"action {name}" for name in _described("services")),
        "action notify.whatsapp",
        *(f"trigger {name}" for name in _described("triggers")),
        *(f"condition {name}: {answer}" for name in _described("conditions") for answer in (True, False)),
        *(f"repair {key}" for key in texts["issues"]),
        *(f"mended {key}" for key, issue in texts["issues"].items() if "fix_flow" in issue),
        *(f"dialog {part} {key}" for part in ("step", "progress") for key in config[part]),
        *(f"recipient step {key}" for key in texts["config_subentries"]["recipient"]["step"]),
        *(f"blueprint {path.stem}" for path in BLUEPRINTS.glob("*.yaml")),
    }


def _described(what: str) -> list[str]:
    """The names in `triggers.yaml` and its like; those with a dot are parts that several share."""
    return [name for name in load_yaml_dict(str(INTEGRATION / f"{what}.yaml")) if not name.startswith(".")]


def missing() -> list[str]:
    """What no test has come through so far."""
    return sorted(inventory() - NOT_REACHED - NOTED)


def is_whole_chain(fixtures: list[str]) -> bool:
    """Whether a test that uses these fixtures has all real parts behind it."""
    return "simulator" in fixtures and "gateway" not in fixtures


def _entities() -> Iterator[str]:
    for module in (binary_sensor, button, event, image, notify, sensor):
        for value in vars(module).values():
            for description in value if isinstance(value, tuple) else (value,):
                if hasattr(description, "entity_registry_enabled_default") and not isinstance(description, type):
                    yield f"{module.__name__.rpartition('.')[2]}.{description.key}"


def watch(patch: pytest.MonkeyPatch) -> None:
    """Begins to note, until the patches are taken back."""

    def around(owner: type, method: str, make: Callable[[Any], Callable[..., Any]]) -> None:
        patch.setattr(owner, method, make(getattr(owner, method)))

    for entity in (WhatsAppEntity, RecipientEntity):
        around(entity, "async_write_ha_state", _states)
    around(ServiceRegistry, "async_call", _actions)
    for name, trigger in TRIGGERS.items():
        around(trigger, "async_attach_runner", partial(_triggers, name))
    for name, condition in CONDITIONS.items():
        around(condition, "_async_check", partial(_answers, name))
    around(AutomationEntity, "async_trigger", _blueprints)
    around(IssueRegistry, "async_get_or_create", _repairs)
    around(FlowManager, "_async_handle_step", _dialogs)


def _states(original: Any) -> Any:
    def written(entity: Any) -> None:
        original(entity)
        state = entity.hass.states.get(entity.entity_id)
        if state is not None and state.state not in NOTHING_YET:
            NOTED.add(f"entity {state.domain}.{entity.entity_description.key}")

    return written


def _actions(original: Any) -> Any:
    async def performed(registry: Any, domain: str, service: str, *args: Any, **options: Any) -> Any:
        response = await original(registry, domain, service, *args, **options)
        if domain in {DOMAIN, "notify"}:
            NOTED.add(f"action {service}" if domain == DOMAIN else f"action notify.{service}")
        return response

    return performed


def _triggers(name: str, original: Any) -> Any:
    async def attached(trigger: Any, run_action: Any, *args: Any) -> Any:
        def run(*payload: Any) -> Any:
            NOTED.add(f"trigger {name}")
            return run_action(*payload)

        return await original(trigger, run, *args)

    return attached


def _answers(name: str, original: Any) -> Any:
    def checked(condition: Any, **variables: Any) -> Any:
        answer = original(condition, **variables)
        NOTED.add(f"condition {name}: {answer}")
        return answer

    return checked


def _blueprints(original: Any) -> Any:
    async def ran(automation: Any, *args: Any, **options: Any) -> Any:
        result = await original(automation, *args, **options)
        if result is not None and automation.referenced_blueprint is not None:
            NOTED.add(f"blueprint {Path(automation.referenced_blueprint).stem}")
        return result

    return ran


def _repairs(original: Any) -> Any:
    def created(registry: Any, domain: str, issue_id: str, **issue: Any) -> Any:
        if domain == DOMAIN:
            NOTED.add(f"repair {issue['translation_key']}")
        return original(registry, domain, issue_id, **issue)

    return created


def _dialogs(original: Any) -> Any:
    async def led(manager: Any, flow: Any, *args: Any, **options: Any) -> Any:
        result = await original(manager, flow, *args, **options)
        if type(flow).__module__.startswith(f"custom_components.{DOMAIN}."):
            NOTED.update(_seen(flow, result))
        return result

    return led


def _seen(flow: Any, result: Any) -> Iterator[str]:
    if isinstance(flow, RepairsFlow):
        if result["type"] is FlowResultType.CREATE_ENTRY:
            yield f"mended {(flow.data or {})['key']}"
        return
    dialog = "dialog" if isinstance(flow, ConfigFlow) else "recipient"
    match result["type"]:
        case FlowResultType.FORM | FlowResultType.MENU:
            yield f"{dialog} step {result['step_id']}"
        case FlowResultType.SHOW_PROGRESS:
            yield f"{dialog} step {result['step_id']}"
            yield f"{dialog} progress {result['progress_action']}"
