"""`whatsapp-bridge`: each command against the real gateway, engine and simulator."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
import io
import json
import os
from pathlib import Path
import re

from PIL import Image
import pytest
from whatsapp_bridge.account_file import AccountEntry
from whatsapp_bridge.command_line.session_file import ExportedSession, SessionFileError, seal, unseal
from whatsapp_bridge.qr import qr_terminal
from whatsapp_bridge.timestamps import now

from tests.gateway.conftest import ALICE
from tests.gateway.test_with_whatsapp import caller, link, reaches, shown_qr
from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import GATEWAY_PYTHON, TOKEN, Bridge, running_bridge
from tests.stack.process import running_process

PASSPHRASE = "correct horse battery staple"
LIMIT = 60.0


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    error: str


def environment(data: Path, url: str | None) -> dict[str, str]:
    settings = {"BRIDGE_DATA_DIR": str(data), "BRIDGE_API_TOKEN": TOKEN}
    return settings | ({"BRIDGE_PORT": url.rpartition(":")[2]} if url else {"BRIDGE_PORT": "9"})


async def command(data: Path, url: str | None, *arguments: str | Path, given: str = "") -> Outcome:
    """Runs a command with an input and returns how it ended."""
    process = await asyncio.create_subprocess_exec(
        *(GATEWAY_PYTHON, "-m", "whatsapp_bridge", *arguments),
        env={"PATH": os.environ["PATH"]} | environment(data, url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(LIMIT):
        out, error = await process.communicate(given.encode())
    return Outcome(process.returncode or 0, out.decode(), error.decode())


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        yield simulator


@pytest.fixture
async def bridge(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Bridge]:
    async with running_bridge(tmp_path / "data", simulator) as bridge:
        yield bridge


async def test_an_account_is_added_and_linked_by_the_code_on_the_terminal(simulator: Simulator, bridge: Bridge) -> None:
    run: list[str | Path] = [GATEWAY_PYTHON, "-m", "whatsapp_bridge", "pair"]
    async with running_process("pair", run, environment(bridge.data_dir, bridge.url), stop=False) as pair:
        await pair.line(lambda line: "Scan this" in line, LIMIT, "a code")
        async with caller(bridge) as api:
            code = await shown_qr(api)
            assert qr_terminal(code).strip() in "\n".join(pair.lines)
            await simulator.scan_qr(code)
        assert simulator.phone in await pair.line(lambda line: line.startswith("Linked:"), LIMIT, "the end")
        assert await pair.ended() == 0


async def test_an_account_is_linked_by_a_code_that_is_typed(simulator: Simulator, bridge: Bridge) -> None:
    run: list[str | Path] = [GATEWAY_PYTHON, "-m", "whatsapp_bridge", "pair", "--phone", simulator.phone]
    async with running_process("pair", run, environment(bridge.data_dir, bridge.url), stop=False) as pair:
        line = await pair.line(lambda line: "Type this" in line, LIMIT, "a code")
        await simulator.enter_code(line.rpartition(" ")[2])
        assert await pair.ended() == 0


async def test_what_is_sent_arrives_and_the_accounts_are_listed(
    simulator: Simulator, bridge: Bridge, tmp_path: Path
) -> None:
    async with caller(bridge) as api:
        await link(api, simulator)
    data, url = bridge.data_dir, bridge.url
    sent = await command(data, url, "send", ALICE, "from the terminal")
    assert re.fullmatch(r"3EB0\w+ (sent|delivered)\n", sent.out), sent
    piped = await command(data, url, "send", "--account", "home", ALICE, "-", given="from a pipe\n")
    assert piped.code == 0, piped
    picture = tmp_path / "door.png"
    with io.BytesIO() as drawn:
        Image.new("RGB", (32, 32), "red").save(drawn, "PNG")
        picture.write_bytes(drawn.getvalue())
    with_file = await command(data, url, "send", ALICE, "the door", "--file", picture)
    assert with_file.code == 0, with_file
    async with asyncio.timeout(LIMIT):
        while len(messages := await simulator.contact_messages(ALICE, wait=1)) < 3:
            pass
    assert [message.content["kind"] for message in messages] == ["text", "text", "image"]
    assert [messages[0].text, messages[1].text] == ["from the terminal", "from a pipe"]
    assert messages[2].content["caption"] == "the door"
    listed = await command(data, url, "accounts")
    assert listed.out.splitlines()[1].split() == ["home", "Home", simulator.phone, "connected", "-"]
    assert json.loads((await command(data, url, "accounts", "--json")).out)[0]["state"] == "connected"


async def test_an_account_moves_to_another_gateway_without_a_new_scan(
    simulator: Simulator, bridge: Bridge, tmp_path: Path
) -> None:
    async with caller(bridge) as api:
        await link(api, simulator)
        await api.send("before", wait=20)
    file, elsewhere = tmp_path / "home.session", tmp_path / "elsewhere"
    short = await command(bridge.data_dir, bridge.url, "export", file, given="short\n")
    assert (short.code, file.exists()) == (1, False)
    exported = await command(bridge.data_dir, bridge.url, "export", file, given=f"{PASSPHRASE}\n")
    assert exported.code == 0, exported
    assert file.stat().st_mode & 0o077 == 0
    assert b"SQLite" not in file.read_bytes()
    assert not (bridge.data_dir / "backup").exists()
    running = await command(bridge.data_dir, bridge.url, "import", file, given=f"{PASSPHRASE}\n")
    assert "Another gateway uses" in running.error
    await bridge.process.stop()
    wrong = await command(elsewhere, None, "import", file, given="another passphrase\n")
    assert (wrong.code, "passphrase is wrong" in wrong.error) == (1, True)
    imported = await command(elsewhere, None, "import", file, given=f"{PASSPHRASE}\n")
    assert imported.code == 0, imported
    twice = await command(elsewhere, None, "import", file, given=f"{PASSPHRASE}\n")
    assert "already" in twice.error
    async with running_bridge(elsewhere, simulator) as second, caller(second) as api:
        await reaches(api, "connected")
        assert (await api.send("after", wait=20)).status == 200
    texts = [message.text for message in await simulator.contact_messages(ALICE, wait=10)]
    assert texts == ["before", "after"]


async def test_the_doctor_finds_what_is_wrong(simulator: Simulator, bridge: Bridge, tmp_path: Path) -> None:
    data, url = bridge.data_dir, bridge.url
    unpaired = await command(data, url, "doctor")
    assert (unpaired.code, "FAIL  accounts: there is none yet" in unpaired.out) == (1, True)
    async with caller(bridge) as api:
        await link(api, simulator)
        well = await command(data, url, "doctor")
        assert (well.code, "FAIL" in well.out) == (0, False), well.out
        await simulator.unlink()
        await reaches(api, "logged_out")
    unlinked = await command(data, url, "doctor")
    assert "FAIL  account home: logged_out (unlinked): link it: `whatsapp-bridge pair --account home`" in unlinked.out
    data.chmod(0o755)
    assert "chmod 700" in (await command(data, url, "doctor")).out
    nobody = await command(tmp_path / "nowhere", None, "doctor")
    assert "FAIL  gateway: no gateway answers" in nobody.out


async def test_a_command_that_fails_says_why_and_exits_with_1(bridge: Bridge) -> None:
    data, url = bridge.data_dir, bridge.url
    assert "there is no account yet" in (await command(data, url, "send", ALICE, "x")).error
    await command(data, url, "send", ALICE, "x")
    nobody = await command(data, url, "send", "--account", "nobody", ALICE, "x")
    assert (nobody.code, "account_not_found" in nobody.error) == (1, True)
    away = await command(data, None, "accounts")
    assert (away.code, "is it running?" in away.error) == (1, True)
    assert (await command(data, url, "no-such-command")).code == 2


def test_a_sealed_session_opens_with_its_passphrase_alone_and_shows_any_change() -> None:
    session = ExportedSession(AccountEntry(id="home", name="Home", created_at=now()), b"store\nwith\nlines")
    sealed = seal(session, PASSPHRASE)
    assert unseal(sealed, PASSPHRASE).store == session.store
    assert seal(session, PASSPHRASE) != sealed
    for wrong in (sealed[:-1], sealed[:60] + bytes([sealed[60] ^ 1]) + sealed[61:], b"", sealed[:30]):
        with pytest.raises(SessionFileError):
            unseal(wrong, PASSPHRASE)
    with pytest.raises(SessionFileError, match="passphrase"):
        unseal(sealed, PASSPHRASE + "x")
