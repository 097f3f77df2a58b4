"""Measures what the integration adds to Home Assistant: `scripts/integration-times`. Run by pytest for Home Assistant's own fixtures.

The gateway is a scripted one in the same process, so its time is counted too: the figures are upper limits.
"""

import asyncio
from statistics import median, quantiles
from time import perf_counter

from homeassistant.core import HomeAssistant, callback
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.integration.automation import automation
from tests.integration.recipients import put_recipient
from tests.integration.scripted_gateway import ScriptedGateway, golden

SETUPS, RECIPIENTS, EVENTS = 20, 200, 300


async def setup_times(hass: HomeAssistant, entry: MockConfigEntry) -> list[float]:
    """Sets the entry up again and again; returns seconds."""
    times = []
    for _ in range(SETUPS):
        await hass.config_entries.async_unload(entry.entry_id)
        started = perf_counter()
        assert await hass.config_entries.async_setup(entry.entry_id)
        times.append(perf_counter() - started)
        await hass.async_block_till_done()
    return times


async def test_times(hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry) -> None:
    """Prints the figures."""
    hass.loop.set_debug(False)
    started = perf_counter()
    assert await hass.config_entries.async_setup(entry.entry_id)
    first = perf_counter() - started
    await hass.async_block_till_done()
    alone = median(await setup_times(hass, entry))
    for number in range(RECIPIENTS):
        put_recipient(hass, entry, f"+1555000{number:04}", f"Person {number}")
    await hass.async_block_till_done()
    crowded = median(await setup_times(hass, entry))
    reached = await events_to_automation(hass, gateway)
    print()  # noqa: T201 - its purpose
    for what, seconds, goal in (
        ("setup of an entry, first (imports its modules)", first, 100),
        ("setup of an entry, median", alone, 100),
        (f"{RECIPIENTS} recipients add", crowded - alone, 50),
        ("message to automation, median", median(reached), 5),
        ("message to automation, 95 of 100 within", quantiles(reached, n=20)[-1], 5),
    ):
        print(f"{what:50} {seconds * 1000:8.2f} ms   goal {goal} ms")  # noqa: T201


async def events_to_automation(hass: HomeAssistant, gateway: ScriptedGateway) -> list[float]:
    """Sends messages over the WebSocket, one at a time; returns the seconds until the automation's first action ran."""
    await automation(hass, "message_received", text="Thank you 👍")
    ran = asyncio.Event()
    hass.bus.async_listen("automation_ran", callback(lambda _: ran.set()))
    await gateway.listeners()
    times = []
    for sequence in range(7, 7 + EVENTS):
        ran.clear()
        frame = golden("event-message-received") | {"sequence": sequence}
        started = perf_counter()
        await gateway.send(frame)
        async with asyncio.timeout(10):
            await ran.wait()
        times.append(perf_counter() - started)
        await hass.async_block_till_done()
    return times
