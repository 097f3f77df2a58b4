"""The image runs as a container: root read-only, an ordinary user, no capability; and as the Supervisor starts it."""

from collections.abc import Callable
import json
from pathlib import Path
import re
import subprocess
import time
from typing import Any

import aiohttp
import pytest

from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import GATEWAY_PYTHON, TOKEN, Bridge, running_bridge
from tests.stack.home_assistant import free_port
from tests.stack.proc import children, mapped_files, memory, status
from tests.stack.process import ROOT, running_process

STOP_GOAL = 5.0
START_GOAL = 10.0
MEMORY_GOAL = 250.0
USER = "1000"
ALICE = "+15551230001"
PROFILE = ROOT / "bridge-addon/apparmor.txt"
ROOT_OUTSIDE = str(ROOT / ".cache/image/root")
"""Where this machine sees the image's files."""
OPTION_TOKEN = "token-from-the-options-0123456789"


def processes(bridge: Bridge) -> list[int]:
    """Returns the gateway's and the engine's process ids."""
    return [bridge.process.pid, *children(bridge.process.pid)]


async def answer(bridge: Bridge, method: str, path: str, body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {bridge.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{bridge.url}{path}", json=body) as response,
    ):
        assert response.status < 300, await response.text()
        return (await response.json())["data"]


async def link(bridge: Bridge, simulator: Simulator) -> str:
    """Links a new account and returns its id."""
    account = (await answer(bridge, "POST", "/v1/accounts", {"name": "Home"}))["id"]
    await answer(bridge, "POST", f"/v1/accounts/{account}/pairing", {"method": "qr"})
    deadline = time.monotonic() + 20
    scanned = False
    while time.monotonic() < deadline:
        data = await answer(bridge, "GET", f"/v1/accounts/{account}")
        if data["state"] == "connected":
            return str(account)
        qr = (data["pairing"] or {}).get("qr")
        if qr and not scanned:
            await simulator.scan_qr(qr)
            scanned = True
    raise AssertionError("not connected within 20 s")


async def test_it_starts_quickly_needs_little_and_stops_within_the_supervisors_time(tmp_path: Path) -> None:
    async with running_simulator() as simulator:
        await simulator.add_contact(ALICE, "Alice")
        started = time.monotonic()
        async with running_bridge(tmp_path, simulator) as bridge:
            listening = time.monotonic() - started
            account = await link(bridge, simulator)
            body = {"type": "text", "to": ALICE, "text": "from the image"}
            await answer(bridge, "POST", f"/v1/accounts/{account}/messages?wait=20", body)
            assert [message.text for message in await simulator.contact_messages(ALICE, wait=10)] == ["from the image"]
            used = [memory(pid) for pid in processes(bridge)]
            stopping = time.monotonic()
            assert await bridge.process.stop() == 0
            gone = time.monotonic() - stopping
        print(f"\nlistening after {listening:.2f} s, gone {gone:.2f} s after SIGTERM")
        print(f"memory: gateway {used[0]:.0f} MB, engine {used[1]:.0f} MB")
        assert listening < START_GOAL
        assert gone < STOP_GOAL
        assert sum(used) < MEMORY_GOAL


async def test_it_stops_in_time_also_when_whatsapp_is_silent_and_somebody_listens(tmp_path: Path) -> None:
    async with running_simulator() as simulator:
        await simulator.add_contact(ALICE, "Alice")
        async with running_bridge(tmp_path, simulator) as bridge, aiohttp.ClientSession() as session:
            account = await link(bridge, simulator)
            headers = {"Authorization": f"Bearer {bridge.token}"}
            async with session.ws_connect(f"{bridge.url}/v1/events", headers=headers) as events:
                await events.receive_json()
                await simulator.faults(silent=True)
                body = {"type": "text", "to": ALICE, "text": "never acknowledged"}
                await answer(bridge, "POST", f"/v1/accounts/{account}/messages", body)
                stopping = time.monotonic()
                assert await bridge.process.stop() == 0
                gone = time.monotonic() - stopping
            print(f"\ngone {gone:.2f} s after SIGTERM, with a message on its way, a silent WhatsApp and a consumer")
            assert gone < STOP_GOAL


async def test_gateway_and_engine_are_an_ordinary_user_without_capabilities(tmp_path: Path) -> None:
    async with running_bridge(tmp_path, None) as bridge:
        pids = processes(bridge)
        assert len(pids) == 2
        for pid in pids:
            told = status(pid)
            assert told["Uid"].split() == [USER] * 4
            assert told["Gid"].split() == [USER] * 4
            assert told["Groups"] == ""
            assert int(told["CapEff"], 16) == int(told["CapPrm"], 16) == int(told["CapBnd"], 16) == 0
            assert told["NoNewPrivs"] == "1"


async def test_its_root_is_read_only(tmp_path: Path) -> None:
    async with running_bridge(tmp_path, None) as bridge:
        mounts = [line.split() for line in Path(f"/proc/{bridge.process.pid}/mountinfo").read_text().splitlines()]
        options = {fields[4]: fields[5].split(",") for fields in mounts}
        assert "ro" in options["/"]
        assert "rw" in options["/data"]
        assert "rw" in options["/tmp"]


async def test_started_as_root_it_takes_its_folder_and_becomes_an_ordinary_user(tmp_path: Path) -> None:
    """So the Supervisor starts it: /data belongs to root, and the options in it are readable by root alone."""
    options = tmp_path / "options.json"
    options.write_text(json.dumps({"log_level": "info", "api_token": OPTION_TOKEN}))
    options.chmod(0o600)
    (tmp_path / "left").symlink_to("/etc/shadow")
    shadow = Path("/etc/shadow").stat()
    command: list[str | Path] = [GATEWAY_PYTHON, "scripts/boot_image.py", "--as-root", tmp_path]
    environment = {"BRIDGE_PORT": "0", "BRIDGE_HOST": "127.0.0.1"}
    async with running_process("gateway", command, environment) as process:
        line = await process.line(lambda line: '"listening"' in line, 30, "listening")
        bridge = Bridge(json.loads(line)["url"], OPTION_TOKEN, tmp_path, process)
        await answer(bridge, "GET", "/v1/accounts")
        told = status(process.pid)
        assert told["Uid"].split() == [USER] * 4
        assert told["Groups"] == ""
        assert int(told["CapEff"], 16) == int(told["CapPrm"], 16) == 0
        for path in (tmp_path, options, *tmp_path.rglob("*.db")):
            assert path.stat().st_uid == int(USER), path
        assert Path("/etc/shadow").stat().st_uid == shadow.st_uid
    assert process.child.returncode == 0


async def test_it_takes_the_settings_of_the_project_that_it_follows(tmp_path: Path) -> None:
    port = free_port()
    command: list[str | Path] = [GATEWAY_PYTHON, "scripts/boot_image.py", tmp_path]
    environment = {"API_PORT": str(port), "LOG_LEVEL": "INFO", "BRIDGE_API_TOKEN": TOKEN}
    async with running_process("gateway", command, environment) as process:
        await process.line(lambda line: '"listening"' in line, 30, "listening")
        await answer(Bridge(f"http://127.0.0.1:{port}", TOKEN, tmp_path, process), "GET", "/v1/accounts")


async def test_the_health_check_of_the_image_passes_while_it_runs_and_fails_when_it_does_not(tmp_path: Path) -> None:
    image = json.loads((ROOT / ".cache/image/image.json").read_text())["Docker"]["config"]
    kind, *check = image["Healthcheck"]["Test"]
    assert kind == "CMD"
    async with running_bridge(tmp_path, None) as bridge:
        port = bridge.url.rpartition(":")[2]
        inside = ["nsenter", f"--target={bridge.process.pid}", "--mount", "--root", *check]
        assert subprocess.run(inside, env={"BRIDGE_PORT": port}, check=False).returncode == 0
        nobody = subprocess.run(inside, env={"BRIDGE_PORT": "9"}, check=False, stderr=subprocess.DEVNULL)
        assert nobody.returncode == 1


async def test_the_supervisors_commands_for_a_backup_work_inside(tmp_path: Path) -> None:
    """They are run as root in the running container; what they leave is the ordinary user's."""
    image = json.loads((ROOT / ".cache/image/image.json").read_text())["Docker"]["config"]
    commands = re.findall(r"^backup_(?:pre|post): (.*)$", (ROOT / "bridge-addon/config.yaml").read_text(), re.MULTILINE)
    assert len(commands) == 2
    environment = dict(line.split("=", 1) for line in image["Env"])
    async with running_bridge(tmp_path, None) as bridge:
        environment |= {"BRIDGE_PORT": bridge.url.rpartition(":")[2], "BRIDGE_API_TOKEN": bridge.token}
        for command, there in zip(commands, (True, False), strict=True):
            program, *arguments = command.split()
            inside = [
                "nsenter",
                f"--target={bridge.process.pid}",
                "--mount",
                "--root",
                f"/usr/bin/{program}",
                *arguments,
            ]
            assert subprocess.run(inside, env=environment, check=False).returncode == 0
            assert (tmp_path / "backup").exists() == there
        assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {int(USER)}


def allowed(permission: str) -> Callable[[str], bool]:
    """Reads the app's AppArmor profile and returns a function that says whether it allows a file in some way (`r`, `m`, `x`)."""
    rules = []
    for line in PROFILE.read_text().splitlines():
        rule = re.fullmatch(r"\s*(/\S*|@\{PROC\}\S*) (\w+),", line)
        if rule and permission in rule[2]:
            rules.append(_glob(rule[1]))
    assert rules
    return lambda path: any(rule.fullmatch(path) for rule in rules)


def _glob(pattern: str) -> re.Pattern[str]:
    pattern = pattern.replace("@{PROC}", "/proc").replace("@{pid}", "[0-9]*")
    out = ""
    for piece in re.findall(r"\*\*|\*|\{|\}|,|[^*{},]+", pattern):
        out += {"**": ".*", "*": "[^/]*", "{": "(?:", "}": ")", ",": "|"}.get(piece, re.escape(piece))
    return re.compile(out)


async def test_the_apparmor_profile_allows_all_that_runs_and_no_more(tmp_path: Path) -> None:
    # abstractions/base has these
    of_the_system = re.compile(r"/usr/lib/(x86_64|aarch64)-linux-gnu/\S+\.so[.0-9]*")
    devices = {"/dev/null", "/dev/random", "/dev/urandom"}
    async with running_bridge(tmp_path, None) as bridge:
        for pid in processes(bridge):
            runs = allowed("m")
            assert allowed("x")(str(Path(f"/proc/{pid}/exe").readlink()).removeprefix(ROOT_OUTSIDE))
            for path in mapped_files(pid):
                inside = path.removeprefix(ROOT_OUTSIDE)
                assert runs(inside) or of_the_system.fullmatch(inside), inside
            for link in Path(f"/proc/{pid}/fd").iterdir():
                opened = str(link.readlink()).removeprefix(ROOT_OUTSIDE).replace(str(tmp_path), "/data")
                assert not opened.startswith("/") or opened in devices or allowed("r")(opened), opened
    for path in ("/config/secrets.yaml", "/etc/shadow", "/root/.ssh/id", "/ssl/privkey.pem", "/usr/bin/sh"):
        assert not allowed("r")(path)
        assert not allowed("x")(path)


def test_the_apparmor_profile_is_one_that_the_parser_takes() -> None:
    try:
        parsed = subprocess.run(
            ["apparmor_parser", "--skip-kernel-load", "--skip-cache", PROFILE],
            check=False,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("apparmor_parser is not installed (on Debian: apt install apparmor)")
    assert parsed.returncode == 0, parsed.stderr
