"""The files of received messages."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse

from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ASKING, failures
from whatsapp_bridge.errors import ErrorCode

router = APIRouter(prefix="/v1/accounts/{account}/media", tags=["messages"])

_SHOWN = ("image/jpeg", "image/png", "image/webp", "image/gif", "video/", "audio/")
"""What a browser may show: everything else, above all HTML, is only saved."""

MEDIA_RESPONSES = failures(
    *ASKING,
    ErrorCode.MEDIA_NOT_FOUND,
    ErrorCode.MEDIA_GONE,
    ErrorCode.MEDIA_TOO_LARGE,
    ErrorCode.MEDIA_DAMAGED,
    ErrorCode.MEDIA_DOWNLOAD_FAILED,
    ErrorCode.STORAGE_FULL,
    ErrorCode.STORAGE_UNUSABLE,
) | {
    200: {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}, "description": "The file"},
    206: {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}, "description": "The range asked for"},
    416: {"description": "There is no such range"},
}


@router.get("/{message_id}", responses=MEDIA_RESPONSES, response_class=FileResponse)
async def get_media(
    gateway: TheGateway, account: AccountId, message_id: Annotated[str, Path(max_length=64)]
) -> FileResponse:
    """Returns the file of a received message; it is fetched from WhatsApp where it is not here yet."""
    gateway.accounts.get(account)
    path, known = await gateway.received_files.get(account, message_id)
    shown = "inline" if known.mimetype.lower().startswith(_SHOWN) else "attachment"
    name = f"; filename*=UTF-8''{quote(known.file_name, safe='')}" if known.file_name else ""
    headers = {
        "Content-Type": _header_safe(known.mimetype),
        "Content-Disposition": shown + name,
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=86400, immutable",
    }
    return FileResponse(path, headers=headers)


def _header_safe(mimetype: str) -> str:
    """A type as a header takes it: the sender's phone has chosen it."""
    return mimetype if mimetype.isascii() and mimetype.isprintable() else "application/octet-stream"
