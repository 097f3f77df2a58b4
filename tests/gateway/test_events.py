"""Events: state first, in order, resumable, and a slow consumer harms nobody but itself."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from whatsapp_bridge import event_store
from whatsapp_bridge.api import events as events_route
from whatsapp_bridge.database import Database
from whatsapp_bridge.events import SUBSCRIPTION_LIMIT, EventLog, EventType, Subscription

from tests.gateway.conftest import LIMIT, Api, RunGateway, Running, eventually


async def test_the_first_frame_is_the_state(api: Api) -> None:
    async with api.events() as events:
        hello = events.hello
        assert (hello["type"], hello["api_version"]) == ("hello", 1)
        assert [account["state"] for account in hello["accounts"]] == ["connected"]
        await api.send("receive 1")
        event = await events.next("message.received")
    assert event["sequence"] == hello["sequence"] + 1
    assert event["account"] == "home"


async def test_every_event_comes_once_and_in_order(api: Api) -> None:
    async with api.events() as events:
        await api.send("receive 50")
        received = [await events.next("message.received") for _ in range(50)]
    assert [event["data"]["content"]["text"].split()[0] for event in received] == [str(number) for number in range(50)]
    sequences = [event["sequence"] for event in received]
    assert sequences == sorted(set(sequences))


async def test_a_consumer_that_was_away_resumes_where_it_was(api: Api) -> None:
    async with api.events() as events:
        log, since = events.hello["log"], events.hello["sequence"]
    await api.send("receive 3", wait=5)
    async with api.events(f"?since={since}&log={log}") as events:
        missed = [await events.next() for _ in range(4)]
    assert [event["sequence"] for event in missed] == [since + 1, since + 2, since + 3, since + 4]
    async with api.events(f"?since={since + 3}&log={log}") as events:
        assert (await events.next())["sequence"] == since + 4


@pytest.mark.parametrize("query", ["?since=0", "?since=999999", "?since=999999&log=another", "?since=3&log=another"])
async def test_who_counts_in_another_log_gets_all_that_is_kept(api: Api, query: str) -> None:
    async with api.events(query) as events:
        assert events.hello["sequence"] >= 3
        assert (await events.next())["sequence"] == 1


async def test_without_a_number_only_what_is_new_comes(api: Api) -> None:
    async with api.events() as events:
        await api.send("receive 1")
        assert (await events.next())["type"] == "message.received"


async def kept(running: Running) -> list[int]:
    """Returns the numbers that the log keeps."""
    return [event.sequence for event in await running.gateway.events.page(0)]


async def test_what_was_acknowledged_is_deleted(running: Running) -> None:
    api = running.api
    async with api.events() as events:
        await api.send("receive 2", wait=5)
        await events.next("message.received")
        second = await events.next("message.received")
        await events.socket.send_json({"ack": second["sequence"]})
        async with asyncio.timeout(LIMIT):
            while (await kept(running))[0] <= second["sequence"]:
                await asyncio.sleep(0.01)
    async with api.events("?since=0") as events:
        assert (await events.next())["type"] == "message.status"


async def test_what_one_consumer_has_not_processed_stays_for_it(running: Running) -> None:
    api = running.api
    async with api.events("?consumer=slow") as slow, api.events("?consumer=quick") as quick:
        await api.send("receive 2", wait=5)
        last = await quick.until("message.status")
        await quick.socket.send_json({"ack": last["sequence"]})
        first = await slow.next("message.received")
        await slow.socket.send_json({"ack": first["sequence"]})
        async with asyncio.timeout(LIMIT):
            while (await kept(running))[0] <= first["sequence"]:
                await asyncio.sleep(0.01)
    assert last["sequence"] in await kept(running)
    async with api.events("?consumer=slow") as slow:
        assert (await slow.next())["sequence"] == first["sequence"] + 1


async def test_what_a_consumer_has_acknowledged_does_not_come_to_it_again(running: Running) -> None:
    """A crash may cost a consumer what it has noted, and leave what it has said."""
    api = running.api
    async with api.events() as events:
        log, since = events.hello["log"], events.hello["sequence"]
    quick = f"?since={since}&log={log}&consumer=quick"
    slow = f"?since={since}&log={log}&consumer=slow"
    async with api.events(slow), api.events(quick) as events:
        await api.send("receive 3", wait=5)
        first = await events.next("message.received")
        second = await events.next("message.received")
        await events.socket.send_json({"ack": second["sequence"]})
        async with asyncio.timeout(LIMIT):
            while (
                await running.gateway.database.read(lambda db: event_store.acknowledged(db, "quick"))
                != second["sequence"]
            ):
                await asyncio.sleep(0.01)
    async with api.events(quick) as events:
        assert (await events.next())["sequence"] == second["sequence"] + 1
    async with api.events(slow) as events:
        assert (await events.next())["sequence"] <= first["sequence"]


async def test_what_happened_before_one_listened_is_marked_late(api: Api) -> None:
    async with api.events() as events:
        since = events.hello["sequence"]
        await api.send("receive 1")
        await events.next("message.status")
    async with api.events(f"?since={since}") as events:
        assert (await events.next("message.received"))["late"] is True
        assert (await events.next("message.status"))["late"] is True
        await api.send("receive 1")
        assert (await events.next("message.received"))["late"] is False


@pytest.mark.parametrize("consumer", ["", "Home", "a" * 65, "a.b"])
async def test_a_consumer_has_a_plain_name(api: Api, consumer: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with api.events(f"?consumer={consumer}"):
            pass
    assert refused.value.status == 422


@pytest.mark.parametrize("frame", ["x", "[]", "{}", '{"ack": "7"}', '{"ack": 1, "more": 2}', '{"ack": 1.5}'])
async def test_a_frame_that_is_no_acknowledgement_ends_the_connection(api: Api, frame: str) -> None:
    async with api.events() as events:
        await events.socket.send_str(frame)
        assert await events.close_code() == 4400


async def test_a_binary_frame_ends_the_connection(api: Api) -> None:
    async with api.events() as events:
        await events.socket.send_bytes(b'{"ack": 1}')
        assert await events.close_code() == 4400


async def test_a_consumer_that_takes_nothing_is_closed_and_others_are_not(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_route, "SEND_LIMIT", 0.5)
    api = running.api
    async with api.events() as slow, api.events() as quick:
        slow.socket._reader._protocol.pause_reading()
        for _ in range(4):
            await api.send("receive 1000")
            for _ in range(1000):
                await quick.next("message.received")
        await eventually(lambda: running.gateway.events.consumers == 1)
        slow.socket._reader._protocol.resume_reading()
        assert await slow.close_code() == 4408
        await api.send("receive 1")
        await quick.next("message.received")


async def test_a_consumer_that_falls_behind_gets_all_in_order(running: Running) -> None:
    count = 3 * SUBSCRIPTION_LIMIT
    behind = await running.gateway.events.subscribe(None, None, None)
    await running.api.send(f"receive {count}", wait=30)
    async with asyncio.timeout(6 * LIMIT):  # three thousand events are much for a busy machine
        received = [(await behind.next()).sequence for _ in range(count)]
    assert received == list(range(behind.sequence + 1, behind.sequence + count + 1))
    running.gateway.events.unsubscribe(behind)


async def test_consumers_are_told_that_the_gateway_stops(running: Running) -> None:
    async with running.api.events() as events:
        running.stop.set()
        assert await events.close_code() == 1001


async def test_a_consumer_that_goes_leaves_nothing(running: Running) -> None:
    async with running.api.events():
        await eventually(lambda: running.gateway.events.consumers == 1)
    await eventually(lambda: running.gateway.events.consumers == 0)


async def test_pairing_codes_are_shown_and_never_kept(run_gateway: RunGateway) -> None:
    async with run_gateway({"states": ["logged_out not_paired"]}) as running:
        api = running.api
        await api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("logged_out")
        async with api.events() as events:
            log = events.hello["log"]
            await api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
            shown = await events.until("pairing.update", qr="2@scripted")
            await api("PATCH", "/v1/accounts/home", {"name": "Family"})
            changed = await events.next("account.changed")
            assert changed["data"]["pairing"]["qr"] == "2@scripted"
            assert changed["sequence"] == shown["sequence"] + 1
        async with api.events(f"?since=0&log={log}") as events:
            kept = [await events.next()]
            while kept[-1]["sequence"] < changed["sequence"]:
                kept.append(await events.next())
        assert "pairing.update" not in {event["type"] for event in kept}
        assert (kept[-1]["type"], kept[-1]["data"]["pairing"]["qr"]) == ("account.changed", None)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "gateway.db")
    yield database
    await database.close()


async def publish(log: EventLog, count: int = 1) -> None:
    for _ in range(count):
        log.publish("home", EventType.MESSAGE_RECEIVED, data := {"x": 1}, kept=data)
    await log.flush()


async def missed(subscription: Subscription) -> list[int]:
    numbers: list[int] = []
    while subscription._position < subscription.sequence:
        async with asyncio.timeout(LIMIT):
            numbers.append((await subscription.next()).sequence)
    return numbers


async def test_the_log_is_bounded_in_number(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_store, "KEPT_EVENTS", 1000)
    log = EventLog(database, timedelta(days=7))
    await publish(log, 2000)
    sequences = await missed(await log.subscribe(0, log.log_id, None))
    assert 900 <= len(sequences) <= 1000
    assert sequences == list(range(2001 - len(sequences), 2001))


async def test_the_log_is_bounded_in_size(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_store, "KEPT_CHARACTERS", 1000)
    log = EventLog(database, timedelta(days=7))
    await publish(log, 1000)
    _, characters = await database.read(event_store.size)
    assert 0 < characters <= 1000
    assert (await missed(await log.subscribe(0, log.log_id, None)))[-1] == 1000


async def test_the_log_is_bounded_in_time(database: Database) -> None:
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    log = EventLog(database, timedelta(hours=1), lambda: moment)
    await publish(log)
    moment += timedelta(minutes=59)
    await publish(log)
    assert await missed(await log.subscribe(0, log.log_id, None)) == [1, 2]
    moment += timedelta(minutes=2)
    await publish(log)
    assert await missed(await log.subscribe(0, log.log_id, None)) == [2, 3]


async def test_a_log_goes_on_counting_after_all_was_acknowledged_and_a_restart(tmp_path: Path) -> None:
    database = Database(tmp_path / "gateway.db")
    log = EventLog(database, timedelta(days=7))
    await publish(log, 3)
    log.acknowledge("home-assistant", 3)
    await log.flush()
    await database.close()
    database = Database(tmp_path / "gateway.db")
    again = EventLog(database, timedelta(days=7))
    assert (again.log_id, again.sequence) == (log.log_id, 3)
    await publish(again)
    assert again.sequence == 4
    await database.close()


async def test_each_log_has_its_own_name(database: Database, tmp_path: Path) -> None:
    other = Database(tmp_path / "other.db")
    assert EventLog(database, timedelta(days=7)).log_id != EventLog(other, timedelta(days=7)).log_id
    await other.close()
