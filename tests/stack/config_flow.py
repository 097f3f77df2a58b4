"""Drives the integration's config flow through Home Assistant's API, as its frontend does."""

import asyncio
from http import HTTPStatus
from typing import Any

import aiohttp

from tests.stack.bridge import Bridge
from tests.stack.home_assistant import HomeAssistant
from tests.stack.qr import UnreadableQrError, read_qr_svg, svg_in_text

STEP_LIMIT = 20.0
Step = dict[str, Any]


class FlowError(Exception):
    """The config flow came to a step that was not expected."""


async def flow_step(home_assistant: HomeAssistant, flow_id: str, *wanted: str) -> Step:
    """Waits until a flow is at a step of one of the wanted types (`form`, `progress`, `menu`, `create_entry`)."""
    step: Step = {}
    try:
        async with asyncio.timeout(STEP_LIMIT):
            while True:
                step = await home_assistant.flow(flow_id)
                if step["type"] in wanted:
                    return step
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise FlowError(f"waited for {' or '.join(wanted)}, the dialog {_where(step)}") from None


def _where(step: Step) -> str:
    reason = (step.get("description_placeholders") or {}).get("code")
    return f"is at its step {step.get('step_id')}" + (f": {reason}" if reason else "")


async def begin_pairing(home_assistant: HomeAssistant, bridge: Bridge) -> Step:
    """Adds the integration and goes on to the step that shows the QR code."""
    step = await home_assistant.start_flow()
    step = await home_assistant.answer_flow(step["flow_id"], url=bridge.url, token=bridge.token)
    if step["type"] == "form" and step.get("errors"):
        raise FlowError(f"the gateway was not accepted: {step['errors']}")
    step = await home_assistant.answer_flow(step["flow_id"], next_step_id="scan")
    return await shown_qr_step(home_assistant, step["flow_id"])


async def shown_qr_step(home_assistant: HomeAssistant, flow_id: str, but: str | None = None) -> Step:
    """Waits for a progress step that shows a QR code other than `but`; its text is in the step's `qr_text`."""
    async with asyncio.timeout(STEP_LIMIT * 4):
        while True:
            step = await flow_step(home_assistant, flow_id, "progress")
            svg = svg_in_text((step.get("description_placeholders") or {}).get("qr", ""))
            if svg:
                try:
                    text = read_qr_svg(svg)
                except UnreadableQrError:
                    raise FlowError("the QR code in the flow can't be read") from None
                if text != but:
                    return step | {"qr_text": text}
            await asyncio.sleep(0.02)


async def finished_flow(home_assistant: HomeAssistant, flow_id: str) -> Step:
    """Follows a flow that advances by itself, as an open dialog does, until it has made its entry; returns the entry."""
    async with asyncio.timeout(STEP_LIMIT):
        while True:
            try:
                step = await home_assistant.flow(flow_id)
            except aiohttp.ClientResponseError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                break
            if step["type"] == "create_entry":
                break
            if step["type"] not in {"progress", "progress_done"}:
                raise FlowError(f"the dialog did not finish: it {_where(step)}")
            await asyncio.sleep(0.02)
    entries = await home_assistant.request("GET", "/api/config/config_entries/entry?domain=whatsapp_gateway")
    if not entries:
        raise FlowError("the dialog ended without an entry")
    return dict(entries[-1])


async def add_recipient(home_assistant: HomeAssistant, chat: str, name: str, **assist: Any) -> None:
    """Goes through the dialog that adds a person or group; `assist` is what its section for Assist gets."""
    [entry] = await home_assistant.request("GET", "/api/config/config_entries/entry?domain=whatsapp_gateway")
    flows = "/api/config/config_entries/subentries/flow"
    step = await home_assistant.request("POST", flows, {"handler": [entry["entry_id"], "recipient"]})
    step = await home_assistant.request("POST", f"{flows}/{step['flow_id']}", {"chat": chat})
    assert step["step_id"] == "options", step
    answers = {"name": name, "may_trigger": True, "media": "on_demand", "assist": assist}
    step = await home_assistant.request("POST", f"{flows}/{step['flow_id']}", answers)
    assert step["type"] == "create_entry", step
