"""What a person sees of automations: one in the editor that listens, the device of the account, and a repair that is mended."""

from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, Page, expect
import pytest_asyncio

from tests.browser.dialog import log_in
from tests.browser.test_recipients import ALICE, SCREENS, link, page_for
from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge
from tests.stack.config_flow import add_recipient
from tests.stack.home_assistant import HomeAssistant, running_home_assistant

OWNER = "+15550001000"
AUTOMATION = """\
- id: garage
  alias: Close the garage by WhatsApp
  triggers:
    - trigger: whatsapp_gateway.message_received
      options: {sender: ["+1 555 123 0001"], text: [close the garage]}
  conditions:
    - condition: whatsapp_gateway.message_matches
      options: {chat_type: [person]}
  actions:
    - action: whatsapp_gateway.react
      target: {entity_id: notify.alice}
      data: {message_id: "{{ trigger.message_id }}", emoji: 👍}
"""


@pytest_asyncio.fixture
async def home_assistant(tmp_path: Path) -> AsyncIterator[HomeAssistant]:
    async with running_home_assistant(tmp_path / "config", AUTOMATION) as home_assistant:
        yield home_assistant


async def test_an_automation_a_device_and_a_repair_on_every_screen(
    browser: Browser, home_assistant: HomeAssistant, bridge: Bridge, simulator: Simulator, pictures: Path
) -> None:
    await link(home_assistant, bridge, simulator)
    await add_recipient(home_assistant, ALICE, "Alice")
    await leave_out_other_repairs(home_assistant)
    for screen in SCREENS:
        page = await page_for(browser, screen)
        await log_in(page, home_assistant)
        await shows_the_automation(page, home_assistant, pictures, screen)
        await shows_the_account(page, home_assistant, pictures, screen)
        await mends_what_is_broken(page, home_assistant, simulator, pictures, screen)
        await page.close()


async def loaded(page: Page) -> None:
    await expect(page.locator("#ha-launch-screen")).to_have_count(0)


async def shows_the_automation(page: Page, home_assistant: HomeAssistant, pictures: Path, screen: str) -> None:
    """The trigger, the condition and the action say in words what they do; the trigger's options are a form."""
    await page.goto(f"{home_assistant.url}/config/automation/edit/garage")
    await expect(page.get_by_text("Message received").first).to_be_visible()
    await expect(page.get_by_text("Message matches").first).to_be_visible()
    await expect(page.get_by_text("WhatsApp Gateway: React").first).to_be_visible()
    await loaded(page)
    await page.screenshot(path=pictures / f"automation-{screen}.png")
    await page.get_by_text("Message received").first.click()
    await expect(page.get_by_text("Only messages from these people, in any chat").first).to_be_visible()
    await page.screenshot(path=pictures / f"automation-trigger-{screen}.png")


async def shows_the_account(page: Page, home_assistant: HomeAssistant, pictures: Path, screen: str) -> None:
    await page.goto(f"{home_assistant.url}/config/devices/device/{await account_device(home_assistant)}")
    await expect(page.get_by_text("Messages waiting").first).to_be_visible()
    await expect(page.get_by_text("Connected").first).to_be_visible()
    await loaded(page)
    await page.screenshot(path=pictures / f"account-{screen}.png")


async def mends_what_is_broken(
    page: Page, home_assistant: HomeAssistant, simulator: Simulator, pictures: Path, screen: str
) -> None:
    """The link is used elsewhere: a repair says so, and Submit connects again."""
    await simulator.faults(stream_error=440)
    await page.goto(f"{home_assistant.url}/config/repairs")
    repair = page.get_by_text("is used somewhere else").first
    await expect(repair).to_be_visible()
    await loaded(page)
    await page.screenshot(path=pictures / f"repairs-{screen}.png")
    await repair.click()
    await expect(page.get_by_text("Stop the other one first.", exact=False)).to_be_visible()
    title = await page.get_by_text(OWNER, exact=True).last.bounding_box()
    assert title is not None
    assert title["height"] < 40, "more than one line of title runs into what is below it"
    await page.screenshot(path=pictures / f"repair-{screen}.png")
    await page.get_by_role("button", name="Submit").click()
    await expect(page.get_by_text("The issue is repaired!")).to_be_visible()
    await page.get_by_role("button", name="Finish").click()
    await expect(repair).to_have_count(0)


async def leave_out_other_repairs(home_assistant: HomeAssistant) -> None:
    """The test's Home Assistant has some of its own."""
    async with home_assistant.socket() as socket:
        for issue in (await socket.command("repairs/list_issues"))["issues"]:
            which = {"domain": issue["domain"], "issue_id": issue["issue_id"]}
            await socket.command("repairs/ignore_issue", **which, ignore=True)


async def account_device(home_assistant: HomeAssistant) -> str:
    async with home_assistant.socket() as socket:
        devices = await socket.command("config/device_registry/list")
    [found] = [
        device["id"]
        for device in devices
        if device["via_device_id"] is None and any(pair[0] == "whatsapp_gateway" for pair in device["identifiers"])
    ]
    return str(found)
