"""One run of the engine as a child process."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
import json
import re
from typing import Any

from whatsapp_bridge.engine_connection import LINE_LIMIT, EngineConnection, NotificationHandler
from whatsapp_bridge.log import LEVELS, logger, without_numbers

_CLOSE_LIMIT = 5.0
_TERMINATE_LIMIT = 2.0
_LOG_LINE_LENGTH = 500
_CRASH_LINE = re.compile(r"\s+at .*|(?:\w+ )?\w*(?:Error|Exception)\b|FATAL ERROR: .*")
"""Of Node's own words when it crashes: stack frames, an error's class without its text, which may quote a message, and V8's."""

_OWN_LOG_KEYS = ("event", "level", "time", "source")


class EngineProcess:
    """A running engine. `ended` is done when its output has ended; it holds the reason if that was its fault."""

    def __init__(
        self, child: asyncio.subprocess.Process, connection: EngineConnection, ended: asyncio.Task[None]
    ) -> None:
        self.child = child
        self.connection = connection
        self.ended = ended

    def kill(self) -> None:
        """Ends it at once."""
        with suppress(ProcessLookupError):
            self.child.kill()

    async def stop(self) -> None:
        """Ends it as gently as it allows: closes its stdin, then SIGTERM after 5 s, then SIGKILL after 2 s more."""
        if self.child.stdin is not None:
            self.child.stdin.close()
        for limit, escalate in ((_CLOSE_LIMIT, self.child.terminate), (_TERMINATE_LIMIT, self.child.kill)):
            try:
                async with asyncio.timeout(limit):
                    await self.child.wait()
                    return
            except TimeoutError:
                logger().warning("engine_does_not_stop", seconds=limit)
                with suppress(ProcessLookupError):
                    escalate()
        await self.child.wait()


@asynccontextmanager
async def running_engine(
    command: Sequence[str], environment: Mapping[str, str], handler: NotificationHandler
) -> AsyncIterator[EngineProcess]:
    """Starts the engine; it has ended when the block is left. An engine whose parent dies sees its stdin close and ends.

    Raises:
        OSError: it cannot be started.
    """
    child = await asyncio.create_subprocess_exec(
        *command,
        env=dict(environment),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_LIMIT,
        # Ctrl+C in a terminal goes to the whole foreground group; the engine is stopped by us, in order.
        start_new_session=True,
    )
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise RuntimeError("the engine was started without pipes")
    connection = EngineConnection(child.stdout, child.stdin, handler)
    ended = asyncio.create_task(connection.read_until_end(), name="engine's output")
    logs = asyncio.create_task(_forward_logs(child.stderr), name="engine's logs")
    engine = EngineProcess(child, connection, ended)
    try:
        yield engine
    finally:
        # The output is read to its end: an engine that cannot write what it must flush would not stop.
        await engine.stop()
        await asyncio.gather(ended, logs, return_exceptions=True)
        logger().info("engine_ended", exit_code=child.returncode)


async def _forward_logs(stderr: asyncio.StreamReader) -> None:
    while True:
        try:
            line = await stderr.readline()
        except ValueError:
            continue
        if not line:
            return
        _forward_log(line.decode(errors="replace").rstrip("\n"))


def _forward_log(line: str) -> None:
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        if (told := _CRASH_LINE.match(line)) is not None:
            logger().error("engine_stderr", source="engine", line=without_numbers(told[0][:_LOG_LINE_LENGTH]))
        return
    level = LEVELS.get(str(fields.get("level")), LEVELS["info"])
    details = {key: _masked(value) for key, value in fields.items() if key not in _OWN_LOG_KEYS}
    logger().log(level, without_numbers(str(fields.get("event", "engine_log"))), source="engine", **details)


def _masked(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Masks the numbers in a JSON value, however deep; keys may be numbers too."""
    match value:
        case str():
            return without_numbers(value)
        case dict():
            return {without_numbers(str(key)): _masked(part) for key, part in value.items()}
        case list():
            return [_masked(part) for part in value]
        case _:
            return value
