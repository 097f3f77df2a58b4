"""Two dialogs, two frontends, and dialogs that are closed in the middle: nothing is left behind, and nothing is lost."""

import asyncio
import json

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import pytest

from custom_components.whatsapp_gateway.api.client import GatewayClient
from custom_components.whatsapp_gateway.pairing_dialog import cleaned_up
from tests.integration.dialog import (
    CONNECTIVITY,
    LIMIT,
    STATE,
    begin,
    current_step,
    is_state,
    qr_text,
    scan,
    shown_code,
    step_after_progress,
    until,
)
from tests.simulator.client import Simulator, SimulatorError
from tests.stack.bridge import Bridge


async def close(hass: HomeAssistant, flow_id: str) -> None:
    hass.config_entries.flow.async_abort(flow_id)
    await hass.async_block_till_done(wait_background_tasks=True)


async def unload(hass: HomeAssistant) -> None:
    await hass.async_block_till_done()
    for entry in hass.config_entries.async_entries("whatsapp_gateway"):
        await hass.config_entries.async_unload(entry.entry_id)


async def test_two_dialogs_link_two_accounts_and_closing_one_leaves_the_other(
    hass: HomeAssistant, bridge: Bridge, simulator: Simulator
) -> None:
    first = await begin(hass, url=bridge.url, token=bridge.token)
    await shown_code(hass, first["flow_id"])
    old = await qr_text(bridge)
    second = await begin(hass, url=bridge.url, token=bridge.token)
    await shown_code(hass, second["flow_id"])
    newer = await qr_text(bridge, "whatsapp-2")
    assert newer != old
    await simulator.scan_qr(newer)
    assert (await step_after_progress(hass, second["flow_id"]))["type"] == "finished"
    hass.config_entries.flow.async_abort(first["flow_id"])
    await cleaned_up(hass)
    [entry] = hass.config_entries.async_entries("whatsapp_gateway")
    assert entry.data["account"] == "whatsapp-2"
    client = GatewayClient(async_get_clientsession(hass), bridge.url, bridge.token)
    assert [account.id for account in (await client.hello()).accounts] == ["whatsapp-2"]
    await unload(hass)


async def test_two_frontends_with_the_same_dialog_end_in_one_link(
    hass: HomeAssistant, linked: str, bridge: Bridge, simulator: Simulator
) -> None:
    """Whoever is logged in sees the dialog that Home Assistant offers: two may have it open."""
    await simulator.unlink()
    await until(lambda: bool(hass.config_entries.flow.async_progress()), "the dialog is offered")
    [flow] = hass.config_entries.flow.async_progress()
    await hass.config_entries.flow.async_configure(flow["flow_id"], {})
    await asyncio.gather(scan(hass, flow["flow_id"]), hass.config_entries.flow.async_configure(flow["flow_id"]))
    await shown_code(hass, flow["flow_id"])
    frontends = [asyncio.create_task(step_after_progress(hass, flow["flow_id"])) for _ in range(2)]
    await simulator.scan_qr(await qr_text(bridge))
    assert await asyncio.gather(*frontends) == [{"type": "finished"}] * 2
    await until(lambda: is_state(hass, STATE, "connected"), "it is connected again")
    assert [entry.entry_id for entry in hass.config_entries.async_entries("whatsapp_gateway")] == [linked]


async def asked_in_vain(simulator: Simulator) -> None:
    """Asks for the passkey until WhatsApp has heard that the link is closed, a moment after the dialog."""
    async with asyncio.timeout(LIMIT):
        while True:
            await simulator.passkey_assertion()
            await asyncio.sleep(0.02)


async def test_closed_at_the_passkey_and_opened_again(
    hass: HomeAssistant, bridge: Bridge, simulator: Simulator
) -> None:
    await simulator.faults(passkey="required")
    step = await begin(hass, url=bridge.url, token=bridge.token)
    await shown_code(hass, step["flow_id"])
    await simulator.scan_qr(await qr_text(bridge))
    step = await step_after_progress(hass, step["flow_id"])
    assert step["step_id"] == "passkey"
    await close(hass, step["flow_id"])
    with pytest.raises(SimulatorError, match=r"no_passkey_asked|stale_qr"):
        await asked_in_vain(simulator)

    step = await begin(hass, url=bridge.url, token=bridge.token)
    await shown_code(hass, step["flow_id"])
    await simulator.scan_qr(await qr_text(bridge))
    step = await step_after_progress(hass, step["flow_id"])
    await hass.config_entries.flow.async_configure(
        step["flow_id"], {"assertion": json.dumps(await simulator.passkey_assertion())}
    )
    assert (await step_after_progress(hass, step["flow_id"]))["type"] == "finished"
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "the account is connected")
    await unload(hass)


async def test_closed_between_scan_and_connection_the_link_is_kept_and_taken_over(
    hass: HomeAssistant, bridge: Bridge, simulator: Simulator
) -> None:
    step = await begin(hass, url=bridge.url, token=bridge.token)
    await shown_code(hass, step["flow_id"])
    await simulator.faults(refuse_connections=True)
    await simulator.scan_qr(await qr_text(bridge))
    await until(lambda: current_step(hass, step["flow_id"])["progress_action"] == "link", "the scan is told")
    await close(hass, step["flow_id"])
    await simulator.clear_faults()

    step = await begin(hass, url=bridge.url, token=bridge.token)
    assert step["step_id"] == "account", "it is offered"
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {"account": "whatsapp"})
    assert (step["type"], step["title"]) == ("create_entry", simulator.phone)
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "the account is connected")
    assert len((await simulator.state()).linked_devices) == 1, "it was scanned once"
    await unload(hass)
