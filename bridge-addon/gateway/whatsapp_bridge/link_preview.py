"""What is shown below a text for the first link in it: title, description and a small picture, from the page itself."""

import asyncio
from collections.abc import Sequence
from html.parser import HTMLParser
import re
from typing import override

from yarl import URL

from whatsapp_bridge.errors import BridgeError
from whatsapp_bridge.guarded_fetch import body, fetched
from whatsapp_bridge.log import logger
from whatsapp_bridge.outgoing_content import LinkPreview
from whatsapp_bridge.outgoing_files import OutgoingFiles, write_file
from whatsapp_bridge.pictures import opened_picture, thumbnail

_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]")
_PAGE_BYTES = 512 * 1024
_PICTURE_BYTES = 5 * 1024 * 1024
_LONGEST_TITLE = 200
_LONGEST_DESCRIPTION = 400
_LIMIT = 10.0


async def link_preview(text: str, allowed: Sequence[str], files: OutgoingFiles) -> LinkPreview | None:
    """Returns the preview of the first link in a text. A page that cannot be had costs the preview, not the message."""
    link = _LINK.search(text)
    if link is None:
        return None
    try:
        async with asyncio.timeout(_LIMIT):
            return await _preview(link[0], allowed, files)
    except (BridgeError, TimeoutError) as error:
        logger().info("no_link_preview", cause=getattr(error, "code", "timeout"))
        return None


async def _preview(url: str, allowed: Sequence[str], files: OutgoingFiles) -> LinkPreview | None:
    page = bytearray()
    async with fetched(url, allowed) as response:
        if response.content_type not in {"text/html", "application/xhtml+xml"}:
            return None
        async for chunk in body(response):
            page += chunk
            if len(page) > _PAGE_BYTES:
                break
        address, charset = response.url, response.charset or "utf-8"
    head = _Head()
    try:
        head.feed(page.decode(charset, errors="replace"))
    except LookupError:
        head.feed(page.decode(errors="replace"))
    title = head.found.get("og:title") or head.title.strip()
    if not title:
        return None
    picture = head.found.get("og:image")
    return LinkPreview(
        url=url,
        title=title[:_LONGEST_TITLE],
        description=(head.found.get("og:description") or head.found.get("description") or "")[:_LONGEST_DESCRIPTION]
        or None,
        thumbnail=await _picture(str(address.join(URL(picture))), allowed, files) if picture else None,
    )


async def _picture(url: str, allowed: Sequence[str], files: OutgoingFiles) -> str | None:
    path = files.new()
    try:
        async with fetched(url, allowed) as response:
            await write_file(path, body(response), _PICTURE_BYTES)
        small, _, _ = await asyncio.to_thread(lambda: thumbnail(opened_picture(path)))
    except BridgeError:
        return None
    else:
        return small
    finally:
        path.unlink(missing_ok=True)


class _Head(HTMLParser):
    """Reads title and meta elements."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.found: dict[str, str] = {}
        self._in_title = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._in_title = tag == "title" and not self.title
        name = values.get("property") or values.get("name")
        if tag == "meta" and name and (content := values.get("content")):
            self.found.setdefault(name.lower(), content)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False

    @override
    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
