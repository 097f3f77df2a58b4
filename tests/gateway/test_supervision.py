"""The engine is kept alive, whatever it does, and every surface says so meanwhile."""

import asyncio
from dataclasses import replace
import os
import signal
import sys

import pytest
from whatsapp_bridge.engine_connection import LINE_LIMIT

from tests.gateway.conftest import ALICE, QUICK, RunGateway, Running, children, eventually


async def test_a_killed_engine_is_replaced_and_the_account_says_so(running: Running) -> None:
    async with running.api.events() as events:
        [engine] = children()
        os.kill(engine, signal.SIGKILL)
        down = await events.next("account.state")
        assert (down["data"]["state"], down["data"]["reason"]) == ("reconnecting", "engine_unavailable")
        health = await running.api("GET", "/health")
        assert health.body["status"] == "degraded"
        await events.until("account.state", state="connected")
    health = await running.api("GET", "/health")
    assert health.body["engine"].items() >= {"state": "running", "restarts": 1}.items()
    assert health.body["engine"]["checked_at"] > down["time"]
    assert health.body["status"] == "healthy"
    assert len(children()) == 1
    assert children() != [engine]


async def test_a_hanging_engine_is_killed_and_replaced(running: Running) -> None:
    [engine] = children()
    reply = await running.api.send("hang", wait=10)
    assert reply.status == 200
    assert [params["message_id"] for params in running.sent()] == [reply.data["messageId"]] * 2
    assert running.gateway.engine.restarts == 1
    assert engine not in children()


async def test_an_engine_that_never_comes_up_is_tried_again(run_gateway: RunGateway) -> None:
    timing = replace(QUICK, initialize_limit=0.2)
    async with run_gateway({"hangs_at": ["initialize"]}, timing) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await eventually(lambda: running.gateway.engine.restarts >= 2)
        account = (await running.api("GET", "/v1/accounts/home")).data
        assert (account["state"], account["reason"]) == ("reconnecting", "engine_unavailable")
        running.script()
        await running.reaches("connected")


