"""Home Assistant's Supervisor is told where the gateway is, so that nobody has to type an address or a token."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
import os
import socket

import aiohttp

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
    headers = {"Authorization": f"Bearer {supervisor_token}"}
    body = {"service": SERVICE, "config": config}
    pause = _FIRST_PAUSE
    timeout = aiohttp.ClientTimeout(_CALL_LIMIT)
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
        while True:
            try:
                async with session.post(f"{url}/discovery", json=body) as answer:
                    status = answer.status
            except (aiohttp.ClientError, TimeoutError) as error:
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
