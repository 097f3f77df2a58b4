"""Large files pass through gateway and engine without being held in memory."""

import asyncio
from collections.abc import AsyncIterator
import hashlib
import json
from pathlib import Path
import struct

import aiohttp

from tests.gateway.conftest import ALICE, Api
from tests.gateway.media_samples import film
from tests.gateway.test_with_whatsapp import caller, engine_of, link
from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import running_bridge

MIB = 1 << 20
ALLOWED_GROWTH = 100 * MIB
"""Far less than the files, and more than two collectors' slack."""


def peak(pid: int) -> int:
    """Returns the most bytes that a process has held since `reset_peak`."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def reset_peak(pid: int) -> int:
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak(pid)


async def upload(api: Api, body: dict[str, object], content: AsyncIterator[bytes], name: str) -> dict[str, str]:
    form = aiohttp.FormData()
    form.add_field("message", json.dumps(body))
    form.add_field("file", content, filename=name, content_type="application/octet-stream")
    headers = {"Authorization": f"Bearer {api.token}"}
    timeout = aiohttp.ClientTimeout(120)
    url = f"{api.url}/v1/accounts/home/messages?wait=60"
    async with api.session.post(url, data=form, headers=headers, timeout=timeout) as answer:
        answered = await answer.json()
        assert answer.status == 200, answered
        return dict(answered["data"])


async def seen_hash(simulator: Simulator, message_id: str) -> str:
    async with asyncio.timeout(60):
        while True:
            for message in await simulator.contact_messages(ALICE, wait=5):
                if message.message_id == message_id:
                    return str(message.content["media"]["sha256"])


async def test_a_document_of_200_mib_and_a_film_of_64(tmp_path: Path) -> None:
    small = film(tmp_path)
    padding = 64 * MIB - len(small) - 1024
    whole_film = small + struct.pack(">I4s", padding, b"free") + bytes(padding - 8)
    document = hashlib.sha256()

    async def two_hundred_mib() -> AsyncIterator[bytes]:
        for number in range(200):
            part = bytes([number]) * MIB
            document.update(part)
            yield part

    async def the_film() -> AsyncIterator[bytes]:
        for start in range(0, len(whole_film), MIB):
            yield whole_film[start : start + MIB]

    async with (
        running_simulator() as simulator,
        running_bridge(tmp_path / "data", simulator, BRIDGE_MAX_FILE_SIZE=str(256 * MIB)) as bridge,
        caller(bridge) as api,
    ):
        await link(api, simulator)
        pids = [bridge.process.pid, engine_of(bridge)]
        before = [reset_peak(pid) for pid in pids]
        body: dict[str, object] = {"to": ALICE, "type": "document", "media": {}, "file_name": "disk.img"}
        sent = await upload(api, body, two_hundred_mib(), "disk.img")
        assert await seen_hash(simulator, sent["messageId"]) == document.hexdigest()
        sent = await upload(api, {"to": ALICE, "type": "video", "media": {}}, the_film(), "film.mp4")
        assert await seen_hash(simulator, sent["messageId"]) == hashlib.sha256(whole_film).hexdigest()
        grown = [peak(pid) - base for pid, base in zip(pids, before, strict=True)]
        print("peak growth of gateway and engine, MiB:", [size // MIB for size in grown])  # noqa: T201 - the figure is wanted
        assert max(grown) < ALLOWED_GROWTH
