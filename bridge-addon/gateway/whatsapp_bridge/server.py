"""The HTTP server."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import socket
from typing import override

import uvicorn

from whatsapp_bridge import __version__
from whatsapp_bridge.api.app import create_app
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.log import logger

_CONSUMERS_LIMIT = 2.0
_REQUESTS_LIMIT = 3
_KEEP_ALIVE = 75


class ApiServer:
    """The HTTP server of a gateway."""

    def __init__(self, gateway: Gateway, listener: socket.socket) -> None:
        self.url = _url(listener)
        self._gateway = gateway
        self._listener = listener
        self._server = _Server(
            uvicorn.Config(
                create_app(gateway),
                http="httptools",
                ws="websockets-sansio",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                # Longer than a client's own limit: one that reuses a connection must not find it just closed.
                timeout_keep_alive=_KEEP_ALIVE,
                ws_per_message_deflate=False,
                ws_max_size=4096,
                timeout_graceful_shutdown=_REQUESTS_LIMIT,
            ),
            on_started=self._report,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serves until `stop` is set; then closes WebSockets with 1001 and lets requests end."""
        serving = asyncio.create_task(self._server.serve(sockets=[self._listener]), name="HTTP server")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            logger().info("stopping")
        finally:
            stopping.cancel()
            await self._gateway.events.close(_CONSUMERS_LIMIT)
            await self._gateway.outbox.stop()
            self._server.should_exit = True
            await serving

    def _report(self) -> None:
        logger().info("listening", url=self.url, version=__version__)


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers, which end the process by the signal, and with word of its start."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
