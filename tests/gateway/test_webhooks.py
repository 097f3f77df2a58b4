"""Webhooks: signed, in order, and nothing lost while the receiver or the gateway is away."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import hashlib
import hmac
import json
import time
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError
import pytest
from whatsapp_bridge import webhooks as module
from whatsapp_bridge.events import EventType
from whatsapp_bridge.settings import Settings
from whatsapp_bridge.webhooks import WebhookTiming

from tests.gateway.conftest import LIMIT, RunGateway, Running, eventually

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = f"whsec_{b64encode(KEY).decode()}"


@dataclass
class Receiver:
    """A receiver on a port of its own, which it keeps when it comes back."""

    port: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def texts(self) -> list[str]:
        return [event["data"]["content"]["text"] for event in self.taken]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(request)
        delivery, moment = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        signed = hmac.new(KEY, f"{delivery}.{moment}.".encode() + body, hashlib.sha256).digest()
        version, _, signature = request.headers["webhook-signature"].partition(",")
        assert (version, b64decode(signature)) == ("v1", signed)
        assert abs(time.time() - int(moment)) < 60
        status = self.answers.pop(0) if self.answers else 204
        if status < 300:
            self.taken.append(json.loads(body))
        return web.Response(status=status, headers={"Location": self.url})

    @asynccontextmanager
    async def up(self, take: Handler | None = None) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_post("/hook", take or self.take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield
        finally:
            await runner.cleanup()

    def setting(self, **other: object) -> list[dict[str, Any]]:
        return [{"name": "hook", "url": self.url, "secret": SECRET, "events": ["message.received"]} | other]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WebhookTiming", lambda: WebhookTiming(first_pause=0.02, longest_pause=0.2, refusals=3))


async def connected(running: Running) -> None:
    if not running.gateway.accounts.all():
        await running.api("POST", "/v1/accounts", {"name": "Home"})
    await running.reaches("connected")


async def until_taken(receiver: Receiver, *texts: str) -> None:
    async with asyncio.timeout(LIMIT):
        while receiver.texts != list(texts):
            await asyncio.sleep(0.01)


async def test_events_are_sent_signed_and_in_order(run_gateway: RunGateway) -> None:
    receiver = Receiver()
    async with receiver.up(), run_gateway(webhooks=receiver.setting()) as running:
        await connected(running)
        await running.api.send("receive 3 x")
        await until_taken(receiver, "0 x", "1 x", "2 x")
        assert [event["sequence"] for event in receiver.taken] == sorted(
            {event["sequence"] for event in receiver.taken}
        )
        assert {event["type"] for event in receiver.taken} == {"message.received"}
        ids = [request.headers["webhook-id"] for request in receiver.requests]
        assert ids == [f"{running.gateway.events.log_id}-{event['sequence']}" for event in receiver.taken]


async def test_a_receiver_that_dies_and_returns_gets_all_also_after_the_gateway_restarted(
    run_gateway: RunGateway,
) -> None:
    receiver = Receiver()
    async with receiver.up(), run_gateway(webhooks=receiver.setting()) as running:
        await connected(running)
        await running.api.send("receive 1 before")
        await until_taken(receiver, "0 before")
    async with run_gateway(webhooks=receiver.setting()) as running:
        await connected(running)
        await running.api.send("receive 2 away")
        await eventually(lambda: running.gateway.webhooks.outcomes["failed"] >= 2)
    async with run_gateway(webhooks=receiver.setting()) as running:
        await eventually(lambda: running.gateway.webhooks.outcomes["failed"] >= 1)
        async with receiver.up():
            await until_taken(receiver, "0 before", "0 away", "1 away")
            assert [event["late"] for event in receiver.taken] == [False, True, True]


async def test_what_fails_for_now_is_tried_again_and_what_is_refused_is_passed_over(run_gateway: RunGateway) -> None:
    receiver = Receiver(answers=[500, 429, 302, 204, 400, 400, 400, 400])
    async with receiver.up(), run_gateway(webhooks=receiver.setting()) as running:
        await connected(running)
        await running.api.send("receive 3 x")
        await until_taken(receiver, "0 x", "2 x")
        assert running.gateway.webhooks.outcomes == {"failed": 2, "refused": 5, "delivered": 2, "passed_over": 1}


async def test_a_webhook_that_is_gone_keeps_no_events_for_it(run_gateway: RunGateway) -> None:
    receiver = Receiver()
    async with receiver.up():
        pass
    async with run_gateway(webhooks=receiver.setting()) as running:
        await connected(running)
        await running.api.send("receive 1 x")
        await eventually(lambda: running.gateway.webhooks.outcomes["failed"] >= 1)
    async with run_gateway() as running:
        async with asyncio.timeout(LIMIT):
            while await running.gateway.database.read(lambda db: db.execute("SELECT name FROM consumers").fetchall()):
                await asyncio.sleep(0.01)


async def test_a_hanging_receiver_does_not_hold_up_the_gateways_end(run_gateway: RunGateway) -> None:
    receiver = Receiver()

    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(3600)
        raise AssertionError

    async with receiver.up(hang):
        async with run_gateway(webhooks=receiver.setting()) as running:
            await connected(running)
            await running.api.send("receive 1 x")
            await eventually(lambda: running.gateway.events.published[EventType.MESSAGE_RECEIVED] == 1)
            started = time.monotonic()
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "short"},
        {"secret": "whsec_???"},
        {"url": "ftp://example.org"},
        {"events": ["pairing.update"]},
        {"name": "with space"},
        {"unknown": 1},
    ],
)
def test_a_webhook_of_a_wrong_form_is_refused_without_quoting_its_secret(wrong: dict[str, Any]) -> None:
    right = {"name": "hook", "url": "http://nas.local/hook", "secret": SECRET}
    Settings(webhooks=[right])
    with pytest.raises(ValidationError) as refused:
        Settings(webhooks=[right | wrong])
    assert SECRET not in str(refused.value)
    assert "short" not in str(refused.value)
