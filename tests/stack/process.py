"""A child process whose output is kept and awaited line by line."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
import os
from pathlib import Path
import signal

STOP_LIMIT = 45.0
KEPT_LINES = 4000
LINE_LIMIT = 1 << 20

ROOT = Path(__file__).resolve().parents[2]


class ProcessFailedError(Exception):
    """A process ended, or did not say what was awaited in time. The message holds its last lines."""


class Process:
    """A running child. `lines` holds the end of its output, stdout and stderr together."""

    def __init__(self, name: str, child: asyncio.subprocess.Process) -> None:
        self.name = name
        self.child = child
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._new_line = asyncio.Condition()
        self._reader = asyncio.create_task(self._read(), name=f"output of {name}")

    @property
    def pid(self) -> int:
        return self.child.pid

    async def _read(self) -> None:
        assert self.child.stdout is not None
        async for line in self.child.stdout:
            async with self._new_line:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._new_line.notify_all()
        async with self._new_line:
            self._new_line.notify_all()

    async def line(self, wanted: Callable[[str], bool], limit: float, what: str) -> str:
        """Waits for an output line, also among those that came already.

        Raises:
            ProcessFailedError: the process ended or `limit` seconds passed first.
        """

        def found() -> str | None:
            return next((line for line in self.lines if wanted(line)), None)

        try:
            async with asyncio.timeout(limit), self._new_line:
                await self._new_line.wait_for(lambda: found() is not None or self._reader.done())
        except TimeoutError:
            raise ProcessFailedError(self._report(f"did not get to {what} within {limit:g} s")) from None
        if (line := found()) is None:
            raise ProcessFailedError(self._report(f"ended before {what}"))
        return line

    def _report(self, what: str) -> str:
        return "\n".join([f"{self.name} {what}", *list(self.lines)[-30:]])

    def kill(self) -> None:
        """Ends it with SIGKILL, as a power cut would."""
        self.child.kill()

    async def ended(self, limit: float = STOP_LIMIT) -> int:
        """Waits for its end and returns the exit code."""
        async with asyncio.timeout(limit):
            await self._reader
            return await self.child.wait()

    async def stop(self) -> int:
        """Asks it to end with SIGTERM; kills it when it has not after 45 s. Returns the exit code."""
        with suppress(ProcessLookupError):
            self.child.terminate()
        try:
            return await self.ended()
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            await self.ended()
            raise ProcessFailedError(self._report(f"had to be killed {STOP_LIMIT:g} s after SIGTERM")) from None


@asynccontextmanager
async def running_process(
    name: str, command: Sequence[str | Path], environment: Mapping[str, str], *, stop: bool = True
) -> AsyncIterator[Process]:
    """Starts a child in the checkout's root and stops it at the end. It gets `environment` and PATH, HOME, LANG alone."""
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    child = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**inherited, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=LINE_LIMIT,
        start_new_session=True,
    )
    process = Process(name, child)
    try:
        yield process
    finally:
        if stop:
            await process.stop()
