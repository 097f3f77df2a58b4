"""Pages that are found by their address alone, so in any language."""

from tests.browser.gallery.house import House
from tests.browser.test_automations import account_device
from tests.browser.test_recipients import ALICE, device_id, link
from tests.stack.config_flow import add_recipient


async def pages(house: House) -> None:
    """Takes the integration, the devices, an automation and an action."""
    family = await link(house.home_assistant, house.bridge, house.simulator)
    await add_recipient(house.home_assistant, ALICE, "Alice")
    await add_recipient(house.home_assistant, family, "Family")
    page = house.page
    for name, path in (
        ("integration", "integrations/integration/whatsapp_gateway"),
        ("account", f"devices/device/{await account_device(house.home_assistant)}"),
        ("recipient", f"devices/device/{await device_id(house.home_assistant, 'Alice')}"),
        ("automation", "automation/edit/garage"),
        ("action-media", "tools/action?service=whatsapp_gateway.send_media"),
        ("action-ask", "tools/action?service=whatsapp_gateway.ask"),
    ):
        await house.go(f"/config/{path}")
        await page.wait_for_load_state("networkidle")
        await house.camera.take(name)
