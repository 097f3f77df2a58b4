"""Who is measured: the bridge as it runs in a house, and a bot on bare Baileys. Both talk to a simulator of their own."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
import json
from pathlib import Path
import time
from typing import Any

import aiohttp

from benchmarks.runtime import gateway_python
from tests.simulator.client import Simulator
from tests.stack.process import ROOT, Process, running_process

TOKEN = "benchmark-token-0123456789"  # noqa: S105 - of a gateway that lives for minutes
START_LIMIT = 60.0
ANSWER_LIMIT = 600.0
NODE = ROOT / ".cache/node/bin/node"


class MeasurementError(Exception):
    """A contestant did not do what is to be measured."""


@dataclass
class Arrivals:
    """When which text came in."""

    _at: dict[str, float] = field(default_factory=dict)
    _waiting: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def note(self, text: str, at: float) -> None:
        """Notes one."""
        self._at.setdefault(text, at)
        self._waiting[text].set()

    async def wait(self, text: str, limit: float = 60.0) -> float:
        """Waits for one."""
        async with asyncio.timeout(limit):
            await self._waiting[text].wait()
        return self._at[text]


def jid(recipient: str) -> str:
    """Spells a recipient as Baileys wants it."""
    if recipient.startswith("group:"):
        return f"{recipient.removeprefix('group:')}@g.us"
    return f"{recipient.removeprefix('+')}@s.whatsapp.net"


class Bare:
    """A bot on bare Baileys (`bare/main.ts`)."""

    name = "bare"

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child
        self.pid = child.pid
        self.codes: asyncio.Queue[str] = asyncio.Queue()
        self.opened = asyncio.Event()
        self.arrivals = Arrivals()
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read(), name="bare Baileys")

    async def _read(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            frame = json.loads(line)
            match frame:
                case {"event": "qr", "qr": code}:
                    self.codes.put_nowait(code)
                case {"event": "open"}:
                    self.opened.set()
                case {"event": "message", "text": text, "at": at}:
                    self.arrivals.note(text, at / 1000)
                case {"answer": number}:
                    self._answers.pop(number).set_result(frame)

    async def connected(self) -> float:
        """Waits until it is connected, and returns when it was seen to be (Unix seconds)."""
        async with asyncio.timeout(START_LIMIT):
            await self.opened.wait()
        return time.time()

    async def send(self, to: Sequence[str], number: int, in_flight: int = 1) -> list[float]:
        """Sends `number` texts, to one recipient after the other; returns the ms from each `sendMessage` to WhatsApp's ack."""
        order = next(self._numbers)
        answer = self._answers[order] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": order, "to": [jid(one) for one in to], "count": number, "inFlight": in_flight})
        assert self._child.stdin is not None
        self._child.stdin.write(f"{line}\n".encode())
        async with asyncio.timeout(ANSWER_LIMIT):
            frame = await answer
        if "error" in frame:
            raise MeasurementError(f"bare Baileys: {frame['error']}")
        return [float(one) for one in frame["times"]]

    async def received(self, text: str) -> float:
        """Waits until a text has come in, and returns when (Unix seconds)."""
        return await self.arrivals.wait(text)


