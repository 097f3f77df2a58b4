"""Goes through the integration's dialogs as the frontend does: what a progress step brings is fetched again and again."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import UnknownFlow

from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge
from tests.stack.qr import svg_in_text

DOMAIN = "whatsapp_gateway"
CONNECTIVITY = "binary_sensor.whatsapp_connectivity"
STATE = "sensor.whatsapp_state"
LIMIT = 20.0
type Step = Any


async def until(condition: Callable[[], bool], what: str) -> None:
    """Polls until something holds."""
    try:
        async with asyncio.timeout(LIMIT):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}") from None


async def begin(hass: HomeAssistant, *, way: str = "scan", **gateway: str) -> Step:
    """Opens the dialog, answers its first form and chooses how to link (`scan` or `code`), where that led so far."""
    step = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert (step["type"], step["step_id"], step["errors"]) == ("form", "user", {})
    step = await hass.config_entries.flow.async_configure(step["flow_id"], gateway)
    if step["step_id"] != "pair":
        return step
    return await hass.config_entries.flow.async_configure(step["flow_id"], {"next_step_id": way})


async def scan(hass: HomeAssistant, flow_id: str) -> Step:
    """Chooses to scan a QR code, at first or after an ending."""
    return await hass.config_entries.flow.async_configure(flow_id, {"next_step_id": "scan"})


async def step_after_progress(hass: HomeAssistant, flow_id: str) -> Step:
    """Waits until a progress step has led to another kind of step.

    Home Assistant goes on by itself too: when it was first, the dialog has ended, and `finished` is returned.
    """
    step: Step = None
    try:
        async with asyncio.timeout(LIMIT):
            while True:
                try:
                    step = await hass.config_entries.flow.async_configure(flow_id)
                except UnknownFlow:
                    return {"type": "finished"}
                if step["type"] in {"create_entry", "abort"}:
                    return {"type": "finished"}
                if step["type"] not in {"progress", "progress_done"}:
                    return step
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"the dialog stays at {step}") from None


async def shown_code(hass: HomeAssistant, flow_id: str, but: str = "") -> str:
    """Waits until the dialog shows a QR code other than `but`, and returns the picture."""
    try:
        async with asyncio.timeout(LIMIT):
            while True:
                step = hass.config_entries.flow.async_get(flow_id)
                assert step["type"] == "progress" if "type" in step else True
                current = current_step(hass, flow_id)
                svg = svg_in_text((current.get("description_placeholders") or {}).get("qr", ""))
                if svg and svg != but:
                    return svg
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError("the dialog shows no QR code") from None


def current_step(hass: HomeAssistant, flow_id: str) -> Step:
    """Returns the step that the dialog shows, without touching it."""
    return hass.config_entries.flow._progress[flow_id].cur_step


async def qr_text(bridge: Bridge, account: str = "whatsapp") -> str:
    """Asks the gateway for the text of the code that is valid now."""
    headers = {"Authorization": f"Bearer {bridge.token}", "Accept": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{bridge.url}/v1/accounts/{account}/qr", headers=headers) as response,
    ):
        return str((await response.json())["data"]["qr"])


async def link_new_account(hass: HomeAssistant, bridge: Bridge, simulator: Simulator) -> str:
    """Adds an account; the phone scans. Returns the entry's id."""
    step = await begin(hass, url=bridge.url, token=bridge.token)
    await shown_code(hass, step["flow_id"])
    await simulator.scan_qr(await qr_text(bridge))
    step = await step_after_progress(hass, step["flow_id"])
    assert step["type"] == "finished", step
    await hass.async_block_till_done()
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "the account is connected")
    [entry] = hass.config_entries.async_entries(DOMAIN)
    return entry.entry_id


def is_state(hass: HomeAssistant, entity_id: str, wanted: str) -> bool:
    """Whether an entity has a state."""
    state = hass.states.get(entity_id)
    return state is not None and state.state == wanted
