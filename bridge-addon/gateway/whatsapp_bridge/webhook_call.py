"""One call of a webhook. Loaded where there is a webhook: the HTTP client is a tenth of the gateway's start."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp

from whatsapp_bridge import __version__

type Call = Callable[[str, bytes, Mapping[str, str]], Awaitable[tuple[int | None, float]]]
"""Posts a body with headers to a URL; returns the status, None where there was no answer, and for how many seconds the receiver
wants to be left alone."""


@asynccontextmanager
async def calling(limit: float) -> AsyncIterator[Call]:
    """Opens what makes calls, each of at most `limit` seconds."""
    timeout = aiohttp.ClientTimeout(total=limit)
    user_agent = {"User-Agent": f"whatsapp-bridge/{__version__}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(timeout=timeout, headers=user_agent) as session:

        async def call(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int | None, float]:
            try:
                async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                    wish = answer.headers.get("Retry-After", "")
                    return answer.status, float(wish) if wish.isdecimal() else 0.0
            except aiohttp.ClientError, TimeoutError, OSError:
                return None, 0.0

        yield call
