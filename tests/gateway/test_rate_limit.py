"""More calls than are allowed are answered with when to come back."""

import asyncio

from starlette.types import Receive, Scope, Send
from whatsapp_bridge.api.rate_limit import RateLimit

from tests.gateway.conftest import LIMIT, RunGateway


async def test_a_caller_that_calls_too_often_is_told_when_to_come_back(run_gateway: RunGateway) -> None:
    async with run_gateway(rate_limit=30) as running:
        replies = [await running.api("GET", "/v1/accounts") for _ in range(31)]
        assert [reply.status for reply in replies[:30]] == [200] * 30
        refused = replies[30]
        assert (refused.status, refused.body["error_code"]) == (429, "rate_limited")
        assert refused.headers["Retry-After"] in {"1", "2"}
        assert (await running.api("GET", "/health")).status == 200
        async with running.api.session.get(running.api.url + "/v1/accounts") as unauthorized:
            assert unauthorized.status == 401
        async with asyncio.timeout(LIMIT):
            while (await running.api("GET", "/v1/accounts")).status == 429:
                await asyncio.sleep(0.1)


async def test_calls_come_back_with_time_and_never_more_than_a_minutes() -> None:
    moment = 0.0
    passed = 0

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        nonlocal passed
        passed += 1

    async def receive() -> dict[str, object]:
        raise AssertionError

    async def send(_message: object) -> None:
        pass

    limit = RateLimit(app, calls=60, clock=lambda: moment)

    async def call(times: int) -> int:
        before = passed
        for _ in range(times):
            await limit({"type": "http", "path": "/v1/accounts", "method": "GET", "headers": []}, receive, send)
        return passed - before

    assert await call(100) == 60
    moment = 10.0
    assert await call(100) == 10
    moment = 10_000.0
    assert await call(100) == 60
