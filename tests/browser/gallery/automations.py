"""Triggers, conditions and actions in the automation editor and the developer tools."""

from tests.browser.gallery.house import House
from tests.browser.test_recipients import ALICE, link
from tests.stack.config_flow import add_recipient

ACTIONS = ["send_message", "send_media", "send_voice", "send_poll", "ask", "react"]


async def automations(house: House) -> None:
    """Takes the editor with an automation, the pickers, and the actions' forms."""
    family = await link(house.home_assistant, house.bridge, house.simulator)
    await add_recipient(house.home_assistant, ALICE, "Alice")
    await add_recipient(house.home_assistant, family, "Family")
    await the_editor(house)
    await the_pickers(house)
    await the_actions(house)


async def the_editor(house: House) -> None:
    page, camera = house.page, house.camera
    await house.go("/config/automation/edit/garage")
    await page.get_by_text("Message received").first.wait_for()
    await camera.take("automation")
    for row, shown in (
        ("Message received", "Only messages from these people"),
        ("Message matches", "Only chats of these types"),
        ("WhatsApp Gateway: Ask", "2 to 12 answers"),
    ):
        await page.get_by_text(row).first.click()
        await page.get_by_text(shown, exact=False).first.wait_for()
        await camera.take(row.rsplit(" ", 1)[-1].lower())


async def the_pickers(house: House) -> None:
    page, camera = house.page, house.camera
    for what in ("trigger", "condition", "action"):
        await house.go("/config/automation/edit/garage")
        await page.get_by_text("Message received").first.wait_for()
        await page.get_by_role("button", name=f"Add {what}").first.click()
        search = page.locator("add-automation-element-dialog input").first
        await search.wait_for()
        await search.fill("whatsapp")
        await page.get_by_text("WhatsApp Gateway").first.wait_for()
        await camera.take(f"add-{what}-searched")


async def the_actions(house: House) -> None:
    page, camera = house.page, house.camera
    for action in ACTIONS:
        await house.go(f"/config/tools/action?service=whatsapp_gateway.{action}")
        await page.get_by_text("More", exact=True).locator("visible=true").first.wait_for()
        await camera.take(f"action-{action}")
