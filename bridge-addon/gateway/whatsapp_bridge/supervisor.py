"""Home Assistant's Supervisor is told where the gateway is, so that nobody has to type an address or a token."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
import json
import os
import socket
from urllib.parse import urlsplit

from whatsapp_bridge.log import logger

SERVICE = "whatsapp_gateway"
"""The integration's domain; the app's config.yaml must list it under `discovery`."""

_TOKEN_VARIABLE = "SUPERVISOR_TOKEN"  # noqa: S105 - the name of it
_CALL_LIMIT = 10.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0


@asynccontextmanager
async def announced(supervisor_url: str | None, port: int, token: str) -> AsyncIterator[None]:
    """Tells the Supervisor of the gateway, meanwhile and until it has understood. Does nothing where there is none.

    The Supervisor keeps what it was told and repeats it to Home Assistant at each start; the same again changes nothing
    (https://developers.home-assistant.io/docs/api/supervisor/endpoints#discovery).
    """
    supervisor_token = os.environ.get(_TOKEN_VARIABLE)
    if supervisor_url is None or not supervisor_token:
        yield
        return
    config = {"host": socket.gethostname(), "port": port, "token": token}
    telling = asyncio.create_task(_tell(supervisor_url, supervisor_token, config), name="discovery")
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _tell(url: str, supervisor_token: str, config: dict[str, object]) -> None:
    """Tells it until it answers; a refusal is final."""
    body = json.dumps({"service": SERVICE, "config": config}).encode()
    pause = _FIRST_PAUSE
    while True:
        try:
            async with asyncio.timeout(_CALL_LIMIT):
                status = await _post(f"{url}/discovery", supervisor_token, body)
        except (OSError, TimeoutError, ValueError) as error:
            logger().warning("supervisor_unreachable", cause=type(error).__name__, again_in=pause)
        else:
            if status == HTTPStatus.OK:
                logger().info("announced_to_home_assistant")
                return
            if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                logger().error("announcement_refused", status=status)
                return
            logger().warning("supervisor_busy", status=status, again_in=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _post(url: str, token: str, body: bytes) -> int:
    """Posts JSON once and returns the status. An HTTP library for this one call would stay in memory: 10 MB.

    Raises:
        OSError, ValueError: there is nobody, or what it says is not HTTP.
    """
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        _, status = (await reader.readline()).split(maxsplit=2)[:2]
        return int(status)
    finally:
        writer.close()
