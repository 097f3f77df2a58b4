"""Nothing lost, nothing twice, in bad weather: engine and gateway are killed, links dropped and refused, at random but repeatably."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
import os
from pathlib import Path
import random
import signal
from typing import Any

import aiohttp
import pytest

from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import TOKEN, Bridge, running_bridge

ALICE, BOB = "+15551230001", "+15551230002"
MESSAGES = int(os.environ.get("CHAOS_MESSAGES", "60"))
SEED = int(os.environ.get("CHAOS_SEED", "20261124"))
LIMIT = 150.0 + MESSAGES


class Weather:
    """A gateway that is killed and started again, and a link that comes and goes."""

    def __init__(self, simulator: Simulator, data_dir: Path, chance: random.Random) -> None:
        self.simulator = simulator
        self.data_dir = data_dir
        self.chance = chance
        self.kills: Counter[str] = Counter()
        self.bridge: Bridge | None = None
        self._up = asyncio.Event()
        self._over = asyncio.Event()

    async def gateway(self) -> Bridge:
        """Waits until a gateway runs."""
        await self._up.wait()
        assert self.bridge is not None
        return self.bridge

    async def keep_running(self) -> None:
        """Starts the gateway again whenever it has died, until the storm is over and it was told to stop."""
        while not self._over.is_set():
            async with running_bridge(self.data_dir, self.simulator, ENGINE_KEEPALIVE_MS="1000") as bridge:
                self.bridge = bridge
                self._up.set()
                died = asyncio.create_task(bridge.process.child.wait())
                over = asyncio.create_task(self._over.wait())
                await asyncio.wait((died, over), return_when=asyncio.FIRST_COMPLETED)
                self._up.clear()
                for task in (died, over):
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task

    def stop(self) -> None:
        self._over.set()

    async def strike(self) -> None:
        """One stroke of bad luck."""
        bridge = await self.gateway()
        kind = self.chance.choice(["engine", "engine", "gateway", "drop", "refuse", "half-open"])
        self.kills[kind] += 1
        match kind:
            case "engine":
                with suppress(OSError, ValueError):
                    pid = bridge.process.child.pid
                    [engine] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                    os.kill(int(engine), signal.SIGKILL)
            case "gateway":
                with suppress(ProcessLookupError):
                    os.kill(bridge.process.child.pid, signal.SIGKILL)
            case "drop":
                await self.simulator.faults(drop=True)
            case "refuse":
                await self.simulator.faults(refuse_connections=True, drop=True)
                await asyncio.sleep(self.chance.uniform(0.1, 0.5))
                await self.simulator.clear_faults()
            case _:
                await self.simulator.faults(silent=True)
                await asyncio.sleep(self.chance.uniform(0.1, 0.5))
                await self.simulator.clear_faults()


async def call(weather: Weather, method: str, path: str, body: object = None, key: str | None = None) -> Any:
    """Calls the API until it answers, as a careful caller does: with the same key."""
    headers = {"Authorization": f"Bearer {TOKEN}"} | ({"Idempotency-Key": key} if key else {})
    async with aiohttp.ClientSession() as session:
        while True:
            bridge = await weather.gateway()
            try:
                timeout = aiohttp.ClientTimeout(10)
                async with session.request(
                    method, bridge.url + path, json=body, headers=headers, timeout=timeout
                ) as answer:
                    answered = await answer.json()
                    if answer.status < 500:
                        return answered
            except aiohttp.ClientError, TimeoutError, OSError:
                pass
            await asyncio.sleep(0.05)


async def linked(weather: Weather) -> None:
    await call(weather, "POST", "/v1/accounts", {"name": "Home"})
    await call(weather, "POST", "/v1/accounts/home/pairing", {"method": "qr"})
    while True:
        shown = await call(weather, "GET", "/qr")
        if "data" in shown:
            break
        await asyncio.sleep(0.02)
    await weather.simulator.scan_qr(shown["data"]["qr"])
    while (await call(weather, "GET", "/status"))["data"]["state"] != "connected":
        await asyncio.sleep(0.02)


@pytest.fixture
async def weather(tmp_path: Path) -> AsyncIterator[Weather]:
    async with running_simulator() as simulator:
        await simulator.add_contact(ALICE, "Alice")
        await simulator.add_contact(BOB, "Bob")
        weather = Weather(simulator, tmp_path, random.Random(SEED))  # noqa: S311 - repeatable, not secret
        running = asyncio.create_task(weather.keep_running())
        async with asyncio.timeout(LIMIT):
            await linked(weather)
            yield weather
            weather.stop()
            await running


async def storm(weather: Weather, strokes: int) -> None:
    for _ in range(strokes):
        await asyncio.sleep(weather.chance.uniform(0.1, 0.8))
        await weather.strike()


def report(what: str, weather: Weather) -> None:
    print(f"\n{what}: {MESSAGES} messages, strokes {dict(weather.kills)}, seed {SEED}")  # noqa: T201 - the figures are wanted


async def test_every_accepted_message_is_decrypted_once_and_in_order(weather: Weather) -> None:
    striking = asyncio.create_task(storm(weather, MESSAGES // 3))
    accepted: dict[str, list[str]] = {ALICE: [], BOB: []}
    for number in range(MESSAGES):
        to = (ALICE, BOB)[number % 2]
        body = {"type": "text", "to": to, "text": f"{number}"}
        answered = await call(weather, "POST", "/v1/accounts/home/messages", body, key=f"key-{number}")
        accepted[to].append(answered["data"]["messageId"])
        await asyncio.sleep(weather.chance.uniform(0, 0.1))
    await striking
    for to, ids in accepted.items():
        received: list[str] = []
        after = -1
        while len(received) < len(ids):
            for message in await weather.simulator.contact_messages(to, after=after, wait=5):
                after = message.index
                received.append(message.message_id)
        assert received == ids
    statuses = {
        (await call(weather, "GET", f"/v1/accounts/home/messages/{message_id}"))["data"]["status"]
        for ids in accepted.values()
        for message_id in ids
    }
    assert statuses <= {"sent", "delivered", "read"}
    report("out", weather)


async def test_every_message_received_is_told_once_and_in_order(weather: Weather) -> None:
    told: list[tuple[int, str]] = []
    finished = asyncio.Event()

    async def consume() -> None:
        """As the integration does: resumes behind what it has processed."""
        since, log = 0, ""
        while not finished.is_set():
            bridge = await weather.gateway()
            headers = {"Authorization": f"Bearer {TOKEN}"}
            query = f"?since={since}&log={log}&consumer=chaos" if log else "?since=0&consumer=chaos"
            with suppress(aiohttp.ClientError, OSError, TimeoutError, TypeError):
                async with (
                    aiohttp.ClientSession() as session,
                    session.ws_connect(f"{bridge.url}/v1/events{query}", headers=headers, heartbeat=2) as socket,
                ):
                    log = (await socket.receive_json())["log"]
                    while True:
                        event = await socket.receive_json()
                        if event["type"] == "message.received":
                            told.append((event["sequence"], event["data"]["message_id"]))
                        since = max(since, event["sequence"])
                        await socket.send_json({"ack": since})
            await asyncio.sleep(0.05)

    consuming = asyncio.create_task(consume())
    striking = asyncio.create_task(storm(weather, MESSAGES // 3))
    written = []
    for number in range(MESSAGES):
        written.append(await weather.simulator.contact_send((ALICE, BOB)[number % 2], f"{number}"))
        await asyncio.sleep(weather.chance.uniform(0, 0.1))
    await striking
    try:
        async with asyncio.timeout(60):
            while len({message_id for _, message_id in told}) < MESSAGES:
                await asyncio.sleep(0.05)
    except TimeoutError:
        missing = [number for number, message_id in enumerate(written) if message_id not in {one for _, one in told}]
        pytest.fail(f"never told: {missing}; strokes {dict(weather.kills)}")
    finally:
        finished.set()
        consuming.cancel()
    ids = [message_id for _, message_id in told]
    assert [message_id for message_id, count in Counter(ids).items() if count > 1] == []
    for chat in (written[::2], written[1::2]):
        assert [message_id for message_id in ids if message_id in chat] == chat
    report("in", weather)
