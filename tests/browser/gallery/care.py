"""Repairs, system information, logbook, received files."""

from base64 import b64encode

from tests.browser.gallery.house import House
from tests.browser.test_automations import leave_out_other_repairs
from tests.browser.test_recipients import ALICE, link, photo
from tests.browser.test_ways_to_link import submit
from tests.stack.config_flow import add_recipient


async def care(house: House) -> None:
    """Takes what tells that something is wrong, and what has happened."""
    await link(house.home_assistant, house.bridge, house.simulator)
    await add_recipient(house.home_assistant, ALICE, "Alice")
    await what_happened(house)
    await the_repairs(house)


async def what_happened(house: House) -> None:
    page, camera = house.page, house.camera
    for text in ("Is the washing done?", "Coming home"):
        await house.simulator.contact_send(ALICE, text)
    for caption in ("The garden", "The cat"):
        media = {"mimetype": "image/jpeg", "size": 20_000, "thumbnail": b64encode(photo()).decode()}
        await house.simulator.contact_write(ALICE, {"kind": "image", "media": media, "caption": caption})
    await house.home_assistant.call("whatsapp_gateway.send_message", to=["Alice"], message="Yes, just now.")
    await house.go("/logbook")
    await page.get_by_text("Alice", exact=False).first.wait_for()
    await camera.take("logbook")
    await house.go("/media-browser/browser")
    source = page.get_by_text("WhatsApp", exact=True).locator("visible=true").first
    await source.wait_for()
    await camera.take("media")
    await source.click()
    await camera.take("media-whatsapp")
    await page.get_by_text("Alice", exact=False).locator("visible=true").first.click()
    await (
        page.locator("media-player-browse, ha-media-player-browse")
        .get_by_text("20")
        .locator("visible=true")
        .first.wait_for()
    )
    await camera.take("media-received")
    await house.go("/config/repairs")
    await page.get_by_label("Menu").or_(page.locator("ha-dropdown, ha-button-menu")).first.click()
    await page.get_by_text("System information").first.click()
    await page.get_by_text("Messages waiting").first.scroll_into_view_if_needed()
    await camera.take("system")


async def the_repairs(house: House) -> None:
    page, camera, simulator = house.page, house.camera, house.simulator
    await leave_out_other_repairs(house.home_assistant)
    for name, faults, title in (
        ("replaced", {"stream_error": 440}, "is used somewhere else"),
        ("banned", {"login_failure": 403}, "WhatsApp has blocked"),
        ("outdated", {"login_failure": 405}, "newer gateway"),
    ):
        await simulator.faults(**faults)
        if name != "replaced":
            await simulator.faults(drop=True)
        await house.go("/config/repairs")
        repair = page.get_by_text(title, exact=False).first
        await repair.wait_for()
        await camera.take(f"repairs-{name}")
        await repair.click()
        await page.get_by_role("button", name="Submit").or_(page.get_by_role("button", name="Ignore")).first.wait_for()
        await camera.take(f"repair-{name}")
        await simulator.clear_faults()
        if name != "outdated":
            await submit(page)
            await page.get_by_role("button", name="Finish").click()
