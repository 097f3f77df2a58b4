"""Waits out a restart of the gateway's engine, which takes a second or two."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from .api.errors import GatewayRequestError

PAUSE: Final = 0.3
LIMIT: Final = 20.0
"""Seconds after which it counts as more than a restart."""


async def past_engine_restart[Result](request: Callable[[], Awaitable[Result]]) -> Result:
    """Repeats a request while the gateway answers that its engine is away.

    Raises:
        GatewayError: what the request raises; `engine_unavailable` only when that has lasted too long.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LIMIT
    while True:
        try:
            return await request()
        except GatewayRequestError as error:
            if error.code != "engine_unavailable" or loop.time() > deadline:
                raise
        await asyncio.sleep(PAUSE)
