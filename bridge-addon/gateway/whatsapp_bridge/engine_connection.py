"""JSON-RPC 2.0 with the engine: one JSON object a line (https://www.jsonrpc.org/specification)."""

import asyncio
from collections.abc import Callable
from itertools import count
import json
from typing import Any, Protocol

from whatsapp_bridge.errors import EngineUnavailableError
from whatsapp_bridge.log import logger

LINE_LIMIT = 1 << 20
"""Bytes in one line; a longer one is a fault of the engine."""

VIOLATIONS_ALLOWED = 10
"""Faulty lines after which an engine is given up."""


class NotificationHandler(Protocol):
    """Who takes notifications."""

    def notified(self, method: str, params: object) -> None:
        """Takes one; must return at once."""

    async def room(self) -> None:
        """Waits until it can take more."""


class EngineError(Exception):
    """The engine has answered with an error. `error_code` is stable, `whatsapp_code` WhatsApp's number where it gave one."""

    def __init__(self, error_code: str, whatsapp_code: int | None = None) -> None:
        super().__init__(error_code)
        self.error_code = error_code
        self.whatsapp_code = whatsapp_code


class EngineProtocolError(Exception):
    """The engine does not speak the protocol."""


def encode_line(message: dict[str, Any]) -> bytes:
    """Spells a message as a line."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class EngineConnection:
    """The calls and notifications of one run of the engine."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: NotificationHandler
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handler = handler
        self._numbers = count(1)
        self._pending: dict[int, asyncio.Future[object]] = {}
        self._violations = 0
        self._ended = False

    async def read_until_end(self) -> None:
        """Reads until the engine closes its output. Whoever waits for an answer then gets `EngineUnavailableError`.

        Raises:
            EngineProtocolError: too many lines were no messages.
        """
        try:
            while line := await self._line():
                self._take(line)
                await self._handler.room()
        finally:
            self._ended = True
            for answer in self._pending.values():
                if not answer.done():
                    answer.set_exception(EngineUnavailableError())

    async def call(self, method: str, params: dict[str, Any], limit: float) -> object:
        """Calls a method and returns its result. `limit` is in seconds.

        Raises:
            EngineError: the engine answered with an error.
            EngineUnavailableError: it ended, or has not answered in time.
        """
        if self._ended:
            raise EngineUnavailableError
        number = next(self._numbers)
        answer = self._pending[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limit):
                self._writer.write(encode_line({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
                await self._writer.drain()
                return await answer
        except (TimeoutError, ConnectionError, RuntimeError) as error:
            logger().warning("engine_call_unanswered", method=method, cause=type(error).__name__)
            raise EngineUnavailableError from error
        finally:
            del self._pending[number]
            if answer.done() and not answer.cancelled():
                answer.exception()

    async def _line(self) -> bytes:
        """Returns the next line, b"" at the end. A line over the limit is dropped."""
        while True:
            try:
                return await self._reader.readline()
            except ValueError:
                self._violation("line_too_long")

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            self._violation("not_json")
            return
        match message:
            case {"jsonrpc": "2.0", "id": int(number), "result": result}:
                self._settle(number, lambda answer: answer.set_result(result))
            case {"jsonrpc": "2.0", "id": int(number), "error": {"code": int(code), **error}}:
                failure = _engine_error(code, error.get("data"))
                self._settle(number, lambda answer: answer.set_exception(failure))
            case {"jsonrpc": "2.0", "method": str(method), **rest} if "id" not in rest:
                self._notify(method, rest.get("params"))
            case _:
                self._violation("not_a_message")

    def _settle(self, number: int, settle: Callable[[asyncio.Future[object]], None]) -> None:
        """Gives an answer to its caller; one that came too late has none."""
        answer = self._pending.get(number)
        if answer is not None and not answer.done():
            settle(answer)

    def _notify(self, method: str, params: object) -> None:
        try:
            self._handler.notified(method, params)
        except Exception:  # noqa: BLE001 - one report that cannot be handled must not cost the others
            logger().exception("engine_notification_failed", method=method)

    def _violation(self, kind: str) -> None:
        self._violations += 1
        logger().error("engine_protocol_violation", kind=kind)
        if self._violations > VIOLATIONS_ALLOWED:
            raise EngineProtocolError(kind)


_STANDARD_CODES = {-32602: "invalid_params", -32603: "internal_error"}


def _engine_error(code: int, data: object) -> EngineError:
    """Reads the error object; an error without a code of ours keeps the meaning of JSON-RPC's own."""
    details = data if isinstance(data, dict) else {}
    error_code = details.get("error_code")
    whatsapp_code = details.get("whatsapp_code")
    return EngineError(
        error_code if isinstance(error_code, str) else _STANDARD_CODES.get(code, "internal_error"),
        whatsapp_code if isinstance(whatsapp_code, int) else None,
    )
