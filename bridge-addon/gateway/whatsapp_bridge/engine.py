"""The engine, kept alive: restarted when it ends or hangs, with growing pauses."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, override

from pydantic import ValidationError

from whatsapp_bridge.engine_connection import (
    EngineConnection,
    EngineError,
    EngineProtocolError,
    NotificationHandler,
)
from whatsapp_bridge.engine_process import EngineProcess, running_engine
from whatsapp_bridge.engine_protocol import (
    PROTOCOL_VERSION,
    InitializeResult,
    Notification,
    PingResult,
    read_notification,
)
from whatsapp_bridge.errors import EngineUnavailableError
from whatsapp_bridge.log import logger
from whatsapp_bridge.timestamps import now


class EngineState(StrEnum):
    """What `/health` says of the engine."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPED = "stopped"


EngineCall = Callable[[str, dict[str, Any], float], Awaitable[object]]
"""Calls a method with params, within a limit in seconds, and returns its result."""


class EngineTooLargeError(Exception):
    """The engine's memory has grown over its limit."""


class EngineListener(Protocol):
    """Who is told what the engine does. The plain methods must return at once."""

    async def engine_up(self, call: EngineCall) -> None:
        """The engine answers `call`. Nobody else can ask anything of it until this returns."""

    def engine_down(self) -> None:
        """The engine has ended, unasked."""

    async def room(self) -> None:
        """Waits until it can take more; the engine is read no further until then."""

    def notification(self, notification: Notification) -> None:
        """The engine reports something."""


@dataclass(frozen=True)
class EngineTiming:
    """Time limits and pauses, in seconds."""

    initialize_limit: float = 20.0
    ping_interval: float = 5.0
    ping_limit: float = 5.0
    first_pause: float = 0.2
    longest_pause: float = 30.0
    patience: float = 5.0
    """How long a call waits for an engine that is being started."""
    stable_after: float = 60.0
    memory_limit: int = 512 * 1024 * 1024
    """Resident bytes over which the engine is started anew."""


class Engine(NotificationHandler):
    """The supervised engine. `run` is its life; its owner cancels it to stop the engine."""

    def __init__(
        self,
        command: Callable[[], Sequence[str]],
        environment: Mapping[str, str],
        parameters: Mapping[str, Any],
        timing: EngineTiming | None = None,
    ) -> None:
        """Takes the command line, asked for at each start, and the params of `initialize` but the version."""
        self.state = EngineState.STARTING
        self.restarts = 0
        self.protocol_errors = 0
        self.memory = 0
        """Resident bytes of the engine at the last ping."""
        self.checked_at: datetime | None = None
        """When the engine last answered a ping, which is every five seconds."""
        self._command = command
        self._environment = environment
        self._parameters = dict(parameters) | {"protocol_version": PROTOCOL_VERSION}
        self._timing = timing or EngineTiming()
        self._connection: EngineConnection | None = None
        self._up = asyncio.Event()
        self._listener: EngineListener | None = None

    async def call(self, method: str, params: dict[str, Any], limit: float) -> object:
        """Calls a method of the protocol and returns its result. `limit` is in seconds.

        An engine that is being started is waited for a moment: its start takes less than a second.

        Raises:
            EngineError: the engine answered with an error.
            EngineUnavailableError: it is not running, or does not answer.
        """
        if self._connection is None:
            try:
                async with asyncio.timeout(min(limit, self._timing.patience)):
                    await self._up.wait()
            except TimeoutError:
                raise EngineUnavailableError from None
        if self._connection is None:
            raise EngineUnavailableError
        return await self._connection.call(method, params, limit)

    @property
    def ready(self) -> bool:
        """Whether calls are taken now."""
        return self._up.is_set()

    async def run(self, listener: EngineListener) -> None:
        """Runs the engine until cancelled, and then stops it."""
        self._listener = listener
        loop = asyncio.get_running_loop()
        pause = self._timing.first_pause
        try:
            while True:
                started = loop.time()
                cause = await self._run_once(listener)
                listener.engine_down()
                if loop.time() - started > self._timing.stable_after:
                    pause = self._timing.first_pause
                self.state = EngineState.RESTARTING
                self.restarts += 1
                logger().error("engine_down", cause=cause, restart_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, self._timing.longest_pause)
        finally:
            self.state = EngineState.STOPPED

    async def _run_once(self, listener: EngineListener) -> str:
        """Runs the engine until it ends or must be ended, and returns why."""
        try:
            async with running_engine(self._command(), self._environment, self) as process:
                watch = asyncio.create_task(self._watch(process, listener), name="engine's watchdog")
                try:
                    await asyncio.wait((process.ended, watch), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    self._connection = None
                    self._up.clear()
                    watch.cancel()
                    await asyncio.gather(watch, return_exceptions=True)
                if not process.ended.done() or process.ended.exception() is not None:
                    process.kill()
                return self._cause(process, watch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the engine is to be started again
            logger().exception("engine_start_failed")
            return type(error).__name__

    async def _watch(self, process: EngineProcess, listener: EngineListener) -> None:
        """Brings the engine up and pings it until it does not answer."""
        connection = process.connection
        answer = await connection.call("initialize", self._parameters, self._timing.initialize_limit)
        identity = InitializeResult.model_validate(answer).engine
        self.state = EngineState.RUNNING
        self.checked_at = now()
        logger().info(
            "engine_up", pid=process.child.pid, name=identity.name, version=identity.version, library=identity.library
        )
        await listener.engine_up(connection.call)
        self._connection = connection
        self._up.set()
        while True:
            await asyncio.sleep(self._timing.ping_interval)
            pong = PingResult.model_validate(await connection.call("ping", {}, self._timing.ping_limit))
            self.checked_at = now()
            self.memory = pong.memory or 0
            if self.memory > self._timing.memory_limit:
                raise EngineTooLargeError

    @staticmethod
    def _cause(process: EngineProcess, watch: asyncio.Task[None]) -> str:
        for task in (process.ended, watch):
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                if isinstance(error, EngineUnavailableError):
                    return "no_answer" if not process.ended.done() else "ended"
                if not isinstance(error, EngineError | EngineProtocolError | EngineTooLargeError):
                    logger().error("engine_watch_failed", exc_info=error)
                return error.error_code if isinstance(error, EngineError) else type(error).__name__
        return "ended"

    @override
    async def room(self) -> None:
        if self._listener is not None:
            await self._listener.room()

    @override
    def notified(self, method: str, params: object) -> None:
        try:
            notification = read_notification(method, params)
        except ValidationError as error:
            self.protocol_errors += 1
            fields = [".".join(str(part) for part in fault["loc"]) for fault in error.errors(include_input=False)]
            logger().error("engine_notification_invalid", method=method, fields=fields)
            return
        if notification is None:
            self.protocol_errors += 1
            logger().error("engine_notification_unknown", method=method)
        elif self._listener is not None:
            self._listener.notification(notification)
