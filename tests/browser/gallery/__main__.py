"""Takes the pictures: `scripts/screenshots [--to FOLDER] [--language LANGUAGE] [SCENE ...]`."""

import argparse
import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
import traceback

from playwright.async_api import Error

from tests.browser.gallery.automations import automations
from tests.browser.gallery.care import care
from tests.browser.gallery.house import running_house
from tests.browser.gallery.linking import linking
from tests.browser.gallery.pages import pages
from tests.browser.gallery.recipients import recipients
from tests.stack.process import ROOT

SCENES = {
    "linking": linking,
    "recipients": recipients,
    "automations": automations,
    "care": care,
    "pages": pages,
}


async def taken(name: str, folder: Path, language: str) -> bool:
    """Plays a scene; returns whether it came to its end. Where it did not, the last picture shows where it stood."""
    with TemporaryDirectory() as scratch:
        async with running_house(name, folder, Path(scratch), language) as house:
            try:
                await SCENES[name](house)
            except Error, AssertionError:
                traceback.print_exc()
                await house.camera.take("failed-here")
                return False
    return True


async def main() -> int:
    """Plays the scenes that were asked for, one after the other."""
    parser = argparse.ArgumentParser(description="Pictures of the integration's pages in Home Assistant's frontend.")
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of: {', '.join(SCENES)}; default: all")
    parser.add_argument("--to", type=Path, default=ROOT / ".cache/screenshots", help="the folder for the pictures")
    parser.add_argument("--language", default="en-GB", help="of the browser; only for the scene `pages`")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenes) - SCENES.keys():
        parser.error(f"no such scene: {', '.join(sorted(unknown))}")
    return [await taken(name, arguments.to, arguments.language) for name in arguments.scenes or SCENES].count(False)


raise SystemExit(asyncio.run(main()))
