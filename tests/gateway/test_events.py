"""Events: state first, in order, resumable, and a slow consumer harms nobody but itself."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from whatsapp_bridge.events import KEPT_EVENTS, SUBSCRIPTION_LIMIT, EventLog, EventType, Subscription

from tests.gateway.conftest import Api, RunGateway, Running, eventually


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


async def test_what_was_acknowledged_is_deleted(running: Running) -> None:
    api = running.api
    async with api.events() as events:
        await api.send("receive 2", wait=5)
        await events.next("message.received")
        second = await events.next("message.received")
        await events.socket.send_json({"ack": second["sequence"]})
        await eventually(lambda: running.gateway.events._kept[0].sequence > second["sequence"])
    async with api.events("?since=0") as events:
        assert (await events.next())["type"] == "message.status"


@pytest.mark.parametrize("frame", ["x", "[]", "{}", '{"ack": "7"}', '{"ack": 1, "more": 2}', '{"ack": 1.5}'])
async def test_a_frame_that_is_no_acknowledgement_ends_the_connection(api: Api, frame: str) -> None:
    async with api.events() as events:
        await events.socket.send_str(frame)
        assert await events.close_code() == 4400


async def test_a_binary_frame_ends_the_connection(api: Api) -> None:
    async with api.events() as events:
        await events.socket.send_bytes(b'{"ack": 1}')
        assert await events.close_code() == 4400


async def test_a_slow_consumer_is_closed_and_others_are_not(running: Running) -> None:
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
            log, since = events.hello["log"], events.hello["sequence"]
            await api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
            shown = await events.until("pairing.update", qr="2@scripted")
            assert shown["sequence"] == since
            await api("PATCH", "/v1/accounts/home", {"name": "Family"})
            changed = await events.next("account.changed")
            assert changed["data"]["pairing"]["qr"] == "2@scripted"
            assert changed["sequence"] == since + 1
        async with api.events(f"?since={since}&log={log}") as events:
            kept = await events.next()
        assert (kept["type"], kept["data"]["pairing"]["qr"]) == ("account.changed", None)


def publish(log: EventLog, count: int = 1) -> None:
    for _ in range(count):
        log.publish("home", EventType.MESSAGE_RECEIVED, data := {"x": 1}, kept=data)


async def missed(subscription: Subscription) -> list[int]:
    return [(await subscription.next()).sequence for _ in range(len(subscription._missed))]


async def test_the_log_is_bounded_in_number() -> None:
    log = EventLog(timedelta(days=7))
    publish(log, KEPT_EVENTS + 5)
    sequences = await missed(log.subscribe(0, log.log_id))
    assert (len(sequences), sequences[0], sequences[-1]) == (KEPT_EVENTS, 6, KEPT_EVENTS + 5)


async def test_the_log_is_bounded_in_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whatsapp_bridge.events.KEPT_CHARACTERS", 1000)
    log = EventLog(timedelta(days=7))
    publish(log, 100)
    assert 0 < sum(len(event.text) for event in log._kept) <= 1000
    assert (await missed(log.subscribe(0, log.log_id)))[-1] == 100
    log.acknowledge(100)
    assert log._kept_characters == 0


async def test_the_log_is_bounded_in_time() -> None:
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    log = EventLog(timedelta(hours=1), lambda: moment)
    publish(log)
    moment += timedelta(minutes=59)
    assert await missed(log.subscribe(0, log.log_id)) == [1]
    moment += timedelta(minutes=2)
    assert await missed(log.subscribe(0, log.log_id)) == []


async def test_a_subscriptions_queue_is_bounded() -> None:
    log = EventLog(timedelta(days=7))
    subscription = log.subscribe(None, None)
    publish(log, SUBSCRIPTION_LIMIT)
    assert subscription._end is None
    publish(log)
    async with asyncio.timeout(1):
        assert (await subscription.ended()).__name__ == "ConsumerTooSlowError"


def test_each_log_has_its_own_name() -> None:
    assert EventLog(timedelta(days=7)).log_id != EventLog(timedelta(days=7)).log_id
