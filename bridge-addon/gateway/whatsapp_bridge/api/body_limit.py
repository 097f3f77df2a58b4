"""No request may make the gateway hold more than it needs."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 1 << 19
"""Bytes; the longest text that can be allowed, with every character escaped, fits."""

BASE64_LIMIT = 24 << 20
"""Bytes of JSON that may hold a file: it is held in memory. Larger files come as multipart, which is not."""


class BodyLimit:
    """Ends the reading of a body that is too large, told or not; the error gets our shape where all errors get it."""

    def __init__(self, app: ASGIApp, file_limit: int) -> None:
        """`file_limit` is in bytes."""
        self._app = app
        self._file_limit = file_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with a bounded body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = self._limit(scope["path"], headers.get("content-type", ""))
        told = headers.get("content-length", "")
        told_too_large = told.isdecimal() and int(told) > limit
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = {} if told_too_large else await receive()
            received += len(message.get("body", b""))
            if told_too_large or received > limit:
                raise HTTPException(HTTPStatus.CONTENT_TOO_LARGE)
            return message

        await self._app(scope, receive_within_limit, send)

    def _limit(self, path: str, content_type: str) -> int:
        if not path.endswith(("/messages", "/send-file")):
            return BODY_LIMIT
        if content_type.startswith("multipart/form-data"):
            return self._file_limit + BODY_LIMIT
        return min(self._file_limit * 4 // 3 + BODY_LIMIT, BASE64_LIMIT)
