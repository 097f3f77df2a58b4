"""Automations as users have them, which say what triggered them."""

from typing import Any

from homeassistant.core import Event, HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_capture_events


async def automation(
    hass: HomeAssistant, trigger: str, conditions: list[dict[str, Any]] | None = None, /, **options: Any
) -> list[Event[Any]]:
    """Sets up an automation with one of our triggers. Returns the list to which each of its runs adds an event.

    The event's `trigger` are the trigger's variables.
    """
    runs: list[Event[Any]] = async_capture_events(hass, "automation_ran")
    config = {
        "id": "automation",
        "alias": "Automation",
        "mode": "queued",
        "triggers": [{"trigger": f"whatsapp_gateway.{trigger}", "options": options}],
        "conditions": conditions or [],
        "actions": [{"event": "automation_ran", "event_data": {"trigger": "{{ trigger }}"}}],
    }
    assert await async_setup_component(hass, "automation", {"automation": config})
    await hass.async_block_till_done()
    state = hass.states.get("automation.automation")
    assert state is not None
    assert state.state == "on", "the automation's configuration is valid"
    return runs
