"""A gateway in this process, with its HTTP server on a free port and a scripted engine behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
import json
import os
from pathlib import Path
import sys
from typing import Any

import aiohttp
import pytest
from whatsapp_bridge.engine import EngineTiming
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.log import set_up_logging
from whatsapp_bridge.serve import listening_socket
from whatsapp_bridge.server import ApiServer
from whatsapp_bridge.settings import Settings

from tests.gateway.described import ANSWERED, SERVED, described, never_answered, never_served

TOKEN = "test-token-of-the-bridge-0123456789"
ALICE = "+15551230001"
BOB = "+15551230002"
LIMIT = 10.0
CONNECTED_EVENTS = 3
"""Events of an account that was added, connects and is connected."""
type Json = Any
"""Decoded JSON: the tests say what they expect in it."""
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SCRIPTED_ENGINE = Path(__file__).with_name("scripted_engine.py")

QUICK = EngineTiming(
    initialize_limit=3.0,
    ping_interval=0.2,
    ping_limit=0.5,
    first_pause=0.05,
    longest_pause=0.5,
    stable_after=60.0,
    patience=2.0,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-error-code", action="store_true", help="fail where a code of the API was never answered")
    parser.addoption(
        "--every-route", action="store_true", help="fail where a route never succeeded with the real engine"
    )


def _missing(config: pytest.Config) -> dict[str, list[str]]:
    """What a whole run should have come across and has not."""
    wanted = {
        "--every-error-code": ("error codes that no test has provoked", never_answered),
        "--every-route": ("routes that no test has called with the real engine", never_served),
    }
    found = {title: missing() for option, (title, missing) in wanted.items() if config.getoption(option)}
    return {title: names for title, names in found.items() if names}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of xdist has ended: takes over what it has come across."""
    for seen, name in ((ANSWERED, "answered"), (SERVED, "served")):
        seen.update(node.workeroutput.get(name, []))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput |= {"answered": sorted(ANSWERED), "served": sorted(SERVED)}
    elif _missing(session.config) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for title, names in _missing(config).items():
        terminalreporter.section(title, red=True)
        terminalreporter.write_line(", ".join(names))


def golden(name: str) -> Json:
    """Reads an example of the API."""
    return json.loads((GOLDEN / f"api/{name}.json").read_text())


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: status, headers and decoded body."""

    status: int
    headers: dict[str, str]
    body: Json

    @property
    def data(self) -> Json:
        assert self.body["success"] is True, self.body
        return self.body["data"]


@dataclass
class Api:
    """A caller of the API."""

    url: str
    session: aiohttp.ClientSession
    token: str = TOKEN
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} | self.headers

    async def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """Calls a route; `headers` are named with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(
            method, self.url + path, json=body, headers=self._headers | named, timeout=aiohttp.ClientTimeout(60)
        ) as answer:
            content = await answer.read()
            decoded = json.loads(content) if answer.content_type == "application/json" else content
            return Reply(answer.status, dict(answer.headers), decoded)

    async def send(
        self, text: str, to: str = ALICE, *, wait: float = 0, account: str = "home", **headers: str
    ) -> Reply:
        """Sends a text."""
        body = {"type": "text", "to": to, "text": text}
        return await self("POST", f"/v1/accounts/{account}/messages?wait={wait}", body, **headers)

    async def message(self, message_id: str, account: str = "home") -> Json:
        """Returns what became of a message."""
        return (await self("GET", f"/v1/accounts/{account}/messages/{message_id}")).data

    @asynccontextmanager
    async def events(self, query: str = "") -> AsyncIterator[Events]:
        """Listens; the hello has been read."""
        async with self.session.ws_connect(f"{self.url}/v1/events{query}", headers=self._headers) as socket:
            async with asyncio.timeout(LIMIT):
                yield Events(socket, await socket.receive_json())


