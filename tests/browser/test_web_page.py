"""The gateway's own page, as Home Assistant's Supervisor shows it, in Chromium: with a mouse, with the keyboard, on a phone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise
import json
from pathlib import Path
import re

from playwright.async_api import Browser, Page, expect
import pytest
import pytest_asyncio

from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.qr import UnreadableQrError, read_qr_picture
from tests.stack.supervisor import Supervisor, running_supervisor

PATIENCE = 20_000
ALICE = "+15551230001"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1000, "height": 900}


@pytest_asyncio.fixture
async def bridge(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Bridge]:
    await simulator.add_contact(ALICE, "Alice")
    async with running_bridge(tmp_path / "bridge", simulator, BRIDGE_INGRESS_ADDRESS="127.0.0.1") as bridge:
        yield bridge


@pytest_asyncio.fixture
async def supervisor(bridge: Bridge) -> AsyncIterator[Supervisor]:
    async with running_supervisor(bridge.url) as supervisor:
        yield supervisor


async def opened(browser: Browser, address: str, **options: object) -> tuple[Page, list[str]]:
    """Opens the page; returns it and the list of what the browser complains of."""
    page = await browser.new_page(**{"viewport": DESK, "locale": "en-GB"} | options)  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(address)
    return page, complaints


async def scanned_from_screen(page: Page, simulator: Simulator, picture: Path) -> None:
    """Scans the code that the screen shows, as a camera does."""
    text = ""
    async with asyncio.timeout(PATIENCE / 1000):
        while not text:
            await page.screenshot(path=picture, full_page=True)
            with suppress(UnreadableQrError):
                text = read_qr_picture(picture)
    await simulator.scan_qr(text)


@pytest.mark.parametrize(
    ("name", "theme", "viewport"), [("light", "light", DESK), ("dark", "dark", DESK), ("phone", "light", PHONE)]
)
async def test_a_phone_is_linked_and_a_message_sent_from_the_page(
    name: str,
    theme: str,
    viewport: dict[str, int],
    browser: Browser,
    supervisor: Supervisor,
    simulator: Simulator,
    pictures: Path,
) -> None:
    page, complaints = await opened(browser, supervisor.page, color_scheme=theme, viewport=viewport)
    await page.get_by_label("Name of a new account").fill("Home")
    await page.get_by_role("button", name="Add account").click()
    await page.get_by_role("button", name="Link by QR code").click()
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    await scanned_from_screen(page, simulator, pictures / f"page-linking-{name}.png")
    await expect(page.locator(".state")).to_have_text("Connected")
    await expect(page.get_by_role("img", name="QR code")).to_be_hidden()

    await page.get_by_label("To (phone").fill(ALICE)
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator("#test-result")).to_have_text("WhatsApp has it.")
    [message] = await simulator.contact_messages(ALICE, wait=10)
    assert message.text == "Hello from Home Assistant"
    await expect(page.locator("#recent")).to_contain_text("Message sent")
    assert "Hello from" not in await page.locator("#recent").inner_text()
    await page.screenshot(path=pictures / f"page-{name}.png", full_page=True)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "the page is wider than the screen"
    )
    assert complaints == []


async def test_the_keyboard_alone_is_enough(
    browser: Browser, supervisor: Supervisor, simulator: Simulator, tmp_path: Path
) -> None:
    page, complaints = await opened(browser, supervisor.page)
    await expect(page.get_by_label("Name of a new account")).to_be_visible()

    async def tab_to(name: str) -> None:
        for _ in range(40):
            await page.keyboard.press("Tab")
            if name == await page.evaluate("document.activeElement.id || document.activeElement.innerText"):
                return
        raise AssertionError(f"Tab does not come to {name}")

    await tab_to("name")
    await page.keyboard.type("Home")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Home", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Link by QR code")).to_be_visible()
    await page.evaluate("document.activeElement.blur()")
    await tab_to("Link by QR code")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    await scanned_from_screen(page, simulator, tmp_path / "screen.png")
    await expect(page.locator(".state")).to_have_text("Connected")

    await tab_to("Unlink and erase…")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="Home", exact=True)).to_be_visible()
    await page.keyboard.press("Enter")
    await tab_to("Unlink and erase")
    await page.keyboard.press("Enter")
    # WhatsApp gets five seconds to confirm that the device is unlinked
    await expect(page.get_by_role("heading", name="Home", exact=True)).to_have_count(0, timeout=20_000)
    assert complaints == []


async def test_a_code_is_shown_for_who_can_not_scan(browser: Browser, supervisor: Supervisor) -> None:
    page, _ = await opened(browser, supervisor.page)
    await page.get_by_label("Name of a new account").fill("Home")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Link by code").click()
    await page.get_by_label("Phone number of this account").fill("+1 555 000 1000")
    await page.keyboard.press("Enter")
    await expect(page.locator(".code")).to_have_text(re.compile(r"^[A-Z0-9-]{8,9}$"))
    await page.get_by_role("button", name="Cancel linking").click()
    await expect(page.get_by_role("button", name="Link by QR code")).to_be_visible()


async def test_the_report_is_copied_and_the_log_level_set(
    browser: Browser, supervisor: Supervisor, bridge: Bridge
) -> None:
    page, _ = await opened(browser, supervisor.page)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await expect(page.get_by_role("status").first).to_contain_text("accounts connected")
    await page.get_by_role("button", name="Copy report").click()
    await expect(page.locator("#copied")).to_have_text("Copied.")
    report = json.loads(await page.evaluate("navigator.clipboard.readText()"))
    assert report["engine"] == "running"
    await page.get_by_label("How much the log tells").select_option("debug")
    async with asyncio.timeout(10):
        while (await page.evaluate("fetch('v1/gateway').then(a => a.json())"))["data"]["log_level"] != "debug":
            await asyncio.sleep(0.05)


async def test_without_home_assistant_the_page_wants_the_token(
    browser: Browser, bridge: Bridge, simulator: Simulator, tmp_path: Path
) -> None:
    async with running_bridge(tmp_path / "other", simulator) as alone:
        page, _ = await opened(browser, alone.url)
        await page.get_by_label("Token").fill("a wrong token 0123456789")
        await page.get_by_role("button", name="Open").click()
        await expect(page.get_by_role("alert")).to_contain_text("token")
        await page.get_by_label("Token").fill(alone.token)
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Name of a new account")).to_be_visible()
        assert alone.token not in page.url


async def test_every_control_has_a_name_and_the_page_one_outline(browser: Browser, supervisor: Supervisor) -> None:
    page, _ = await opened(browser, supervisor.page)
    await page.get_by_label("Name of a new account").fill("<b>Home</b>")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="<b>Home</b>", exact=True)).to_be_visible()
    for role in ("button", "textbox", "combobox"):
        for control in await page.get_by_role(role).all():
            name = await control.evaluate("e => e.ariaLabel || e.labels?.[0]?.innerText || e.innerText")
            assert name.strip(), await control.evaluate("e => e.outerHTML")
    levels = [
        int(await one.evaluate("e => e.tagName[1]"))
        for one in await page.locator("h1, h2, h3").all()
        if await one.is_visible()
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    contrast = await page.evaluate(CONTRAST)
    assert min(contrast.values()) >= 4.5, contrast


CONTRAST = """() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    return .2126 * r + .7152 * g + .0722 * b
  }
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!c.endsWith(', 0)')) return c } return 'rgb(255,255,255)' }
  const all = {}
  for (const e of document.querySelectorAll('p, h1, h2, h3, label, button, .state, td, th')) {
    if (!e.checkVisibility() || !e.innerText.trim()) continue
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))]
    all[e.innerText.slice(0, 30)] = (Math.max(a, b) + .05) / (Math.min(a, b) + .05)
  }
  return all
}"""
