"""`whatsapp-bridge serve` as a process, with the real engine: it starts fast, says where it is, and stops cleanly."""

import asyncio
from pathlib import Path
import signal
import time

import aiohttp
import pytest

from tests.stack.bridge import TOKEN, Bridge, running_bridge
from tests.stack.process import ROOT, running_process

PYTHON = ROOT / ".venv/bin/python"
SERVE: list[str | Path] = [PYTHON, "-m", "whatsapp_bridge", "serve"]
OFFLINE = "ws://127.0.0.1:9/ws/chat"


def engine_of(bridge: Bridge) -> list[int]:
    """The gateway's children."""
    pid = bridge.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def environment_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_text().split("\0")


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def engine_runs(bridge: Bridge) -> None:
    await bridge.process.line(lambda line: '"engine_up"' in line, 20, "the engine's start")


async def test_http_does_not_wait_for_the_engine(tmp_path: Path) -> None:
    silent = tmp_path / "silent.mjs"
    silent.write_text("process.stdin.resume()")
    async with (
        running_bridge(tmp_path, None, BRIDGE_ENGINE_BUNDLE=str(silent)) as bridge,
        aiohttp.ClientSession() as session,
        session.get(f"{bridge.url}/health") as answer,
    ):
        assert answer.status == 200
        assert (await answer.json())["engine"]["state"] == "starting"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_gateway_and_engine_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    async with running_bridge(tmp_path, None, BRIDGE_WHATSAPP_URL=OFFLINE) as bridge:
        await engine_runs(bridge)
        [engine] = engine_of(bridge)
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
            session.ws_connect(f"{bridge.url}/v1/events") as socket,
        ):
            await socket.receive_json()
            started = time.monotonic()
            bridge.process.child.send_signal(number)
            await socket.receive()
            assert socket.close_code == 1001
        assert await bridge.process.ended() == 0
        assert time.monotonic() - started < 5
        assert not alive(engine)
        assert any('"exit_code": 0' in line for line in bridge.process.lines)


async def test_the_engine_knows_what_it_needs_and_no_more(tmp_path: Path) -> None:
    settings = {"ENGINE_KEEPALIVE_MS": "1234", "NODE_OPTIONS": "--trace-warnings", "SECRET_OF_ANOTHER": "x"}
    async with running_bridge(tmp_path, None, port=0, BRIDGE_WHATSAPP_URL=OFFLINE, **settings) as bridge:
        await engine_runs(bridge)
        [engine] = engine_of(bridge)
        environment = environment_of(engine)
    assert "ENGINE_KEEPALIVE_MS=1234" in environment
    assert not any(entry.startswith(("BRIDGE_", "NODE_OPTIONS", "SECRET_")) for entry in environment)
    assert TOKEN not in "".join(environment)


async def test_a_signal_while_starting_is_not_lost(tmp_path: Path) -> None:
    async with running_bridge(tmp_path, None, BRIDGE_WHATSAPP_URL=OFFLINE) as bridge:
        assert await bridge.process.stop() == 0


async def test_an_engine_whose_gateway_was_killed_ends_by_itself(tmp_path: Path) -> None:
    async with running_bridge(tmp_path, None, BRIDGE_WHATSAPP_URL=OFFLINE) as bridge:
        await engine_runs(bridge)
        [engine] = engine_of(bridge)
        bridge.process.kill()
        async with asyncio.timeout(5):
            while alive(engine):
                await asyncio.sleep(0.02)


async def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    async with running_bridge(tmp_path / "first", None, BRIDGE_WHATSAPP_URL=OFFLINE) as first:
        environment = {"BRIDGE_PORT": first.url.rpartition(":")[2], "BRIDGE_DATA_DIR": str(tmp_path / "second")}
        async with running_process("second", SERVE, environment) as second:
            assert await second.ended() == 1
            assert "Address already in use" in second.lines[-1]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("BRIDGE_PORT", "many", "setting port"),
        ("BRIDGE_WHATSAPP_URL", "ws://192.0.2.1/ws", "loopback"),
        ("BRIDGE_API_TOKEN", "short", "setting api_token"),
        ("BRIDGE_CONFIG", "/no/such/file", "/no/such/file"),
    ],
)
async def test_a_wrong_setting_is_told_without_its_value(tmp_path: Path, name: str, value: str, told: str) -> None:
    async with running_process("gateway", SERVE, {"BRIDGE_DATA_DIR": str(tmp_path), name: value}) as process:
        assert await process.ended() == 2
        text = "\n".join(process.lines)
    assert told in text
    assert "Traceback" not in text
    assert "192.0.2.1" not in text
    assert "short" not in text.replace("shorter", "")


async def test_a_missing_engine_leaves_the_api_up_and_says_so(tmp_path: Path) -> None:
    async with running_bridge(tmp_path, None, BRIDGE_ENGINE_BUNDLE=str(tmp_path / "none.mjs")) as bridge:
        await bridge.process.line(lambda line: '"EngineBundleMissingError"' in line, 20, "what is missing")
        async with aiohttp.ClientSession() as session, session.get(f"{bridge.url}/health") as answer:
            assert (await answer.json())["baileys_server_healthy"] is False


async def test_the_token_is_made_once_and_never_logged(tmp_path: Path) -> None:
    environment = {"BRIDGE_PORT": "0", "BRIDGE_DATA_DIR": str(tmp_path), "BRIDGE_WHATSAPP_URL": OFFLINE}
    async with running_process("gateway", SERVE, environment) as process:
        await process.line(lambda line: '"listening"' in line, 20, "listening")
        token = (tmp_path / "api-token").read_text()
    assert len(token) >= 40
    assert token not in "\n".join(process.lines)
