"""Who may call: everybody with the token, and nobody else but for liveness."""

from base64 import b64decode
import binascii
import secrets

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from whatsapp_bridge.api.error_answers import error_answer
from whatsapp_bridge.errors import BridgeError, ErrorCode

PUBLIC_PATHS = frozenset({"/health"})

READ_BY_BROWSERS = frozenset({"/docs", "/openapi.json"})
"""Where the token may also come as the password of HTTP Basic, which a browser asks for. Nowhere else: a browser sends it
along by itself, also where another site makes it call."""


class BearerAuthentication:
    """Stands before all routes, known and unknown, so that no route can be forgotten.

    A WebSocket is refused before the upgrade, and a body is not read
    (https://asgi.readthedocs.io/en/latest/extensions.html#websocket-denial-response).
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request pass or answers it with 401."""
        if scope["type"] in {"http", "websocket"} and not self._may_pass(scope):
            detail = "This needs the header 'Authorization: Bearer <token>' with the gateway's token."
            answer = error_answer(BridgeError(ErrorCode.UNAUTHORIZED, detail))
            if scope["path"] in READ_BY_BROWSERS:
                answer.headers["WWW-Authenticate"] = 'Basic realm="WhatsApp Gateway: the token is the password"'
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        if scope["type"] == "http" and scope["path"] in PUBLIC_PATHS:
            return True
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() == "basic" and scope["type"] == "http" and scope["path"] in READ_BY_BROWSERS:
            scheme, token = "bearer", _password(token)
        given = f"{scheme.capitalize()} {token.strip()}".encode()
        return secrets.compare_digest(given, self._expected)


def _password(credentials: str) -> str:
    """Returns the password of HTTP Basic (RFC 7617), or nothing."""
    try:
        return b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except binascii.Error, UnicodeDecodeError:
        return ""
