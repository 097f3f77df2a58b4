"""Chromium, and a fresh simulator, bridge and Home Assistant for each test."""

from collections.abc import AsyncIterator
import os
from pathlib import Path
import shutil

from playwright.async_api import Browser, async_playwright
import pytest
import pytest_asyncio

from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.home_assistant import HomeAssistant, running_home_assistant
from tests.stack.process import ROOT

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where the screenshots go: `docs/images` with KEEP_PICTURES=1, as they are shown in the README, else the cache."""
    folder = ROOT / ("docs/images" if os.environ.get("KEEP_PICTURES") == "1" else ".cache/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert executable, "the browser tests need Chromium (on Debian: apt install chromium)"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=QUIET)
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        yield simulator


@pytest_asyncio.fixture
async def bridge(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Bridge]:
    async with running_bridge(tmp_path / "bridge", simulator) as bridge:
        yield bridge


@pytest_asyncio.fixture
async def home_assistant(tmp_path: Path) -> AsyncIterator[HomeAssistant]:
    async with running_home_assistant(tmp_path / "config") as home_assistant:
        yield home_assistant