@dataclass
class Events:
    """One consumer's connection."""

    socket: aiohttp.ClientWebSocketResponse
    hello: Json

    async def next(self, kind: str | None = None) -> Json:
        """Returns the next event, or the next of a kind."""
        async with asyncio.timeout(LIMIT):
            while True:
                event = await self.socket.receive_json()
                if kind in {None, event["type"]}:
                    return event

    async def until(self, kind: str, **data: object) -> Json:
        """Returns the next event of a kind whose data holds these values."""
        while True:
            event = await self.next(kind)
            if data.items() <= event["data"].items():
                return event

    async def close_code(self) -> int | None:
        """Reads to the end and returns the close code."""
        async with asyncio.timeout(LIMIT):
            while not (await self.socket.receive()).type.name.startswith("CLOS"):
                pass
        return self.socket.close_code


async def eventually(check: Callable[[], bool], limit: float = LIMIT) -> None:
    """Waits until something holds."""
    async with asyncio.timeout(limit):
        while not check():
            await asyncio.sleep(0.01)


def children() -> list[int]:
    """Returns the processes that this one has started: the engine alone."""
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


@dataclass
class Running:
    """A gateway with a scripted engine."""

    gateway: Gateway
    api: Api
    stop: asyncio.Event
    script_dir: Path
    served: asyncio.Task[None]

    def sent(self) -> list[dict[str, Any]]:
        """Returns the params of each `message.send` that the engines got."""
        return self._noted("sent")

    def started(self) -> list[dict[str, Any]]:
        """Returns the params of each `account.start` that the engines got."""
        return self._noted("account.start")

    def acknowledged(self) -> list[dict[str, Any]]:
        """Returns the params of each `event.acknowledge` that the engines got."""
        return self._noted("event.acknowledge")

    def _noted(self, name: str) -> list[dict[str, Any]]:
        file = self.script_dir / f"{name}.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def script(self, **start: object) -> None:
        """Says how engines behave that are started from now on."""
        self.script_dir.joinpath("start.json").write_text(json.dumps(start))

    async def reaches(self, state: str, account: str = "home") -> None:
        """Waits until an account is in a state."""
        await eventually(lambda: self.gateway.accounts.get(account).state == state)


RunGateway = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def run_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunGateway:
    """Runs a gateway on a data folder of the test; `settings` are the gateway's, `start` is for the engine's script."""
    script_dir = tmp_path / "script"
    script_dir.mkdir()
    monkeypatch.setenv("ENGINE_SCRIPT_DIR", str(script_dir))

    @asynccontextmanager
    async def run(
        start: dict[str, object] | None = None, timing: EngineTiming = QUICK, **settings: object
    ) -> AsyncIterator[Running]:
        script_dir.joinpath("start.json").write_text(json.dumps(start or {}))
        defaults: dict[str, Any] = {
            "data_dir": tmp_path / "data",
            "api_token": TOKEN,
            "port": 0,
            "messages_per_second": 0,
            "rate_limit": 0,
            "log_level": "debug",
        }
        chosen = Settings(**(defaults | settings))
        set_up_logging(chosen.log_level)
        gateway = Gateway(chosen, lambda: [sys.executable, str(SCRIPTED_ENGINE)], timing)
        stop = asyncio.Event()
        async with gateway.running(), aiohttp.ClientSession(middlewares=(described,)) as session:
            server = ApiServer(gateway, listening_socket("127.0.0.1", 0))
            served = asyncio.create_task(server.run(stop))
            try:
                yield Running(gateway, Api(server.url, session), stop, script_dir, served)
            finally:
                stop.set()
                await served

    return run


@pytest.fixture
async def running(run_gateway: RunGateway) -> AsyncIterator[Running]:
    """A gateway with one connected account `home`."""
    async with run_gateway() as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        await eventually(lambda: running.gateway.events.sequence >= CONNECTED_EVENTS)
        yield running


@pytest.fixture
async def api(running: Running) -> Api:
    """A caller of the API of a gateway with one connected account `home`."""
    return running.api
