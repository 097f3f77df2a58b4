"""The dialog of recipients, and their devices."""

from playwright.async_api import expect

from tests.browser.gallery.house import House
from tests.browser.test_recipients import ALICE, SEARCH_FOCUSED, device_id, link
from tests.browser.test_ways_to_link import submit

CAROL = "+15551230003"


async def recipients(house: House) -> None:
    """Takes each page of the dialog, and what it makes."""
    await link(house.home_assistant, house.bridge, house.simulator)
    await the_integration(house, "integration-empty")
    await from_chats(house)
    await by_number(house)
    await the_integration(house, "integration")
    await changed(house)
    await the_device(house)


async def the_integration(house: House, name: str) -> None:
    await house.go("/config/integrations/integration/whatsapp_gateway")
    await house.page.get_by_role("button", name="Add recipient").first.wait_for()
    await house.camera.take(name)


async def from_chats(house: House) -> None:
    page, camera = house.page, house.camera
    await page.get_by_role("button", name="Add recipient").first.click()
    await page.get_by_text("Search your chats").wait_for()
    await camera.take("chat")
    await page.locator("ha-selector-select").click()
    await page.get_by_text("Bob (").wait_for()
    await page.wait_for_function(SEARCH_FOCUSED)
    await page.keyboard.type("fam")
    await expect(page.get_by_text("Bob (")).to_have_count(0)
    await page.screenshot(path=house.folder / "desk-light/recipients-chats-searched.png")
    await page.get_by_text("Family").last.click()
    await submit(page)
    await page.get_by_text("May trigger automations").wait_for()
    await camera.take("options")
    await page.get_by_text("Assist", exact=True).click()
    await page.get_by_text("Members who may talk", exact=False).wait_for()
    await camera.take("options-assist")
    await submit(page)
    await page.get_by_role("button", name="Finish").wait_for()
    await camera.take("added")
    await page.get_by_role("button", name="Finish").click()


async def by_number(house: House) -> None:
    page, camera = house.page, house.camera
    for typed, told in (("+1 555 999 0000", "not on WhatsApp"), ("hello", "neither a chat"), (ALICE, None)):
        await house.go("/config/integrations/integration/whatsapp_gateway")
        await page.get_by_role("button", name="Add recipient").first.click()
        await page.locator("ha-selector-select").click()
        await page.wait_for_function(SEARCH_FOCUSED)
        await page.keyboard.type(typed)
        await camera.take("typed")
        await page.keyboard.press("Enter")
        await submit(page)
        if told is not None:
            await page.get_by_text(told, exact=False).first.wait_for()
            await camera.take("typed-wrong")
    await page.get_by_text("May trigger automations").wait_for()
    await camera.take("options-person")
    await submit(page)
    await page.get_by_role("button", name="Finish").click()


async def changed(house: House) -> None:
    page, camera = house.page, house.camera
    await page.get_by_role("button", name="Change recipient").or_(page.get_by_label("Change recipient")).first.click()
    await page.get_by_text("May trigger automations").wait_for()
    await camera.take("change")
    await submit(page)
    await page.get_by_role("button", name="Finish").or_(page.get_by_role("button", name="Close")).first.click()


async def the_device(house: House) -> None:
    page, camera = house.page, house.camera
    await house.simulator.contact_send(ALICE, "Dinner at seven?")
    await house.go(f"/config/devices/device/{await device_id(house.home_assistant, 'Family')}")
    await page.get_by_text("Message").first.wait_for()
    await camera.take("device-group")
    await house.go(f"/config/devices/device/{await device_id(house.home_assistant, 'Alice')}")
    await page.get_by_text("Message").first.wait_for()
    await camera.take("device-person")
    await page.get_by_text("Message", exact=True).first.click()
    await page.locator("ha-more-info-info").wait_for()
    await camera.take("event-entity")
