"""What a person sees who links by typing a code, is asked for a passkey, or takes the wrong phone."""

import asyncio
from pathlib import Path
import re

from playwright.async_api import Browser, Page, expect
import pytest

from tests.browser.dialog import PATIENCE, SCAN, TYPE, Theme, add_integration, choose, opened, qr_from_screen
from tests.simulator.client import Simulator, SimulatorError
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.home_assistant import HomeAssistant

OWNER = "+15550001000"
SECOND_PHONE = "+15551230055"
CODE = re.compile("^[0-9A-Z]{4}-[0-9A-Z]{4}$")


async def finished(page: Page) -> None:
    """The dialog has gone on by itself to its last page."""
    await expect(page.get_by_role("button", name="Finish")).to_be_visible(timeout=PATIENCE)


async def field(page: Page, name: str, value: str) -> None:
    await page.locator(f"input[name={name}], textarea[name={name}]").fill(value)


async def submit(page: Page) -> None:
    await page.get_by_role("button", name="Submit").click()


@pytest.mark.parametrize(("theme", "phone"), [("light", False), ("dark", True)])
async def test_a_code_is_typed_on_the_phone(
    theme: Theme,
    *,
    phone: bool,
    browser: Browser,
    home_assistant: HomeAssistant,
    bridge: Bridge,
    simulator: Simulator,
    pictures: Path,
) -> None:
    page = await opened(browser, home_assistant, theme, phone=phone)
    name = f"code-{'phone' if phone else 'desk'}-{theme}"
    await add_integration(page, home_assistant, bridge)
    await expect(page.get_by_text(TYPE, exact=True)).to_be_visible()
    await page.screenshot(path=pictures / f"ways-{name}.png")
    await choose(page, TYPE)
    await field(page, "phone", "no number")
    await submit(page)
    await expect(page.get_by_text("This is not a phone number.", exact=False)).to_be_visible()
    await page.screenshot(path=pictures / f"number-{name}.png")
    await field(page, "phone", OWNER)
    await submit(page)

    shown = page.get_by_text(CODE)
    await expect(shown).to_be_visible()
    await page.screenshot(path=pictures / f"{name}.png")
    # as somebody copies it
    await shown.click(click_count=3)
    copied = (await page.evaluate(SELECTED)).strip()
    assert copied == await shown.inner_text()
    await simulator.enter_code(copied.replace("-", ""))
    await finished(page)


SELECTED = """() => {
  const selected = root => {
    const text = (root.getSelection ? root.getSelection() : window.getSelection()).toString()
    if (text) return text
    for (const element of root.querySelectorAll('*'))
      if (element.shadowRoot) {
        const inner = selected(element.shadowRoot)
        if (inner) return inner
      }
    return ''
  }
  return window.getSelection().toString() || selected(document)
}"""


async def agreed_on_whatsapps_page(browser: Browser, simulator: Simulator, snippet: str) -> str:
    """Runs the snippet as a person does: on WhatsApp's page, in a browser that has the passkey. Returns what the console shows."""
    credential = await simulator.passkey_credential()
    page = await browser.new_page()
    await page.route("https://web.whatsapp.com/**", lambda route: route.fulfill(body="<h1>WhatsApp Web</h1>"))
    await page.goto("https://web.whatsapp.com/")
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    authenticator = await devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    passkey = {
        "credentialId": credential["credential_id"],
        "privateKey": credential["private_key"],
        "rpId": credential["relying_party"],
        "signCount": credential["sign_count"],
        "isResidentCredential": False,
    }
    await devtools.send(
        "WebAuthn.addCredential", {"authenticatorId": authenticator["authenticatorId"], "credential": passkey}
    )
    shown: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    page.on("dialog", lambda dialog: (shown.set_result(dialog.default_value), asyncio.ensure_future(dialog.accept())))
    await page.evaluate(f"void ({snippet})")
    async with asyncio.timeout(PATIENCE / 1000):
        answer = await shown
    await page.close()
    return answer


