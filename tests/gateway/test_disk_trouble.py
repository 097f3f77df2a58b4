"""A disk that is full, may not be written, or is damaged, while gateway and engine run on it: what is wrong is said, nobody is busy with it, and nothing
is lost when it is mended."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
import os
from pathlib import Path
import sqlite3
import subprocess

import pytest

from tests.gateway.conftest import ALICE, Api, Json
from tests.gateway.test_with_whatsapp import KEEPALIVE, caller, engine_of, link, reaches, simulator
from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.process import ProcessFailedError
from tests.stack.small_disk import SmallDisk, can_mount

__all__ = ["simulator"]

needs_mounts = pytest.mark.skipif(
    not can_mount(), reason="mounting a disk in a file needs root, mkfs.ext4 and loop devices"
)
MIB = 48
MENDED = 45.0
"""Seconds in which the engine has tried a store again that could not be written."""
WATCHED = 3.0
IDLE = 0.15
"""Of a processor, at most, while nothing can be done."""


def busy_seconds(*pids: int) -> float:
    """The processor time that processes have taken."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


async def account(api: Api) -> Json:
    return (await api("GET", "/v1/accounts/home")).data


async def is_idle(bridge: Bridge) -> None:
    pids = bridge.process.pid, engine_of(bridge)
    before = busy_seconds(*pids)
    await asyncio.sleep(WATCHED)
    assert pids == (bridge.process.pid, engine_of(bridge)), "nobody was started anew"
    assert busy_seconds(*pids) - before < WATCHED * IDLE


async def both_say_so(api: Api, simulator: Simulator, code: str) -> tuple[list[str], list[str]]:
    """Sends and receives until gateway and engine know; returns the texts that were accepted, and the ids of those that were written."""
    accepted: list[str] = []
    written: list[str] = []
    while (reply := await api.send(text := f"{len(accepted)} {'x' * 4000}")).status in {200, 202}:
        accepted.append(text)
        assert len(accepted) < 1000
    # whichever of both came across it first
    assert reply.body["error_code"] in {code, "account_failed"}
    async with asyncio.timeout(30):
        while (await api("GET", "/health")).body["storage"] != code:
            await asyncio.sleep(0.02)
        while (now := await account(api))["state"] != "failed":
            written.append(await simulator.contact_send(ALICE, f"{len(written)} {'y' * 4000}"))
            await asyncio.sleep(0.02)
    assert now["reason"] == "store_unusable"
    return accepted, written


async def all_is_there(api: Api, simulator: Simulator, accepted: list[str], written: list[str], limit: float) -> None:
    """Waits until the account is connected, and what was accepted and written has arrived, once and in order."""
    async with asyncio.timeout(limit):
        while (await account(api))["state"] != "connected":
            await asyncio.sleep(0.1)
    accepted.append("mended")
    assert (await api.send("mended", wait=20)).status == 200
    assert [message.text for message in await simulator.contact_messages(ALICE)] == accepted
    written.append(await simulator.contact_send(ALICE, "mended"))
    told: list[str] = []
    async with api.events("?since=0") as events:
        while told[-1:] != written[-1:]:
            told.append((await events.next("message.received"))["data"]["message_id"])
    assert told == written
    devices = (await simulator.state()).linked_devices
    assert [device["removed"] for device in devices] == [False], "linked once"


@contextmanager
def full_disk(folder: Path, _: tuple[int, int]) -> Iterator[None]:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    yield
    filler.unlink()


@contextmanager
def limited_files(_: Path, pids: tuple[int, int]) -> Iterator[None]:
    for pid in pids:
        subprocess.run(["prlimit", f"--pid={pid}", "--fsize=4096:"], check=True)
    yield
    for pid in pids:
        subprocess.run(["prlimit", f"--pid={pid}", "--fsize=unlimited:"], check=True)


