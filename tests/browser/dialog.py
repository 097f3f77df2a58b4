"""What the tests do with Home Assistant's frontend, as a person does."""

import asyncio
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page

from tests.stack.bridge import Bridge
from tests.stack.home_assistant import PASSWORD, USERNAME, HomeAssistant
from tests.stack.qr import UnreadableQrError, read_qr_picture

PATIENCE = 30_000
SCAN = "Scan a QR code with the phone"
TYPE = "Enter a code on the phone"


async def log_in(page: Page, home_assistant: HomeAssistant) -> None:
    await page.goto(home_assistant.url)
    await page.locator("input[name=username]").fill(USERNAME)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/home/**", timeout=PATIENCE)


async def add_integration(page: Page, home_assistant: HomeAssistant, bridge: Bridge) -> None:
    await page.goto(f"{home_assistant.url}/config/integrations/dashboard/add?domain=whatsapp_gateway")
    confirm = page.get_by_role("button", name="OK")
    await confirm.click(timeout=PATIENCE)
    await page.locator("input[name=url]").fill(bridge.url)
    await page.locator("input[name=token]").fill(bridge.token)
    await page.get_by_role("button", name="Submit").click()


async def choose(page: Page, option: str) -> None:
    """Presses an entry of a menu in the dialog."""
    await page.get_by_text(option, exact=True).first.click()


type Theme = Literal["light", "dark"]


async def opened(
    browser: Browser, home_assistant: HomeAssistant, theme: Theme = "light", *, phone: bool = False
) -> Page:
    """Returns a page on which somebody has logged in; `phone` is as wide as a phone."""
    viewport = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
    page = await browser.new_page(color_scheme=theme, viewport=viewport, locale="en-GB")
    page.set_default_timeout(PATIENCE)
    await log_in(page, home_assistant)
    return page


async def qr_from_screen(page: Page, picture: Path) -> str:
    """Takes screenshots until one shows a QR code that a camera can read."""
    async with asyncio.timeout(PATIENCE / 1000):
        while True:
            await page.screenshot(path=picture)
            try:
                return read_qr_picture(picture)
            except UnreadableQrError:
                await asyncio.sleep(0.1)
