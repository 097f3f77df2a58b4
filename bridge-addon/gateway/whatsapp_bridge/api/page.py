"""The web page: four files without anything private in them; what they show comes from the API, with its authentication."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

FOLDER = Path(__file__).resolve().parents[1] / "page"

PAGE_PATHS = frozenset({"/", "/page.css", "/page.js", "/page.svg"})
"""Served without a token: who has none is asked for it on the page."""

_HEADERS = {
    "Cache-Control": "no-cache",
    # Nothing from elsewhere, nothing inline; only Home Assistant, which shows it under its own address, may frame it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page() -> FileResponse:
    """Returns the page."""
    return FileResponse(FOLDER / "page.html", headers=_HEADERS)


@router.get("/page.css")
async def style() -> FileResponse:
    """Returns its style."""
    return FileResponse(FOLDER / "page.css", headers=_HEADERS)


@router.get("/page.js")
async def script() -> FileResponse:
    """Returns its script."""
    return FileResponse(FOLDER / "page.js", headers=_HEADERS, media_type="text/javascript")


@router.get("/page.svg")
async def icon() -> FileResponse:
    """Returns its icon."""
    return FileResponse(FOLDER / "page.svg", headers=_HEADERS)
