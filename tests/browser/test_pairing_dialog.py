"""What a person sees: add the integration, scan the QR code from the screen, see the dialog finish and the device page."""

import asyncio
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, expect
import pytest

from tests.browser.dialog import PATIENCE, SCAN, add_integration, choose, opened, qr_from_screen
from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.home_assistant import HomeAssistant


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_scan_from_the_screen_closes_the_dialog_and_makes_the_device(
    theme: Literal["light", "dark"],
    browser: Browser,
    home_assistant: HomeAssistant,
    bridge: Bridge,
    simulator: Simulator,
    pictures: Path,
) -> None:
    page = await opened(browser, home_assistant, theme)
    await add_integration(page, home_assistant, bridge)
    await choose(page, SCAN)

    text = await qr_from_screen(page, pictures / f"pairing-{theme}.png")
    await simulator.scan_qr(text)

    await expect(page.get_by_role("button", name="Finish")).to_be_visible(timeout=PATIENCE)
    await page.screenshot(path=pictures / f"paired-{theme}.png")
    await page.get_by_role("button", name="Finish").click()

    await page.goto(f"{home_assistant.url}/config/devices/device/{await device_id(home_assistant)}")
    await expect(page.get_by_text("Connected").first).to_be_visible(timeout=PATIENCE)


async def test_codes_on_the_screen_rotate_expire_and_come_back_with_one_press(
    browser: Browser, home_assistant: HomeAssistant, simulator: Simulator, tmp_path: Path, pictures: Path
) -> None:
    await simulator.faults(qr_refs=2)
    short = {"ENGINE_FIRST_QR_MS": "4000", "ENGINE_NEXT_QR_MS": "4000"}
    async with running_bridge(tmp_path / "short-lived", simulator, **short) as bridge:
        page = await opened(browser, home_assistant)
        await add_integration(page, home_assistant, bridge)
        await choose(page, SCAN)
        scratch = tmp_path / "screen.png"
        first = await qr_from_screen(page, scratch)
        async with asyncio.timeout(PATIENCE / 1000):
            while (second := await qr_from_screen(page, scratch)) == first:
                await asyncio.sleep(0.1)

        try_again = page.get_by_text("Try again", exact=False).first
        await expect(try_again).to_be_visible()
        await page.screenshot(path=pictures / "expired-light.png")
        await try_again.click()
        third = await qr_from_screen(page, scratch)
        assert third not in {first, second}
        await simulator.scan_qr(third)
        await expect(page.get_by_role("button", name="Finish")).to_be_visible()


async def device_id(home_assistant: HomeAssistant) -> str:
    async with home_assistant.socket() as socket:
        devices = await socket.command("config/device_registry/list")
    found = [device["id"] for device in devices if any(pair[0] == "whatsapp_gateway" for pair in device["identifiers"])]
    assert len(found) == 1, found
    return str(found[0])
