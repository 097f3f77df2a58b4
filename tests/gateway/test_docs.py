"""Someone follows what is written, and only that: links lead somewhere, and the commands of each page are run."""

import asyncio
from collections.abc import AsyncIterator
import os
from pathlib import Path
import re
import shutil
import signal

import pytest

from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.documents import DOCUMENTS, Example, examples, headings
from tests.stack.process import ROOT

LIMIT = 60.0
PASSPHRASE = "correct horse battery staple"

RUN_ELSEWHERE = {
    "scripts/test": "this is it",
    "scripts/demo": "tests/image/test_demo.py runs it",
    "scripts/image": "the part `image` of scripts/test",
    "scripts/demo --container": "tests/image/test_demo.py",
}
"""Commands that take too long here, or would run themselves: what runs them."""

STAND_INS = {
    "docker": """\
import pathlib, sys, yaml
known = {("compose", "up", "--detach"), ("compose", "ps"), ("compose", "pull"), ("compose", "down", "--volumes")}
assert tuple(sys.argv[1:]) in known, sys.argv
[service] = yaml.safe_load(pathlib.Path("docker-compose.yaml").read_text())["services"].values()
given = dict(line.split("=", 1) for line in pathlib.Path(".env").read_text().splitlines())
assert len(given["BRIDGE_API_TOKEN"]) >= 16 and "BRIDGE_API_TOKEN" in service["environment"]
""",
    "cosign": """\
import sys
assert sys.argv[1] == "verify" and sys.argv[2].startswith("ghcr.io/whatsapp-gateway/whatsapp-gateway:"), sys.argv
assert {"--certificate-identity-regexp", "--certificate-oidc-issuer"} <= set(sys.argv), sys.argv
""",
}
"""Programs that are not there, or that would ask the internet: these check what they are told."""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if re.match(r"https?:", target):
            continue
        name, _, place = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        if place:
            assert place in headings(linked), target


def test_no_document_is_an_orphan() -> None:
    linked = {
        (path.parent / target.partition("#")[0]).resolve()
        for path in DOCUMENTS
        for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text())
        if not re.match(r"https?:|#", target)
    }
    assert {path for path in (ROOT / "docs").glob("*.md") if path not in linked} == set()


def commands(example: Example) -> list[str]:
    """Returns the commands of a block, without comments."""
    text = example.text.replace("\\\n", " ")
    lines = [re.sub(r"\s+# .*", "", line).strip() for line in text.splitlines()]
    return [re.sub(r"\s+", " ", line) for line in lines if line and not line.startswith("#")]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        await simulator.add_contact("+15551230001", "Alice")
        yield simulator


@pytest.fixture
async def bridge(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Bridge]:
    """A gateway that is linked, as the page supposes."""
    async with running_bridge(tmp_path / "bridge", simulator) as bridge:
        token = f"Authorization: Bearer {bridge.token}"
        for path, body in (("/v1/accounts", '{"name": "Home"}'), ("/v1/accounts/home/pairing", '{"method": "qr"}')):
            await shell(f"curl -sf -H '{token}' -H 'Content-Type: application/json' -d '{body}' {bridge.url}{path}")
        async with asyncio.timeout(LIMIT):
            text = ""
            while not text:
                text = await shell(
                    f"curl -s -H '{token}' {bridge.url}/v1/accounts/home | grep -o '\"qr\":\"[^\"]*' || true"
                )
            await simulator.scan_qr(text.strip().partition('":"')[2])
            while '"connected"' not in await shell(f"curl -s -H '{token}' {bridge.url}/v1/accounts/home"):
                await asyncio.sleep(0.05)
        yield bridge


async def shell(command: str, folder: Path = ROOT, typed: str = "", **environment: str) -> str:
    """Runs a command as a person would, who types something; returns its output."""
    child = await asyncio.create_subprocess_shell(
        command,
        cwd=folder,
        env=os.environ | environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(LIMIT):
        output, _ = await child.communicate(typed.encode())
    assert child.returncode == 0, f"{command}\n{output.decode()}"
    return output.decode()


async def in_foreground(command: str, **environment: str) -> None:
    """Runs a command that stays, until it listens; and stops it as Ctrl+C does."""
    child = await asyncio.create_subprocess_shell(
        f"exec {command}"
        if "=" not in command.split(maxsplit=1)[0]
        else f"export {command.replace(' ', '; exec ', 1)}",
        cwd=ROOT,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(LIMIT):
            while b'"listening"' not in (line := await child.stdout.readline()):
                assert line, f"{command} ended"
    finally:
        os.killpg(child.pid, signal.SIGINT)
        await child.communicate()
    assert child.returncode == 0


def on_machine(command: str, bridge: Bridge, tmp_path: Path) -> dict[str, str]:
    """Returns the settings of the machine that a command of the gateway is meant for: an import is for a new one, before it is started."""
    if command.startswith("whatsapp-bridge import"):
        return {"BRIDGE_DATA_DIR": str(tmp_path / "new machine")}
    port = bridge.url.rpartition(":")[2]
    return {"BRIDGE_DATA_DIR": str(bridge.data_dir), "BRIDGE_PORT": port, "BRIDGE_API_TOKEN": bridge.token}


@pytest.mark.parametrize("page", sorted({example.document for example in examples("sh")}))
async def test_the_commands_of_a_page_work_in_their_order(page: str, bridge: Bridge, tmp_path: Path) -> None:
    home = tmp_path / "home"
    programs = tmp_path / "programs"
    for folder in (home, programs):
        folder.mkdir()
    shutil.copy(ROOT / "docker-compose.yaml", home)
    for name, text in STAND_INS.items():
        (programs / name).write_text(f"#!{ROOT}/.venv/bin/python\n{text}")
        (programs / name).chmod(0o755)
    environment = {
        "HOME": str(home),
        "PATH": f"{programs}:{ROOT}/.venv/bin:{os.environ['PATH']}",
        "TOKEN": bridge.token,
        "BRIDGE_PORT": "0",
    }
    ran = 0
    for example in examples("sh"):
        for command in commands(example) if example.document == page else []:
            if command in RUN_ELSEWHERE:
                assert (ROOT / command.split()[0]).stat().st_mode & 0o100
            elif "scripts/bridge" in command:
                await in_foreground(command, **environment)
            elif command.startswith("whatsapp-bridge "):
                await shell(
                    command,
                    home,
                    f"{PASSPHRASE}\n{PASSPHRASE}\n",
                    **(environment | on_machine(command, bridge, tmp_path)),
                )
            else:
                local = command.replace("http://127.0.0.1:8000", bridge.url)
                await shell(local, ROOT if command.startswith("scripts/") else home, **environment)
            ran += 1
    assert ran
