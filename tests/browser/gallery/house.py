"""The parts that a scene plays with: a browser page on a Home Assistant of its own, with gateway, engine and simulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
import shutil

from playwright.async_api import Browser, Page, async_playwright

from tests.browser.conftest import QUIET
from tests.browser.dialog import PATIENCE, log_in
from tests.browser.gallery.camera import Camera
from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.home_assistant import HomeAssistant, running_home_assistant

SETTINGS = {"ENGINE_FIRST_QR_MS": "25000", "ENGINE_HANDOFF_MS": "0"}
"""A code expires while somebody waits for it, and codes are always compared."""

CONFIGURATION = """\
system_health:
media_source:
conversation:
zone:
  - {name: Office, latitude: 52.52, longitude: 13.40, radius: 100}
template:
  - binary_sensor:
      - {name: Washing machine, device_class: running, state: "{{ true }}"}
  - cover:
      - {name: Garage, device_class: garage, state: "{{ 'open' }}", open_cover: [], close_cover: []}
  - image:
      - {name: Front door, url: "{{ 'http://127.0.0.1:9/door.jpg' }}"}
"""

AUTOMATIONS = """\
- id: garage
  alias: Ask about the garage
  description: Somebody writes "garage", and is asked whether it shall be closed.
  triggers:
    - trigger: whatsapp_gateway.message_received
      options: {sender: ["+1 555 123 0001"], text: [garage]}
  conditions:
    - condition: whatsapp_gateway.message_matches
      options: {chat_type: [person]}
  actions:
    - action: whatsapp_gateway.ask
      target: {entity_id: notify.alice}
      data: {question: The garage is open. Close it?, options: [Close it, Leave it], timeout: {minutes: 10}}
      response_variable: garage
    - if: "{{ garage.option == 'Close it' }}"
      then:
        - action: cover.close_cover
          target: {entity_id: cover.garage}
"""


@dataclass(frozen=True)
class House:
    """What a scene has."""

    browser: Browser
    page: Page
    camera: Camera
    folder: Path
    home_assistant: HomeAssistant
    bridge: Bridge
    simulator: Simulator

    async def go(self, path: str) -> None:
        """Opens a page of Home Assistant, and waits until its launch screen is gone."""
        await self.page.goto(self.home_assistant.url + path)
        await self.page.locator("#ha-launch-screen").wait_for(state="detached")


@asynccontextmanager
async def running_house(scene: str, folder: Path, scratch: Path, language: str) -> AsyncIterator[House]:
    """Starts all parts and logs in; pictures go to `folder`, what the parts write to `scratch`."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    assert executable, "the pictures need Chromium (on Debian: apt install chromium)"
    async with (
        async_playwright() as playwright,
        running_simulator() as simulator,
        running_bridge(scratch / "bridge", simulator, **SETTINGS) as bridge,
        running_home_assistant(scratch / "config", AUTOMATIONS, CONFIGURATION) as home_assistant,
    ):
        browser = await playwright.chromium.launch(executable_path=executable, args=QUIET)
        page = await browser.new_page(viewport={"width": 1280, "height": 900}, locale=language)
        page.set_default_timeout(PATIENCE)
        await log_in(page, home_assistant)
        yield House(browser, page, Camera(page, folder, scene), folder, home_assistant, bridge, simulator)
        await browser.close()
