"""How many calls the gateway takes with its token: a runaway automation must not keep others from being answered."""

import asyncio
from collections.abc import Callable
from math import ceil

from starlette.types import ASGIApp, Receive, Scope, Send

from whatsapp_bridge.api.authentication import PUBLIC_PATHS
from whatsapp_bridge.api.error_answers import error_answer
from whatsapp_bridge.errors import BridgeError, ErrorCode

_MINUTE = 60.0


class RateLimit:
    """Stands behind authentication: who has no token costs nobody anything. One bucket, since there is one token."""

    def __init__(self, app: ASGIApp, calls: int, clock: Callable[[], float] | None = None) -> None:
        """`calls` are allowed in a minute, all at once or spread; 0 allows any number."""
        self._app = app
        self._calls = calls
        self._clock = clock
        self._left = float(calls)
        self._seen_at: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request pass or answers it with 429."""
        counted = self._calls and scope["type"] in {"http", "websocket"} and scope["path"] not in PUBLIC_PATHS
        if counted and (pause := self._pause()):
            detail = f"More than {self._calls} calls in a minute."
            await error_answer(BridgeError(ErrorCode.RATE_LIMITED, detail, retry_after=ceil(pause)))(
                scope, receive, send
            )
            return
        await self._app(scope, receive, send)

    def _pause(self) -> float:
        """Takes a call, and returns 0; or returns after how many seconds there is one."""
        moment = (self._clock or asyncio.get_running_loop().time)()
        if self._seen_at is not None:
            self._left = min(float(self._calls), self._left + (moment - self._seen_at) * self._calls / _MINUTE)
        self._seen_at = moment
        if self._left < 1:
            return (1 - self._left) * _MINUTE / self._calls
        self._left -= 1
        return 0.0
