"""Logs help to find a fault and hold nothing private: no content, no token, no phone number."""

from io import StringIO
import json
import logging
from pathlib import Path

import pytest
import structlog
from whatsapp_bridge import engine_protocol
from whatsapp_bridge.log import ChatHash, set_up_logging
from whatsapp_bridge.log_file import LogFile

from tests.gateway.conftest import ALICE, TOKEN, RunGateway, Running, eventually

SECRET = "the-vault-opens-at-nine"


@pytest.fixture
def log(running: Running) -> StringIO:
    """What is logged from now on."""
    lines = StringIO()
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(lines))
    return lines


def test_a_log_file_is_rotated_and_its_owners_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bridge.log"
    set_up_logging("info", LogFile(path, size=4096, count=2))
    for number in range(200):
        structlog.get_logger().info("something", number=number)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["bridge.log", "bridge.log.1", "bridge.log.2"]
    assert all(file.stat().st_size <= 4096 and file.stat().st_mode & 0o077 == 0 for file in files)
    assert json.loads(path.read_text().splitlines()[-1])["number"] == 199
    assert capsys.readouterr().out.count("something") == 200


async def test_a_whole_conversation_leaves_nothing_private_in_the_log(running: Running, log: StringIO) -> None:
    api = running.api
    await api.send(SECRET, wait=5)
    await api.send(f"error message_rejected {SECRET}", wait=5)
    await api.send(f"error recipient_not_on_whatsapp {SECRET}", "group:15551230001-1500000000", wait=5)
    await api.send(f"receive 1 {SECRET}", wait=5)
    await api.send(SECRET, "+49 CALL ME 15551230001")
    await api("GET", f"/status?token={TOKEN}", Authorization=f"Bearer {TOKEN}-wrong")
    await api("POST", "/v1/accounts/home/pairing", {"method": "code", "phone": ALICE})
    await api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
    await api.send(f"crash-words {SECRET}", wait=5)
    await api.send(f"log lost {ALICE} and 15551230001@s.whatsapp.net and 4915551230001:3@lid", wait=5)
    await eventually(lambda: running.gateway.accounts.get("home").pairing is not None)
    # The engine's stderr takes another pipe than its answers.
    await eventually(lambda: all(part in log.getvalue() for part in ("at send (engine.mjs:1:2)", "from_engine")))
    logged = log.getvalue()
    for private in (SECRET, TOKEN, ALICE, "5551230001", "2@scripted", "K7Q2M9XD", "Alice"):
        assert private not in logged, private
    assert "message_accepted" in logged
    assert '"line": "TypeError"' in logged
    assert "lost … and …@s.whatsapp.net and …:3@lid" in logged


async def test_a_fault_of_ours_is_logged_by_place_and_answered_without_it(
    running: Running, log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fault(*_: object, **_options: object) -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr(running.gateway.outbox, "accept", fault)
    reply = await running.api.send(SECRET)
    logged = log.getvalue()
    assert (reply.status, reply.body["error_code"]) == (500, "internal_error")
    assert SECRET not in str(reply.body)
    assert SECRET not in logged
    [line] = [json.loads(line) for line in logged.splitlines() if "request_failed" in line]
    assert line["exception"] == "KeyError"
    assert line["frames"][-1].startswith("test_logs.py")
    assert line["route"] == "/v1/accounts/{account}/messages"


async def test_every_line_is_json_with_time_and_level(running: Running, log: StringIO) -> None:
    await running.api.send("hello", wait=5)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert lines
    assert all({"time", "level", "event"} <= set(line) for line in lines)


async def test_a_chat_has_one_name_in_the_log_and_another_in_another_house(
    run_gateway: RunGateway, tmp_path: object
) -> None:
    async with run_gateway() as running:
        first = running.gateway.chat_hash
        assert first(ALICE) == first(ALICE)
        assert ALICE[1:] not in first(ALICE)
        data_dir = running.gateway.settings.data_dir
        assert ChatHash(data_dir)(ALICE) == first(ALICE)
        (data_dir / "log-key").unlink()
        assert ChatHash(data_dir)(ALICE) != first(ALICE)


def test_a_librarys_traceback_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved\nfuture: %s", SECRET)
    logged = "".join(capsys.readouterr())
    assert SECRET not in logged
    line = json.loads(logged.splitlines()[0])
    assert (line["message"], line["exception"]) == ("Task exception was never retrieved", "ValueError")


def test_the_borders_models_do_not_quote_what_they_refuse() -> None:
    with pytest.raises(ValueError, match="account") as refused:
        engine_protocol.read_notification("message.received", {"content": {"type": "text", "text": SECRET}})
    assert SECRET not in str(refused.value)