async def test_an_engine_that_cannot_be_started_leaves_the_api_up(
    run_gateway: RunGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/program")
    async with run_gateway() as running:
        await eventually(lambda: running.gateway.engine.restarts >= 2)
        assert (await running.api("GET", "/health")).body["baileys_server_healthy"] is False
        reply = await running.api("POST", "/v1/accounts", {"name": "Home"})
        assert reply.status == 201
        for method, path, body in [
            ("POST", "/v1/accounts/home/pairing", {"method": "qr"}),
            ("DELETE", "/v1/accounts/home/pairing", None),
            ("DELETE", "/v1/accounts/home", None),
        ]:
            reply = await running.api(method, path, body)
            assert (reply.status, reply.body["error_code"]) == (503, "engine_unavailable")
            assert int(reply.headers["Retry-After"]) > 0
        assert (await running.api("GET", "/v1/accounts/home")).status == 200


async def test_pauses_between_restarts_grow_to_a_bound(run_gateway: RunGateway) -> None:
    async with run_gateway({"hangs_at": []}, replace(QUICK, first_pause=0.01, longest_pause=0.04)) as running:
        loop = asyncio.get_running_loop()
        moments = []
        for restarts in range(1, 7):
            await eventually(lambda: len(children()) == 1)
            for pid in children():
                os.kill(pid, signal.SIGKILL)
            await eventually(lambda expected=restarts: running.gateway.engine.restarts >= expected)  # type: ignore[misc]
            moments.append(loop.time())
    assert moments[-1] - moments[0] < 5


@pytest.mark.parametrize("count", [1, 10])
async def test_a_stray_line_is_ignored(running: Running, count: int) -> None:
    assert (await running.api.send(f"garbage {count}", wait=5)).status == 200
    assert running.gateway.engine.restarts == 0


async def test_an_engine_that_speaks_something_else_is_replaced(running: Running) -> None:
    reply = await running.api.send("garbage 1000", wait=10)
    assert reply.status == 200
    assert running.gateway.engine.restarts == 1
    assert len(running.sent()) == 2


async def test_a_line_over_the_limit_is_dropped_without_being_held(running: Running) -> None:
    assert LINE_LIMIT < 3 << 20
    assert (await running.api.send("long-line", wait=5)).status == 200
    assert running.gateway.engine.restarts == 0


async def test_a_notification_that_breaks_the_protocol_is_counted_and_costs_nothing(running: Running) -> None:
    assert (await running.api.send("bad-notification", wait=5)).status == 200
    assert running.gateway.engine.protocol_errors == 2
    assert running.gateway.accounts.get("home").state == "connected"
    assert b"whatsapp_bridge_engine_protocol_errors_total 2.0" in (await running.api("GET", "/metrics")).body


async def test_an_account_that_another_engine_still_holds_is_started_when_it_lets_go(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        running.script(account_start_error="account_locked", locked_for=3)
        [engine] = children()
        os.kill(engine, signal.SIGKILL)
        await running.reaches("reconnecting")
        await running.reaches("connected")
        assert running.gateway.engine.restarts == 1


async def test_a_store_that_stays_locked_is_failed_holds_up_no_other_and_is_tried_until_it_can_be_opened(
    run_gateway: RunGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("_LOCK_LIMIT", 0.2), ("_LOCK_PAUSE", 0.05), ("_FIRST_PAUSE", 0.1)):
        monkeypatch.setattr(f"whatsapp_bridge.account_starts.{name}", seconds)
    async with run_gateway() as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.api("POST", "/v1/accounts", {"name": "Work"})
        await running.reaches("connected")
        lock = running.script_dir / "locked-home"
        lock.touch()
        [engine] = children()
        os.kill(engine, signal.SIGKILL)
        await running.reaches("reconnecting")
        await running.reaches("connected", "work")
        assert (await running.api.send("still works", account="work", wait=5)).status == 200
        await running.reaches("failed")
        account = (await running.api("GET", "/v1/accounts/home")).data
        assert account["reason"] == "store_unusable"
        assert account["retry_at"] is not None
        lock.unlink()
        await running.reaches("connected")
        assert (await running.api("GET", "/v1/accounts/home")).data["retry_at"] is None
        assert running.gateway.engine.restarts == 1


async def test_an_account_whose_store_is_unusable_is_failed(run_gateway: RunGateway) -> None:
    async with run_gateway({"account_start_error": "store_unusable"}) as running:
        await eventually(lambda: running.gateway.engine.state == "running")
        account = (await running.api("POST", "/v1/accounts", {"name": "Home"})).data
        assert (account["state"], account["reason"]) == ("failed", "store_unusable")
        assert (await running.api.send("x")).body["error_code"] == "account_failed"


async def test_a_pairing_that_was_under_way_fails_with_the_engine(run_gateway: RunGateway) -> None:
    async with run_gateway({"states": ["logged_out not_paired"]}) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("logged_out")
        async with running.api.events() as events:
            await running.api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
            await events.until("pairing.update", qr="2@scripted")
            [engine] = children()
            os.kill(engine, signal.SIGKILL)
            event = await events.until("pairing.update", status="failed")
        assert event["data"]["error_code"] == "engine_unavailable"
        reply = await running.api("GET", "/v1/accounts/home/qr")
        assert (reply.status, reply.body["error_code"]) == (404, "qr_not_available")


async def test_the_engine_ends_with_the_gateway(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        await eventually(lambda: running.gateway.engine.state == "running")
        assert len(children()) == 1
    assert children() == []
    assert running.gateway.engine.state == "stopped"


async def test_an_engine_that_does_not_want_to_stop_is_ended(
    run_gateway: RunGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whatsapp_bridge.engine_process._CLOSE_LIMIT", 0.1)
    monkeypatch.setattr("whatsapp_bridge.engine_process._TERMINATE_LIMIT", 0.1)
    async with run_gateway({"ignores_stop": True}) as running:
        await eventually(lambda: running.gateway.engine.state == "running")
    assert children() == []


async def test_who_waits_when_the_gateway_stops_is_answered(running: Running) -> None:
    waiting = asyncio.create_task(running.api.send("silent", wait=30))
    await eventually(lambda: len(running.sent()) == 1)
    running.stop.set()
    reply = await waiting
    assert (reply.status, reply.data["to"]) == (202, ALICE)


async def test_a_fault_of_ours_in_the_background_ends_the_gateway(
    run_gateway: RunGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("whatsapp_bridge.accounts.Accounts.engine_down", fault)

    async def run() -> None:
        async with run_gateway() as running:
            await eventually(lambda: running.gateway.engine.ready)
            [engine] = children()
            os.kill(engine, signal.SIGKILL)
            await running.served

    with pytest.raises(ExceptionGroup) as group:
        await run()
    assert group.group_contains(ZeroDivisionError)
    assert children() == []


async def test_no_task_is_left_behind(run_gateway: RunGateway) -> None:
    before = asyncio.all_tasks()
    async with run_gateway() as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.api.send("hello", wait=5)
        async with running.api.events():
            pass
        os.kill(children()[0], signal.SIGKILL)
        await eventually(lambda: running.gateway.engine.restarts == 1)
    await eventually(lambda: asyncio.all_tasks() == before)
