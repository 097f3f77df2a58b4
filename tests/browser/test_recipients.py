"""What a person sees of recipients: the dialog that adds one, its device, and an action in the automation editor."""

from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.async_api import Browser, Page, expect
import pytest_asyncio

from tests.browser.dialog import PATIENCE, log_in
from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge
from tests.stack.config_flow import begin_pairing, finished_flow
from tests.stack.home_assistant import HomeAssistant, running_home_assistant

ALICE = "+15551230001"
SCREENS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


AUTOMATION = """\
- id: dinner
  alias: Dinner is ready
  triggers:
    - trigger: event.received
      target: {entity_id: event.family_message}
      options: {event_type: [text]}
  actions:
    - action: whatsapp_gateway.ask
      target: {entity_id: notify.family}
      data: {question: Pizza or pasta?, options: [Pizza, Pasta], timeout: {minutes: 10}}
      response_variable: dinner
"""


@pytest_asyncio.fixture
async def home_assistant(tmp_path: Path) -> AsyncIterator[HomeAssistant]:
    async with running_home_assistant(tmp_path / "config", AUTOMATION) as home_assistant:
        yield home_assistant


async def link(home_assistant: HomeAssistant, bridge: Bridge, simulator: Simulator) -> str:
    """Links an account that knows people and groups; returns the chat id of the family's."""
    for phone, name in ((ALICE, "Alice"), ("+15551230002", "Bob"), ("+15551230003", "Carol")):
        await simulator.add_contact(phone, name)
    family = await simulator.add_group("Family", [ALICE, "+15551230002"])
    await simulator.set_picture(family, photo())
    await simulator.add_group("Neighbours", [ALICE, "+15551230003"])
    step = await begin_pairing(home_assistant, bridge)
    await simulator.scan_qr(step["qr_text"])
    await finished_flow(home_assistant, step["flow_id"])
    for phone in (ALICE, "+15551230002"):
        await simulator.contact_send(phone, "Hello")
    return family


def photo() -> bytes:
    """A picture for a group."""
    image = Image.new("RGB", (96, 96), "#f4d35e")
    draw = ImageDraw.Draw(image)
    for left, colour in ((12, "#0d3b66"), (36, "#ee964b"), (60, "#f95738")):
        draw.ellipse((left, 28, left + 24, 52), fill=colour)
        draw.rounded_rectangle((left, 54, left + 24, 96), 10, fill=colour)
    file = BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


async def page_for(browser: Browser, screen: str) -> Page:
    page = await browser.new_page(**SCREENS[screen], locale="en-GB")  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE)
    return page


async def test_recipients_are_added_shown_and_used_on_every_screen(
    browser: Browser, home_assistant: HomeAssistant, bridge: Bridge, simulator: Simulator, pictures: Path
) -> None:
    await link(home_assistant, bridge, simulator)
    for screen, chat in (("light", "Family"), ("dark", "Neighbours"), ("phone", "Alice")):
        page = await page_for(browser, screen)
        await log_in(page, home_assistant)
        await add_recipient(page, home_assistant, chat, lambda name: pictures / f"{name}-{screen}.png")  # noqa: B023 - called at once
        await simulator.contact_send(ALICE, "Dinner at seven?")
        await page.goto(f"{home_assistant.url}/config/devices/device/{await device_id(home_assistant, chat)}")
        await expect(page.get_by_text("Message").first).to_be_visible()
        await expect(page.locator("#ha-launch-screen")).to_have_count(0)
        await page.screenshot(path=pictures / f"recipient-device-{screen}.png")
        await page.goto(f"{home_assistant.url}/config/automation/edit/dinner")
        await page.get_by_text("WhatsApp Gateway: Ask").click()
        await expect(page.get_by_text("2 to 12 answers to choose from")).to_be_visible()
        await expect(page.locator("#ha-launch-screen")).to_have_count(0)
        await page.screenshot(path=pictures / f"action-ask-{screen}.png")
        await page.close()


async def add_recipient(page: Page, home_assistant: HomeAssistant, chat: str, picture: Callable[[str], Path]) -> None:
    """Goes through the dialog with the mouse."""
    await page.goto(f"{home_assistant.url}/config/integrations/integration/whatsapp_gateway")
    await page.get_by_role("button", name="Add recipient").first.click()
    await expect(page.get_by_text("Search your chats")).to_be_visible()
    await page.locator("ha-selector-select").click()
    await expect(page.get_by_text("Bob (")).to_be_visible()
    await page.screenshot(path=picture("recipient-chats"))
    await page.wait_for_function(SEARCH_FOCUSED)  # else the keys are Home Assistant's shortcuts
    await page.keyboard.type(chat.lower()[:3])
    await expect(page.get_by_text("Bob (")).to_have_count(0)
    await page.get_by_text(chat).last.click()
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_text("May trigger automations")).to_be_visible()
    if chat == "Family":
        await page.wait_for_function(PICTURES_LOADED)
    await page.screenshot(path=picture("recipient-options"))
    await page.get_by_role("button", name="Submit").click()
    await page.get_by_role("button", name="Finish").click()
    await expect(page.get_by_text("WhatsApp group").or_(page.get_by_text("WhatsApp contact")).first).to_be_visible()
    await expect(page.get_by_text("Success")).not_to_be_visible()
    await page.screenshot(path=picture("recipient-listed"))


SEARCH_FOCUSED = """() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  return focused?.tagName === 'INPUT';
}"""

PICTURES_LOADED = """() => {
  const pictures = (root) => [...root.querySelectorAll('*')].flatMap(
    (element) => (element.shadowRoot ? pictures(element.shadowRoot) : []).concat(element.tagName === 'IMG' ? [element] : []));
  return pictures(document).some((picture) => picture.src.startsWith('data:image/jpeg') && picture.naturalWidth > 0);
}"""
"""Whether a picture in the dialog is drawn."""


async def device_id(home_assistant: HomeAssistant, name: str) -> str:
    async with home_assistant.socket() as socket:
        devices = await socket.command("config/device_registry/list")
    [found] = [device["id"] for device in devices if device["name"] == name]
    return str(found)
