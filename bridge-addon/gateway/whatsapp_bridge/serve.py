"""Runs gateway, engine and API in the foreground until told to stop."""

import asyncio
from importlib import import_module
import signal
import socket
from typing import TYPE_CHECKING

import uvloop

from whatsapp_bridge.account_file import AccountFileError
from whatsapp_bridge.database import DatabaseError
from whatsapp_bridge.engine_command import engine_command
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.log import logger, set_up_logging
from whatsapp_bridge.log_file import LogFile
from whatsapp_bridge.settings import Settings, unknown_variables
from whatsapp_bridge.supervisor import announced

if TYPE_CHECKING:
    from whatsapp_bridge.server import ApiServer

_BACKLOG = 128


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
        # The API's libraries are half of the start: the engine starts meanwhile.
        server_module = await asyncio.to_thread(import_module, "whatsapp_bridge.server")
        server: ApiServer = server_module.ApiServer(gateway, listener)
        async with announced(settings.supervisor_url, listener.getsockname()[1], gateway.token):
            await server.run(stop)
    logger().info("stopped")


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
