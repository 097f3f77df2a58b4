"""Bad weather, at random but repeatably: gateway, engine and Home Assistant are killed, links dropped, stalled and refused."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
import json
import os
from pathlib import Path
import random
import signal
from typing import Any

import aiohttp

from tests.simulator.client import Simulator
from tests.stack.bridge import TOKEN, Bridge, running_bridge
from tests.stack.home_assistant import HomeAssistant, free_port, home_assistant_begun_again
from tests.stack.process import ROOT, Process

DECK = ("engine", "engine", "engine", "gateway", "gateway", "home_assistant", "drop", "refuse", "half-open", "stall")
"""The strokes, as often as they come among ten."""

AUTOMATIONS = """\
- id: record
  alias: Record
  mode: queued
  max: 1000
  triggers:
    - trigger: event
      event_type: whatsapp_gateway_message
  actions:
    - action: chaos_recorder.record
      data: {line: "{{ trigger.event.data.message_id }}"}
"""
CONFIGURATION = "chaos_recorder:\n"
START_LIMIT = 120.0
CALL_LIMIT = 120.0
"""Seconds in which a gateway that is killed again and again has taken a call."""


def add_recorder(config_dir: Path) -> None:
    """Adds the recorder to a configuration folder; Home Assistant wants a manifest beside it."""
    folder = config_dir / "custom_components/chaos_recorder"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").symlink_to(ROOT / "tests/e2e/chaos/recorder.py")
    manifest = {
        "domain": "chaos_recorder",
        "name": "Chaos recorder",
        "version": "1.0.0",
        "documentation": "",
        "codeowners": [],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


class KeptRunning[Part]:
    """A part of the house that is started again whenever it has died. What its processes said is in one file."""

    def __init__(
        self,
        start: Callable[[], AbstractAsyncContextManager[Part]],
        process: Callable[[Part], Process],
        log: Path,
    ) -> None:
        self.part: Part | None = None
        self.starts = 0
        self._start = start
        self._process = process
        self._log = log
        self._up = asyncio.Event()
        self._over = asyncio.Event()

    async def up(self) -> Part:
        """Waits until it runs."""
        async with asyncio.timeout(START_LIMIT):
            await self._up.wait()
        assert self.part is not None
        return self.part

    async def run(self) -> None:
        """Keeps it running until `stop`."""
        over = asyncio.create_task(self._over.wait())
        while not self._over.is_set():
            async with self._start() as part:
                self.part = part
                self.starts += 1
                self._up.set()
                died = asyncio.create_task(self._process(part).child.wait())
                try:
                    await asyncio.wait((died, over), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    self._up.clear()
                    died.cancel()
                    with suppress(asyncio.CancelledError):
                        await died
                    self._keep_log(self._process(part).lines)

    def _keep_log(self, lines: Iterable[str]) -> None:
        with self._log.open("a") as log:
            log.writelines(f"{line}\n" for line in [*lines, f"-- end of start {self.starts}"])

    def stop(self) -> None:
        """Ends it, gently."""
        self._over.set()

    def kill(self) -> bool:
        """Ends it with SIGKILL, unless it is down already."""
        if self.part is None or not self._up.is_set():
            return False
        with suppress(ProcessLookupError):
            os.kill(self._process(self.part).pid, signal.SIGKILL)
        return True


class Weather:
    """A house in a storm."""

    def __init__(self, simulator: Simulator, folder: Path, seed: int) -> None:
        self.simulator = simulator
        self.chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.strokes: Counter[str] = Counter()
        self._port = free_port()
        self.gateway = KeptRunning[Bridge](
            lambda: running_bridge(folder / "bridge", simulator, port=self._port, ENGINE_KEEPALIVE_MS="1000"),
            lambda bridge: bridge.process,
            folder / "gateway.log",
        )
        self._folder = folder
        self.home_assistant: KeptRunning[HomeAssistant] | None = None

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return sum(self.strokes[kind] for kind in ("engine", "gateway", "home_assistant"))

    def keep_home_assistant(self, before: HomeAssistant) -> None:
        """From now on Home Assistant is started again whenever it has died."""
        self.home_assistant = KeptRunning[HomeAssistant](
            lambda: home_assistant_begun_again(before),
            lambda home_assistant: home_assistant.process,
            self._folder / "home-assistant.log",
        )

    async def storm(self, strokes: int, shortest: float, longest: float) -> None:
        """So many strokes, with pauses between them in seconds."""
        deck: list[str] = []
        while self.strokes.total() < strokes:
            if not deck:
                deck = list(DECK)
                self.chance.shuffle(deck)
            await asyncio.sleep(self.chance.uniform(shortest, longest))
            kind = deck.pop()
            if await self._strike(kind):
                self.strokes[kind] += 1
            else:
                deck.insert(0, kind)

    async def _strike(self, kind: str) -> bool:
        """One stroke of bad luck; False where it found nobody."""
        match kind:
            case "engine":
                return self._kill_engine()
            case "gateway":
                return self.gateway.kill()
            case "home_assistant":
                return self.home_assistant is None or self.home_assistant.kill()
            case "drop":
                await self.simulator.faults(drop=True)
            case "refuse":
                await self._for_a_moment(refuse_connections=True, drop=True)
            case "half-open":
                await self._for_a_moment(silent=True)
            case _:
                await self._for_a_moment(acks="none")
        return True

    def _kill_engine(self) -> bool:
        if (bridge := self.gateway.part) is None:
            return False
        pid = bridge.process.pid
        try:
            [engine] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            os.kill(int(engine), signal.SIGKILL)
        except OSError, ValueError:
            return False
        return True

    async def _for_a_moment(self, **faults: Any) -> None:
        await self.simulator.faults(**faults)
        await asyncio.sleep(self.chance.uniform(0.1, 0.5))
        await self.simulator.clear_faults()

    async def call(self, method: str, path: str, body: object = None, key: str | None = None) -> Any:
        """Calls the API until it answers, as a careful caller does: with the same key."""
        headers = {"Authorization": f"Bearer {TOKEN}"} | ({"Idempotency-Key": key} if key else {})
        timeout = aiohttp.ClientTimeout(10)
        answered: Any = None
        deadline = asyncio.get_running_loop().time() + CALL_LIMIT
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while asyncio.get_running_loop().time() < deadline:
                url = (await self.gateway.up()).url + path
                try:
                    async with session.request(method, url, json=body, headers=headers) as answer:
                        answered = await answer.json()
                        if answer.status < 400:
                            return answered
                        assert answer.status >= 500, f"{method} {path}: {answered}"
                except (aiohttp.ClientError, TimeoutError, OSError) as error:
                    answered = repr(error)
                await asyncio.sleep(0.05)
        raise AssertionError(f"{method} {path} was not answered in {CALL_LIMIT:g} s; at last: {answered}")


@asynccontextmanager
async def kept_running[Part](part: KeptRunning[Part]) -> AsyncIterator[None]:
    """Runs it meanwhile. Where it cannot be started, the block is cancelled and that is raised."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(part.run())
        try:
            yield
        finally:
            part.stop()
