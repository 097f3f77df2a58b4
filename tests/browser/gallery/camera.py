"""Takes each page on four screens: light and dark, at a desk and on a phone."""

from contextlib import suppress
from pathlib import Path
import sys

from playwright.async_api import Error, Page

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
SCREENS = {
    "desk-dark": ("dark", DESK),
    "phone-dark": ("dark", PHONE),
    "phone-light": ("light", PHONE),
    "desk-light": ("light", DESK),
}
"""The last one stays: the pages are walked through on it."""

SETTLED = """async () => {
  const frame = () => new Promise(done => requestAnimationFrame(done))
  const busy = () => document.getAnimations().some(
    animation => animation.playState === 'running' && Number.isFinite(animation.effect.getComputedTiming().endTime))
  await document.fonts.ready
  const end = performance.now() + 2000
  for (let quiet = 0; quiet < 4 && performance.now() < end;) {
    await frame()
    quiet = busy() ? 0 : quiet + 1
  }
}"""


class Camera:
    """Writes pictures to a folder, numbered in the order in which they are taken."""

    def __init__(self, page: Page, folder: Path, scene: str) -> None:
        self._page, self._folder, self._scene = page, folder, scene
        self._number = 0

    async def take(self, name: str) -> None:
        """Takes what the page shows now, on every screen."""
        self._number += 1
        for screen, (scheme, size) in SCREENS.items():
            await self._page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of two words
            await self._page.set_viewport_size(size)  # type: ignore[arg-type] # both numbers
            with suppress(Error):  # the page went on by itself while we waited
                await self._page.evaluate(SETTLED)
            path = self._folder / screen / f"{self._scene}-{self._number:02}-{name}.png"
            await self._page.screenshot(path=path, animations="disabled")
        sys.stdout.write(f"{self._scene}-{self._number:02}-{name}\n")
