"""No request may make the gateway hold more than it needs."""

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 1 << 19
"""Bytes; the longest text that can be allowed, with every character escaped, fits."""


class BodyLimit:
    """Ends the reading of a body that is too large, told or not; the error gets our shape where all errors get it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with a bounded body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "")
        told_too_large = told.isdecimal() and int(told) > BODY_LIMIT
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            message = {} if told_too_large else await receive()
            received += len(message.get("body", b""))
            if told_too_large or received > BODY_LIMIT:
                raise HTTPException(HTTPStatus.CONTENT_TOO_LARGE)
            return message

        await self._app(scope, receive_within_limit, send)