@asynccontextmanager
async def on_disk(disk: SmallDisk | None, folder: Path, simulator: Simulator) -> AsyncIterator[tuple[Bridge, Api]]:
    inside = disk.mounted() if disk else ()
    async with (
        running_bridge(folder, simulator, inside=inside, ENGINE_KEEPALIVE_MS=KEEPALIVE) as bridge,
        caller(bridge) as api,
    ):
        yield bridge, api


@pytest.mark.parametrize(
    ("trouble", "needs_disk"),
    [pytest.param(full_disk, True, marks=needs_mounts), pytest.param(limited_files, False)],
)
async def test_no_room_while_running(
    simulator: Simulator,
    tmp_path: Path,
    trouble: Callable[[Path, tuple[int, int]], AbstractContextManager[None]],
    needs_disk: bool,
) -> None:
    folder = tmp_path / "data"
    disk = SmallDisk(tmp_path / "disk", folder, MIB) if needs_disk else None
    async with on_disk(disk, folder, simulator) as (bridge, api):
        await link(api, simulator)
        seen = disk.seen_by(bridge.process.pid) if disk else folder
        with trouble(seen, (bridge.process.pid, engine_of(bridge))):
            accepted, written = await both_say_so(api, simulator, "storage_full")
            await is_idle(bridge)
        await all_is_there(api, simulator, accepted, written, MENDED)
        assert (await api("GET", "/health")).body["storage"] is None


@needs_mounts
async def test_a_disk_that_fails_while_running_and_one_that_may_not_be_written_at_the_start(
    simulator: Simulator, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    disk = SmallDisk(tmp_path / "disk", folder, MIB)
    async with on_disk(disk, folder, simulator) as (bridge, api):
        await link(api, simulator)
        disk.fail(bridge.process.pid)
        accepted, written = await both_say_so(api, simulator, "storage_unusable")
        await is_idle(bridge)
        engine = Path(f"/proc/{engine_of(bridge)}")
        bridge.process.kill()
        await bridge.process.ended()
        async with asyncio.timeout(20):
            while engine.exists():  # as long as it lives, the disk stays mounted as it is
                await asyncio.sleep(0.05)
    async with on_disk(disk, folder, simulator) as (bridge, api):
        await all_is_there(api, simulator, accepted, written, 20)
    before = (tmp_path / "disk").read_bytes()
    with pytest.raises(ProcessFailedError, match=f"{folder}.* cannot be written|Read-only file system: .*{folder}"):
        async with running_bridge(folder, simulator, inside=disk.mounted("ro")):
            pass
    assert (tmp_path / "disk").read_bytes() == before
    async with on_disk(disk, folder, simulator) as (bridge, api):
        await reaches(api, "connected")


async def test_a_database_that_is_damaged_while_running(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    async with on_disk(None, tmp_path, simulator) as (_, api):
        await link(api, simulator)
    # more than SQLite keeps in memory, so that it has to read the disk
    with sqlite3.connect(path) as database:
        database.execute(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 4000) "
            "INSERT INTO events (account, type, time, at, data) "
            "SELECT 'home', 'account.removed', '2026-11-25T00:00:00Z', unixepoch(), json_object('x', hex(randomblob(1000))) FROM n"
        )
    database.close()
    async with on_disk(None, tmp_path, simulator) as (bridge, api):
        await reaches(api, "connected")
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xee" * (path.stat().st_size - 4096))
        async with asyncio.timeout(20):
            while (await api("GET", "/health")).body["storage"] != "storage_unusable":
                await api("GET", "/v1/accounts/home/messages")
                await api.send("hello")
        assert (await api.send("not accepted")).body["error_code"] == "storage_unusable"
        assert (await account(api))["state"] == "connected", "the link is kept elsewhere"
        await is_idle(bridge)
    with pytest.raises(ProcessFailedError, match="is damaged"):
        async with on_disk(None, tmp_path, simulator):
            pass
    assert [device["removed"] for device in (await simulator.state()).linked_devices] == [False]
