"""The API's own documentation: the OpenAPI document, and a page made of it that needs nothing from anywhere else."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from whatsapp_bridge.api.documentation_page import render

router = APIRouter(include_in_schema=False)

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/openapi.json")
def openapi(request: Request) -> JSONResponse:
    """Returns the OpenAPI document. Not on the event loop: making it the first time takes a while."""
    return JSONResponse(request.app.openapi())


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Returns the page."""
    return HTMLResponse(render(request.app.openapi()), headers=_PAGE_HEADERS)
