"""A backup that is made while the gateway runs is whole: restored elsewhere, it goes on without a new scan."""

import asyncio
from pathlib import Path, PurePath
import shutil
import tarfile

import aiohttp
import pytest
import yaml

from tests.gateway.conftest import ALICE, RunGateway, Running, eventually
from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import GATEWAY_PYTHON, TOKEN, Bridge, running_bridge
from tests.stack.process import ROOT, running_process

CONFIG = yaml.safe_load((ROOT / "bridge-addon/config.yaml").read_text())


def backed_up(data: Path, archive: Path) -> None:
    """Packs a data folder as the Supervisor does: what a pattern of `backup_exclude` matches from the right is left out."""

    def add(tar: tarfile.TarFile, path: Path) -> None:
        if any(PurePath(path).match(pattern) for pattern in CONFIG["backup_exclude"]):
            return
        tar.add(path, arcname=str(path.relative_to(data)), recursive=False)
        if path.is_dir():
            for item in path.iterdir():
                add(tar, item)

    with tarfile.open(archive, "w") as tar:
        for item in data.iterdir():
            add(tar, item)


def restored(archive: Path, data: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(data, filter="data")


async def call(bridge: Bridge, method: str, path: str, body: object = None) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {bridge.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, bridge.url + path, json=body) as answer,
    ):
        assert answer.status < 300, await answer.text()
        return dict((await answer.json())["data"])


async def link(bridge: Bridge, simulator: Simulator) -> None:
    await call(bridge, "POST", "/v1/accounts", {"name": "Home"})
    await call(bridge, "POST", "/v1/accounts/home/pairing", {"method": "qr"})
    async with asyncio.timeout(30):
        while not (qr := ((await call(bridge, "GET", "/v1/accounts/home"))["pairing"] or {}).get("qr")):  # type: ignore[attr-defined]
            await asyncio.sleep(0.05)
        await simulator.scan_qr(qr)
        await connected(bridge)


async def connected(bridge: Bridge) -> None:
    async with asyncio.timeout(30):
        while (await call(bridge, "GET", "/v1/accounts/home"))["state"] != "connected":
            await asyncio.sleep(0.05)


async def command(data: Path, url: str, *arguments: str) -> int:
    """Runs the app's own command, as the Supervisor does."""
    environment = {"BRIDGE_DATA_DIR": str(data), "BRIDGE_PORT": url.rpartition(":")[2], "BRIDGE_API_TOKEN": TOKEN}
    async with running_process(
        "backup", [GATEWAY_PYTHON, "-m", "whatsapp_bridge", *arguments], environment, stop=False
    ) as process:
        return await process.ended()


async def test_a_restored_backup_sends_and_receives_without_a_new_scan(tmp_path: Path) -> None:
    first, second, archive = tmp_path / "first", tmp_path / "second", tmp_path / "backup.tar"
    async with running_simulator() as simulator:
        await simulator.add_contact(ALICE, "Alice")
        async with running_bridge(first, simulator) as bridge:
            await link(bridge, simulator)
            await call(
                bridge, "POST", "/v1/accounts/home/messages?wait=20", {"type": "text", "to": ALICE, "text": "before"}
            )
            pre, post = (CONFIG[name].split()[1:] for name in ("backup_pre", "backup_post"))
            assert await command(first, bridge.url, *pre) == 0
            backed_up(first, archive)
            assert await command(first, bridge.url, *post) == 0
            assert not (first / "backup").exists()
        with tarfile.open(archive) as tar:
            assert not [name for name in tar.getnames() if ".db" in name or name.startswith(("engine", "cache"))]
        restored(archive, second)
        async with running_bridge(second, simulator) as bridge:
            await connected(bridge)
            await call(
                bridge, "POST", "/v1/accounts/home/messages?wait=20", {"type": "text", "to": ALICE, "text": "after"}
            )
            texts = [message.text for message in await simulator.contact_messages(ALICE, wait=10)]
            assert texts == ["before", "after"]
            assert not (second / "backup").exists()
        state = await simulator.state()
        assert not state.violations


async def test_what_waited_in_the_queue_waits_in_the_restored_one(run_gateway: RunGateway, tmp_path: Path) -> None:
    async with run_gateway({"states": ["reconnecting"]}) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await eventually(lambda: running.gateway.accounts.get("home").state == "reconnecting")
        reply = await running.api.send("waiting")
        assert reply.status == 202, reply.body
        assert (await running.api("POST", "/v1/gateway/backup")).data["size"] > 0
        data = running.gateway.settings.data_dir
        backed_up(data, tmp_path / "backup.tar")
    shutil.rmtree(data)
    restored(tmp_path / "backup.tar", data)
    async with run_gateway() as running:
        await eventually(lambda: [sent["content"]["text"] for sent in running.sent()] == ["waiting"])


async def test_a_copy_that_was_left_over_is_not_taken_for_a_restored_one(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        await running.api("POST", "/v1/gateway/backup")
        message_id = (await running.api.send("after the copy", wait=5)).data["messageId"]
    async with run_gateway() as running:
        assert (await running.api.message(message_id))["status"] == "sent"


async def test_a_copy_is_made_anew_each_time_and_is_its_owners_alone(running: Running) -> None:
    for _ in range(2):
        await running.api("POST", "/v1/gateway/backup")
    folder = running.gateway.settings.data_dir / "backup"
    assert {path.name for path in folder.iterdir()} == {"gateway.copy", "home.session", "files"}
    assert folder.stat().st_mode & 0o077 == 0
    await running.api("DELETE", "/v1/gateway/backup")
    assert not folder.exists()


async def test_the_command_says_when_there_is_no_gateway(tmp_path: Path) -> None:
    assert await command(tmp_path, "http://127.0.0.1:9", "backup") == 1


@pytest.mark.parametrize(("start_error", "status"), [("store_unusable", 200), (None, 500)])
async def test_only_an_account_that_has_failed_may_be_missing_in_a_backup(
    run_gateway: RunGateway, start_error: str | None, status: int
) -> None:
    script = {"refuses": {"account.backup": "account_not_started"}, "account_start_error": start_error}
    async with run_gateway(script) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("failed" if start_error else "connected")
        assert (await running.api("POST", "/v1/gateway/backup")).status == status