@asynccontextmanager
async def running_bare(folder: Path, simulator: Simulator, *flags: str) -> AsyncIterator[Bare]:
    """Starts the bare bot with Node's `flags`. Its database in `folder` decides whether it is linked."""
    folder.mkdir(parents=True, exist_ok=True)
    child = await asyncio.create_subprocess_exec(
        NODE,
        *flags,
        ROOT / "benchmarks/bare/main.ts",
        folder / "session.db",
        simulator.whatsapp_url,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
    try:
        yield Bare(child)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def link_bare(bare: Bare, simulator: Simulator) -> None:
    """The phone scans the bot's code."""
    async with asyncio.timeout(START_LIMIT):
        code = await bare.codes.get()
        bare.opened.clear()
        await simulator.scan_qr(code)
        await bare.opened.wait()


class Bridge:
    """Gateway and engine of a checkout, used through REST and the event stream."""

    def __init__(self, name: str, process: Process, session: aiohttp.ClientSession, url: str, folder: Path) -> None:
        self.name = name
        self.pid = process.pid
        self.url = url
        self.folder = folder
        self.account = ""
        self._process = process
        self._session = session
        self.arrivals = Arrivals()

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Calls the API and returns `data`."""
        async with self._session.request(method, f"{self.url}{path}", json=body) as response:
            answer = await response.json()
        if response.status >= 400:
            raise MeasurementError(f"{method} {path}: {answer}")
        return answer["data"]

    async def message(self, to: str, text: str, *, wait: int) -> dict[str, Any]:
        """Sends a text; waits up to `wait` seconds for WhatsApp's ack."""
        path = f"/v1/accounts/{self.account}/messages?wait={wait}"
        return dict(await self.call("POST", path, {"type": "text", "to": to, "text": text}))

    async def send(self, to: Sequence[str], number: int, in_flight: int = 1) -> list[float]:
        """Sends `number` texts, to one recipient after the other; returns the ms from each REST call to its answer after WhatsApp's ack."""
        times: list[float] = []
        numbers = iter(range(number))

        async def caller() -> None:
            for one in numbers:
                started = time.perf_counter()
                sent = await self.message(to[one % len(to)], f"message number {one}", wait=30)
                times.append((time.perf_counter() - started) * 1000)
                if sent["status"] in {"queued", "sending"}:
                    raise MeasurementError(f"not acknowledged within 30 s: {sent}")

        async with asyncio.TaskGroup() as callers:
            for _ in range(in_flight):
                callers.create_task(caller())
        return times

    async def received(self, text: str) -> float:
        """Waits until a text has come in, and returns when (Unix seconds)."""
        return await self.arrivals.wait(text)

    async def connected(self) -> float:
        """Waits until the account is connected, and returns since when, by the gateway's own log (Unix seconds)."""
        line = await self._process.line(is_connected, START_LIMIT, "the account's connection")
        return datetime.fromisoformat(json.loads(line)["time"]).timestamp()

    async def follow(self) -> None:
        """Notes what comes in, until cancelled."""
        async with self._session.ws_connect(f"{self.url}/v1/events?consumer=benchmark") as stream:
            async for frame in stream:
                event = json.loads(frame.data)
                if event["type"] == "message.received":
                    self.arrivals.note(event["data"]["content"].get("text", ""), time.time())
                if "sequence" in event and event["type"] != "hello":
                    await stream.send_json({"ack": event["sequence"]})


def is_connected(line: str) -> bool:
    """Whether a line of the gateway's log tells that an account is connected."""
    return '"account_state"' in line and '"connected"' in line


@asynccontextmanager
async def running_bridge(
    folder: Path, simulator: Simulator, *, checkout: Path = ROOT, name: str = "bridge", **settings: str
) -> AsyncIterator[Bridge]:
    """Starts gateway and engine of a checkout as `scripts/bridge` does, without pacing or rate limit, the simulator for WhatsApp."""
    environment = {
        "BRIDGE_HOST": "127.0.0.1",
        "BRIDGE_PORT": "0",
        "BRIDGE_DATA_DIR": str(folder),
        "BRIDGE_API_TOKEN": TOKEN,
        "BRIDGE_WHATSAPP_URL": simulator.whatsapp_url,
        "BRIDGE_MESSAGES_PER_SECOND": "0",
        "BRIDGE_RATE_LIMIT": "0",
        "NODE_EXTRA_CA_CERTS": str(simulator.certificate),
    } | settings
    command: list[str | Path] = [gateway_python(checkout), "-m", "whatsapp_bridge", "serve"]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    timeout = aiohttp.ClientTimeout(total=ANSWER_LIMIT)
    connector = aiohttp.TCPConnector(limit=100)
    async with (
        running_process("gateway", command, environment) as process,
        aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector) as session,
    ):
        line = await process.line(lambda text: '"listening"' in text, START_LIMIT, "listening")
        bridge = Bridge(name, process, session, json.loads(line)["url"], folder)
        if accounts := (await bridge.call("GET", "/v1/accounts"))["accounts"]:
            bridge.account = accounts[0]["id"]
        yield bridge


async def begin_linking(bridge: Bridge, name: str = "benchmark") -> tuple[str, str]:
    """Adds an account; returns its id, and the code for the phone."""
    account = str((await bridge.call("POST", "/v1/accounts", {"name": name}))["id"])
    await bridge.call("POST", f"/v1/accounts/{account}/pairing", {"method": "qr"})
    async with asyncio.timeout(START_LIMIT):
        while not (pairing := (await bridge.call("GET", f"/v1/accounts/{account}"))["pairing"]) or not pairing["qr"]:
            await asyncio.sleep(0.02)
    return account, str(pairing["qr"])


async def link_account(bridge: Bridge, simulator: Simulator, name: str = "benchmark") -> str:
    """Adds an account whose code the phone scans, waits until it is connected, and returns its id."""
    account, code = await begin_linking(bridge, name)
    await simulator.scan_qr(code)
    async with asyncio.timeout(START_LIMIT):
        while (await bridge.call("GET", f"/v1/accounts/{account}"))["state"] != "connected":
            await asyncio.sleep(0.02)
    bridge.account = bridge.account or account
    return account
