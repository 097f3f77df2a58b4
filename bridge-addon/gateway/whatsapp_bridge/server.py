"""Serves the API in the foreground until told to stop."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import signal
import socket
from typing import override

import uvicorn
import uvloop

from whatsapp_bridge import __version__
from whatsapp_bridge.account_file import AccountFileError
from whatsapp_bridge.api.app import create_app
from whatsapp_bridge.database import DatabaseError
from whatsapp_bridge.engine_command import engine_command
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.log import logger, set_up_logging
from whatsapp_bridge.log_file import LogFile
from whatsapp_bridge.settings import Settings, unknown_variables
from whatsapp_bridge.supervisor import announced

_BACKLOG = 128
_CONSUMERS_LIMIT = 2.0
_REQUESTS_LIMIT = 3
_KEEP_ALIVE = 75


def serve(settings: Settings) -> int:
    """Runs gateway and engine until SIGTERM or SIGINT. Returns the exit code: 1 if it could not start."""
    try:
        file = (
            LogFile(settings.log_file, settings.log_file_size, settings.log_file_count) if settings.log_file else None
        )
    except OSError as error:
        set_up_logging(settings.log_level)
        logger().error("cannot_start", cause=f"the log file cannot be written: {error.strerror}")
        return 1
    set_up_logging(settings.log_level, file)
    for name in unknown_variables():
        logger().warning("unknown_setting", name=name)
    try:
        uvloop.run(_serve(settings))
    except (OSError, AccountFileError, DatabaseError) as error:
        logger().error("cannot_start", cause=str(error))
        return 1
    except ExceptionGroup as group:
        for fault in group.exceptions:
            logger().error("gateway_failed", exc_info=fault)
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listener = listening_socket(settings.host, settings.port)
    gateway = Gateway(settings, engine_command)
    async with gateway.running():
        server = ApiServer(gateway, listener)
        async with announced(settings.supervisor_url, listener.getsockname()[1], gateway.token):
            await server.run(stop)
    logger().info("stopped")


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


def listening_socket(host: str, port: int) -> socket.socket:
    """Binds a socket before anything else is started, so that a port in use is told at once.

    Raises:
        OSError: the address is not ours, or the port is in use.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
