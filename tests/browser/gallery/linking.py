"""The dialog that adds an account: from the address to the linked phone, by all ways, with what may go wrong."""

from contextlib import suppress

from playwright.async_api import expect

from tests.browser.dialog import SCAN, TYPE, choose, qr_from_screen
from tests.browser.gallery.house import House
from tests.browser.test_ways_to_link import CODE, agreed_on_whatsapps_page, field, submit
from tests.simulator.client import SimulatorError

NOT_ON_WHATSAPP = "+15559990000"
OWNER = "+15550001000"
SECOND_PHONE = "+15551230055"
BY_CODE = "Try again by entering a code"
BY_SCAN = "Try again with a QR code"


async def linking(house: House) -> None:
    """Takes each page of the dialog."""
    await the_gateway(house)
    await the_code(house)
    await the_qr_code(house)
    await the_passkey(house)
    await again(house)


async def the_gateway(house: House) -> None:
    page, camera = house.page, house.camera
    await house.go("/config/integrations/dashboard/add?domain=whatsapp_gateway")
    await page.get_by_role("button", name="OK").click()
    await page.locator("input[name=url]").wait_for()
    await camera.take("address")
    await field(page, "url", "http://127.0.0.1:9")
    await field(page, "token", "a wrong token")
    await submit(page)
    await expect(page.get_by_text("Nothing answers at this address.", exact=False)).to_be_visible()
    await camera.take("address-wrong")
    await field(page, "url", house.bridge.url)
    await submit(page)
    await expect(page.get_by_text("does not accept this token", exact=False)).to_be_visible()
    await camera.take("token-wrong")
    await field(page, "token", house.bridge.token)
    await submit(page)
    await page.get_by_text(TYPE, exact=True).first.wait_for()
    await camera.take("ways")


async def the_code(house: House) -> None:
    page, camera, simulator = house.page, house.camera, house.simulator
    await choose(page, TYPE)
    await page.locator("input[name=phone]").wait_for()
    await camera.take("number")
    await field(page, "phone", "no number")
    await submit(page)
    await expect(page.get_by_text("This is not a phone number.", exact=False)).to_be_visible()
    await camera.take("number-wrong")
    await field(page, "phone", NOT_ON_WHATSAPP)
    await submit(page)
    await page.get_by_text(BY_CODE, exact=True).first.wait_for()
    await camera.take("number-refused")
    await simulator.faults(qr_refs=1)
    await choose(page, BY_CODE)
    await field(page, "phone", OWNER)
    await submit(page)
    await page.get_by_text(CODE).wait_for()
    await camera.take("code")
    await page.get_by_text(BY_SCAN, exact=True).first.wait_for(timeout=60_000)
    await camera.take("expired")
    await simulator.clear_faults()
    await simulator.faults(pairing_code_error=429, pairing_code_backoff=7200)
    await choose(page, BY_CODE)
    await field(page, "phone", OWNER)
    await submit(page)
    await expect(page.get_by_text("WhatsApp provides no more codes", exact=False)).to_be_visible()
    await camera.take("too-many-codes")
    await simulator.clear_faults()
    await simulator.faults(upgrade_status=503)
    await choose(page, BY_SCAN)
    await page.get_by_text(BY_SCAN, exact=True).first.wait_for()
    await camera.take("whatsapp-down")
    await simulator.clear_faults()


async def the_qr_code(house: House) -> None:
    await house.simulator.faults(passkey="required")
    await choose(house.page, BY_SCAN)
    scratch = house.folder / "scratch.png"
    await qr_from_screen(house.page, scratch)
    await house.camera.take("qr")
    await house.simulator.scan_qr(await qr_from_screen(house.page, scratch))
    scratch.unlink()


async def the_passkey(house: House) -> None:
    page, camera = house.page, house.camera
    snippet = page.locator("pre").first
    await snippet.wait_for()
    await camera.take("passkey")
    await field(page, "assertion", "Uncaught SyntaxError")
    await submit(page)
    await expect(page.get_by_text("This is not what the console shows.", exact=False)).to_be_visible()
    await camera.take("passkey-wrong")
    await field(
        page, "assertion", await agreed_on_whatsapps_page(house.browser, house.simulator, await snippet.inner_text())
    )
    await submit(page)
    await page.get_by_text("Yes, the same", exact=True).wait_for()
    await camera.take("compare")
    await choose(page, "Yes, the same")
    await page.get_by_role("button", name="Finish").wait_for()
    await camera.take("linked")
    await page.get_by_role("button", name="Finish").click()


async def again(house: House) -> None:
    """The phone unlinks us; another phone is turned away; the right one links again. Then the gateway has moved."""
    page, camera, simulator = house.page, house.camera, house.simulator
    await simulator.clear_faults()
    await simulator.add_contact(SECOND_PHONE, "Second phone")
    await simulator.unlink()
    await house.go("/config/repairs")
    await (
        page.get_by_text("Authentication expired", exact=False)
        .or_(page.get_by_text("Reauthentication"))
        .first.wait_for()
    )
    await camera.take("unlinked-repairs")
    await house.go("/config/integrations/dashboard")
    await page.get_by_role("button", name="Reconfigure").first.wait_for()
    await camera.take("unlinked")
    await page.get_by_role("button", name="Reconfigure").first.click()
    await page.get_by_role("button", name="Submit").wait_for()
    await camera.take("link-again")
    await submit(page)
    await choose(page, SCAN)
    scratch = house.folder / "scratch.png"
    with suppress(SimulatorError):  # the phone is turned away
        await simulator.scan_qr(await qr_from_screen(page, scratch), phone=SECOND_PHONE)
    scratch.unlink()
    await page.get_by_text(BY_CODE, exact=True).first.wait_for()
    await camera.take("other-number")
    await choose(page, BY_SCAN)
    await simulator.scan_qr(await qr_from_screen(page, scratch))
    scratch.unlink()
    await page.get_by_text("Re-authentication was successful").wait_for()
    await camera.take("linked-again")
