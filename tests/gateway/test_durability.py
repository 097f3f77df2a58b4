"""What was accepted or received survives the gateway's end: a new one on the same folder goes on where the last one was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
import errno
import os
from pathlib import Path
import sqlite3
import time

import pytest
from whatsapp_bridge import message_store
from whatsapp_bridge.database import Database, DatabaseError
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.full_disk import has_no_room
from whatsapp_bridge.outgoing_files import write_file

from tests.gateway.conftest import ALICE, BOB, LIMIT, Api, RunGateway, eventually


async def paired(api: Api) -> None:
    await api("POST", "/v1/accounts", {"name": "Home"})


def texts(sent: list[dict[str, object]]) -> list[object]:
    return [params["content"]["text"] for params in sent]  # type: ignore[index]


async def settles(api: Api, message_id: str) -> str:
    async with asyncio.timeout(LIMIT):
        while (status := (await api.message(message_id))["status"]) in {"queued", "sending"}:
            await asyncio.sleep(0.01)
    return str(status)


async def test_what_was_queued_is_sent_by_the_next_gateway_with_its_id_and_in_order(run_gateway: RunGateway) -> None:
    async with run_gateway({"states": ["connecting"]}) as running:
        await paired(running.api)
        accepted = [(await running.api.send(f"{number}")).data["messageId"] for number in range(20)]
    async with run_gateway() as running:
        assert await settles(running.api, accepted[-1]) == "sent"
        assert [params["message_id"] for params in running.sent()] == accepted
        assert texts(running.sent()) == [f"{number}" for number in range(20)]


async def test_what_was_being_sent_is_sent_again_with_the_same_id(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        await paired(running.api)
        message_id = (await running.api.send("silent")).data["messageId"]
        await eventually(lambda: len(running.sent()) == 1)
    async with run_gateway() as running:
        assert await settles(running.api, message_id) == "sent"
        assert [params["message_id"] for params in running.sent()] == [message_id, message_id]


async def test_what_may_have_been_sent_before_a_restart_can_not_be_taken_back(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        await paired(running.api)
        tried = (await running.api.send("silent")).data["messageId"]
        await eventually(lambda: len(running.sent()) == 1)
        waiting = (await running.api.send("waits behind it")).data["messageId"]
    async with run_gateway({"states": ["connecting"]}) as running:
        refused = await running.api("DELETE", f"/v1/accounts/home/messages/{tried}")
        assert (refused.status, refused.body["error_code"]) == (409, "message_already_sent")
        taken = await running.api("DELETE", f"/v1/accounts/home/messages/{waiting}")
        assert (taken.status, taken.data["status"]) == (200, "cancelled")


async def test_an_idempotency_key_holds_across_a_restart(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        await paired(running.api)
        first = await running.api.send("once", wait=5, Idempotency_Key="key-1")
    async with run_gateway() as running:
        await running.reaches("connected")
        again = await running.api.send("once", wait=5, Idempotency_Key="key-1")
        assert again.body == first.body
        other = await running.api.send("twice", Idempotency_Key="key-1")
        assert (other.status, other.body["error_code"]) == (409, "idempotency_conflict")
        assert len(running.sent()) == 1


async def test_what_expired_while_the_gateway_was_away_is_told(run_gateway: RunGateway) -> None:
    async with run_gateway({"states": ["connecting"]}, message_ttl=0.2) as running:
        await paired(running.api)
        message_id = (await running.api.send("too late")).data["messageId"]
        log, since = running.gateway.events.log_id, running.gateway.events.sequence
    await asyncio.to_thread(time.sleep, 0.3)
    async with run_gateway() as running, running.api.events(f"?since={since}&log={log}") as events:
        event = await events.until("message.status", messageId=message_id)
        assert event["data"]["status"] == "expired"
        assert running.sent() == []


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0 * 365])
async def test_a_clock_that_was_wrong_neither_keeps_a_message_for_ever_nor_hides_its_end(
    run_gateway: RunGateway, tmp_path: Path, jump: float
) -> None:
    """Accepted while the clock stood a day later, or a year earlier, than it does now."""
    async with run_gateway({"states": ["connecting"]}, message_ttl=60) as running:
        await paired(running.api)
        message_id = (await running.api.send("hello")).data["messageId"]
    with closing(sqlite3.connect(tmp_path / "data/gateway.db", isolation_level=None)) as database:
        database.execute("UPDATE messages SET accepted_at = accepted_at - ?1, expires_at = expires_at - ?1", (jump,))
    async with run_gateway() as running:
        remaining = [outgoing.expires_at for outgoing in running.gateway.outbox._messages.values()]
        assert all(expires_at <= asyncio.get_running_loop().time() + 60 for expires_at in remaining)
        assert await settles(running.api, message_id) == ("sent" if jump < 0 else "expired")


async def test_a_receipt_after_a_restart_raises_the_status(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        await paired(running.api)
        sent = await running.api.send("hello", wait=5)
    async with run_gateway() as running:
        await running.reaches("connected")
        async with running.api.events() as events:
            await running.api.send(f"receipt {sent.data['messageId']}", wait=5)
            event = await events.until("message.status", messageId=sent.data["messageId"])
        assert event["data"]["status"] == "read"
        message = await running.api.message(sent.data["messageId"])
    assert message == sent.data | {"status": "read"}


async def test_events_survive_and_a_consumer_resumes_after_the_restart(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        await paired(running.api)
        async with running.api.events("?consumer=home-assistant") as events:
            log = events.hello["log"]
        await running.api.send("receive 3", wait=5)
    async with run_gateway() as running, running.api.events("?consumer=home-assistant") as events:
        assert events.hello["log"] == log
        received = [await events.next("message.received") for _ in range(3)]
    assert [event["data"]["content"]["text"].split()[0] for event in received] == ["0", "1", "2"]
    assert all(event["late"] for event in received)


async def test_what_the_engine_delivers_twice_is_told_once_and_acknowledged(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        await paired(running.api)
        async with running.api.events() as events:
            await running.api.send("deliver 1 2 2 3 1")
            await events.next("message.status")
            told = [event for event in await running.gateway.events.page(0) if event.type == "message.received"]
            assert len(told) == 3
        await eventually(lambda: running.acknowledged()[-1:] == [{"account": "home", "delivery": 3}])
    async with run_gateway() as running:
        await running.reaches("connected")
        assert running.started()[-1] == {"account": "home", "delivery": 3}


async def test_the_next_message_is_as_quick_with_ten_thousand_queued(run_gateway: RunGateway) -> None:
    """Those of a chat that is stuck must not slow those of another: the same number of steps, whatever waits."""
    async with run_gateway(queue_limit=20_000) as running:
        await paired(running.api)
        await running.reaches("connected")

        async def median() -> float:
            times = []
            for _ in range(15):
                started = time.perf_counter()
                assert (await running.api.send("hello", BOB, wait=5)).status == 200
                times.append(time.perf_counter() - started)
            return sorted(times)[7]

        empty = await median()
        await running.api.send("always-error not_connected", ALICE)
        request: message_store.Request = {"content": {"type": "text", "text": "waits"}}
        for _ in range(100):
            await asyncio.gather(*(running.gateway.outbox.accept("home", ALICE, request) for _ in range(100)))
        assert running.gateway.outbox.waiting() > 10_000
        full = await median()
        await running.api("DELETE", "/v1/accounts/home")
    assert full < 3 * empty + 0.005


async def test_two_gateways_never_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whatsapp_bridge.database._LOCK_SECONDS", 0.1)
    first = Database(tmp_path / "gateway.db")
    with pytest.raises(DatabaseError, match="Another gateway uses"):
        Database(tmp_path / "gateway.db")
    await first.close()
    await Database(tmp_path / "gateway.db").close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_database_is_named_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gateway.db"
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match="is damaged"):
        Database(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (errno.EROFS, "cannot be written"),
        (errno.EACCES, "cannot be written"),
        (errno.ENOSPC, "is full"),
        (errno.EDQUOT, "is full"),
    ],
)
def test_a_folder_that_takes_no_file_is_named_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int, sentence: str
) -> None:
    def refused(*_: object) -> None:
        raise OSError(fault, "refused")

    monkeypatch.setattr(Path, "touch", refused)
    with pytest.raises(DatabaseError, match=sentence):
        Database(tmp_path / "gateway.db")


async def test_a_damaged_page_is_found_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    database = Database(path)
    for _ in range(50):
        await database.write(lambda db: db.execute("INSERT INTO chats VALUES (hex(randomblob(400)), 'x')"))
    await database.close()
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xee" * 4096
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match="is damaged"):
        Database(path)


def test_a_database_of_a_newer_gateway_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 999")
    with pytest.raises(DatabaseError, match="newer gateway"):
        Database(path)


def limit_pages(database: sqlite3.Connection) -> None:
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")


async def test_a_full_disk_refuses_messages_loses_no_event_and_recovers(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        await paired(running.api)
        await running.reaches("connected")
        await running.gateway.events.flush()
        await running.gateway.database.read(limit_pages)
        async with asyncio.timeout(LIMIT):
            while (reply := await running.api.send("x" * 4000)).status != 507:
                assert reply.status in {200, 202}
        assert reply.body["error_code"] == "storage_full"
        assert (await running.api("GET", "/health")).body["storage"] == "storage_full"
        async with running.api.events() as events:
            running.gateway.accounts.engine_down()
            await running.gateway.database.read(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
            event = await events.until("account.state", reason="engine_unavailable")
        assert event["data"]["state"] == "reconnecting"
        assert (await running.api("GET", "/health")).body["storage"] is None


@pytest.mark.parametrize(
    ("fault", "full"), [(errno.EDQUOT, True), (errno.EFBIG, True), (errno.ENOSPC, True), (errno.EIO, False)]
)
def test_a_write_that_failed_is_told_apart_by_what_the_disk_says_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int, full: bool
) -> None:
    """A quota that is used up cannot be had without a kernel that has quotas: what it answers is played here."""
    (tmp_path / "gateway.db").write_bytes(b"x")
    assert has_no_room(tmp_path / "gateway.db") is False

    def refused(_: int) -> None:
        raise OSError(fault, "refused")

    monkeypatch.setattr(os, "fsync", refused)
    assert has_no_room(tmp_path / "gateway.db") is full
    assert [file.name for file in tmp_path.iterdir()] == ["gateway.db"]


async def test_a_file_is_written_whole_also_where_the_system_takes_it_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, chunk: write(file, chunk[:3]))

    async def chunks() -> AsyncIterator[bytes]:
        yield b"12345678"

    assert await write_file(tmp_path / "file", chunks(), 100) == 8
    assert (tmp_path / "file").read_bytes() == b"12345678"


async def test_works_that_share_a_commit_fail_alone(tmp_path: Path) -> None:
    database = Database(tmp_path / "gateway.db")

    def fails(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO chats VALUES ('home', 'undone')")
        raise BridgeError(ErrorCode.QUEUE_FULL, "a refusal of the work's own")

    outcomes = await asyncio.gather(
        database.write(lambda db: db.execute("INSERT INTO chats VALUES ('home', 'one')").rowcount),
        database.write(fails),
        database.write(lambda db: db.execute("INSERT INTO chats VALUES ('home', 'two')").rowcount),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [int, BridgeError, int]
    assert await database.read(lambda db: db.execute("SELECT chat FROM chats").fetchall()) == [("one",), ("two",)]
    await database.close()
