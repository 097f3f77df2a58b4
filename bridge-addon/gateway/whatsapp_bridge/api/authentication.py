"""Who may call: everybody with the token, whom Home Assistant's Supervisor has let in, and nobody else but for liveness."""

from base64 import b64decode
import binascii
import ipaddress
from ipaddress import IPv4Address
import secrets

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from whatsapp_bridge.api.error_answers import error_answer
from whatsapp_bridge.api.page import PAGE_PATHS
from whatsapp_bridge.errors import BridgeError, ErrorCode

PUBLIC_PATHS = frozenset({"/health"}) | PAGE_PATHS

INGRESS_HEADER = "x-ingress-path"
"""What the Supervisor adds to the requests of those who are logged in to Home Assistant and have opened the app's page
(https://developers.home-assistant.io/docs/add-ons/presentation#ingress). Anybody can write it: the address says whether it counts."""

READ_BY_BROWSERS = frozenset({"/docs", "/openapi.json"})
"""Where the token may also come as the password of HTTP Basic, which a browser asks for. Nowhere else: a browser sends it
along by itself, also where another site makes it call."""


class BearerAuthentication:
    """Stands before all routes, known and unknown, so that no route can be forgotten.

    A WebSocket is refused before the upgrade, and a body is not read
    (https://asgi.readthedocs.io/en/latest/extensions.html#websocket-denial-response).
    """

    def __init__(self, app: ASGIApp, token: str, ingress_address: IPv4Address | None) -> None:
        """`ingress_address` is that of the Supervisor, if requests that it passes on need no token."""
        self._app = app
        self._expected = f"Bearer {token}".encode()
        self._ingress_address = ingress_address

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
        headers = Headers(scope=scope)
        if self._is_ingress(scope, headers):
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic" and scope["type"] == "http" and scope["path"] in READ_BY_BROWSERS:
            scheme, token = "bearer", _password(token)
        given = f"{scheme.capitalize()} {token.strip()}".encode()
        return secrets.compare_digest(given, self._expected)

    def _is_ingress(self, scope: Scope, headers: Headers) -> bool:
        """Whether the connection itself comes from the Supervisor; no header says where a request comes from."""
        client = scope.get("client")
        if self._ingress_address is None or not client or INGRESS_HEADER not in headers:
            return False
        address = ipaddress.ip_address(client[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return address == self._ingress_address


def _password(credentials: str) -> str:
    """Returns the password of HTTP Basic (RFC 7617), or nothing."""
    try:
        return b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except binascii.Error, UnicodeDecodeError:
        return ""