@pytest.mark.parametrize(("theme", "phone"), [("light", False), ("dark", False), ("light", True)])
async def test_a_passkey_is_brought_from_whatsapps_own_page(
    theme: Theme,
    *,
    phone: bool,
    browser: Browser,
    home_assistant: HomeAssistant,
    bridge: Bridge,
    simulator: Simulator,
    pictures: Path,
) -> None:
    await simulator.faults(passkey="required")
    page = await opened(browser, home_assistant, theme, phone=phone)
    await add_integration(page, home_assistant, bridge)
    await choose(page, SCAN)
    width = "phone" if phone else "desk"
    await simulator.scan_qr(await qr_from_screen(page, pictures / f"scan-{width}-{theme}.png"))

    snippet = page.locator("pre").first
    await expect(snippet).to_be_visible()
    await page.screenshot(path=pictures / f"passkey-{width}-{theme}.png")
    await field(page, "assertion", "Uncaught SyntaxError")
    await submit(page)
    await expect(page.get_by_text("This is not what the console shows.", exact=False)).to_be_visible()
    await page.screenshot(path=pictures / f"passkey-wrong-{width}-{theme}.png")

    answer = await agreed_on_whatsapps_page(browser, simulator, await snippet.inner_text())
    await field(page, "assertion", answer)
    await submit(page)
    await finished(page)
    await page.screenshot(path=pictures / f"passkey-done-{width}-{theme}.png")
    assert not (await simulator.state()).violations


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_codes_are_compared_where_the_phone_asks_for_it(
    theme: Theme,
    browser: Browser,
    home_assistant: HomeAssistant,
    simulator: Simulator,
    tmp_path: Path,
    pictures: Path,
) -> None:
    await simulator.faults(passkey="required")
    async with running_bridge(tmp_path / "comparing", simulator, ENGINE_HANDOFF_MS="0") as bridge:
        page = await opened(browser, home_assistant, theme)
        await add_integration(page, home_assistant, bridge)
        await choose(page, SCAN)
        await simulator.scan_qr(await qr_from_screen(page, tmp_path / "screen.png"))
        await expect(page.locator("pre").first).to_be_visible()
        answer = await agreed_on_whatsapps_page(browser, simulator, await page.locator("pre").first.inner_text())
        await field(page, "assertion", answer)
        await submit(page)
        await expect(page.get_by_text("Yes, the same", exact=True)).to_be_visible()
        code = await simulator.passkey_code()
        assert code is not None
        await expect(page.get_by_text(code)).to_be_visible()
        await page.screenshot(path=pictures / f"compare-{theme}.png")
        await choose(page, "Yes, the same")
        await finished(page)


@pytest.mark.parametrize(("theme", "phone"), [("light", False), ("dark", True)])
async def test_another_number_is_turned_away_with_a_sentence(
    theme: Theme,
    *,
    phone: bool,
    browser: Browser,
    home_assistant: HomeAssistant,
    bridge: Bridge,
    simulator: Simulator,
    pictures: Path,
    tmp_path: Path,
) -> None:
    await simulator.add_contact(SECOND_PHONE, "Second phone")
    page = await opened(browser, home_assistant, theme, phone=phone)
    await add_integration(page, home_assistant, bridge)
    await choose(page, SCAN)
    await simulator.scan_qr(await qr_from_screen(page, tmp_path / "screen.png"))
    await finished(page)
    await simulator.unlink()

    await page.goto(f"{home_assistant.url}/config/integrations/dashboard")
    await page.get_by_role("button", name="Reconfigure").first.click()
    await page.screenshot(path=pictures / f"linking-again-{theme}.png")
    await submit(page)
    await choose(page, SCAN)
    with pytest.raises(SimulatorError, match="companion_refused"):
        await simulator.scan_qr(await qr_from_screen(page, tmp_path / "again.png"), phone=SECOND_PHONE)
    await expect(page.get_by_text("a phone with another number tried to link it", exact=False)).to_be_visible()
    await page.screenshot(path=pictures / f"other-number-{theme}.png")
    await choose(page, "Try again by entering a code")
    shown = page.get_by_text(CODE)
    await expect(shown).to_be_visible()
    await simulator.enter_code((await shown.inner_text()).replace("-", ""))
    await expect(page.get_by_text("Re-authentication was successful")).to_be_visible(timeout=PATIENCE)
