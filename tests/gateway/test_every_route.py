"""The routes of accounts and of the gateway itself with the real engine; those about WhatsApp have their tests elsewhere.

`--every-route` fails a whole run in which a route never succeeded with the real engine.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest
import pytest_asyncio

from tests.gateway.conftest import ALICE, Api
from tests.gateway.media_samples import picture
from tests.gateway.test_with_whatsapp import caller, link, reaches
from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import running_bridge

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOME = "/v1/accounts/home"
LIMIT = 20.0


@dataclass(frozen=True)
class Stack:
    """A linked account, and a server that has a picture."""

    simulator: Simulator
    api: Api
    picture_url: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async def shown(_request: web.Request) -> web.Response:
        return web.Response(body=picture(), content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/x.jpg", shown)
    folder = tmp_path_factory.mktemp("every-route")
    async with (
        running_simulator() as simulator,
        TestServer(app, host="127.0.0.1") as server,
        running_bridge(folder, simulator, BRIDGE_ALLOWED_ADDRESSES='["127.0.0.1/32"]') as bridge,
        caller(bridge) as api,
    ):
        await link(api, simulator)
        yield Stack(simulator, api, str(server.make_url("/x.jpg")))
        assert (await simulator.state()).violations == []


async def test_what_became_of_messages(stack: Stack) -> None:
    api = stack.api
    sent = (await api.send("hello", wait=20)).data["messageId"]
    assert (await api.message(sent))["status"] in {"sent", "delivered"}
    assert sent in {message["messageId"] for message in (await api("GET", f"{HOME}/messages")).data["messages"]}
    await stack.simulator.faults(refuse_connections=True, drop=True)
    await reaches(api, "reconnecting")
    queued = (await api.send("not now")).data["messageId"]
    assert (await api("DELETE", f"{HOME}/messages/{queued}")).data["status"] == "cancelled"
    await stack.simulator.clear_faults()
    await reaches(api, "connected")


async def test_a_picture_by_the_simple_call(stack: Stack) -> None:
    body = {"phone": ALICE, "imageUrl": stack.picture_url, "caption": "the door"}
    message_id = (await stack.api("POST", "/send-image-url", body)).data["messageId"]
    seen = [one for one in await stack.simulator.contact_messages(ALICE, wait=10) if one.message_id == message_id]
    assert [(one.content["kind"], one.content["caption"]) for one in seen] == [("image", "the door")]
    message_id = (await stack.api("POST", "/send", {"phone": ALICE, "message": "simple"})).data["messageId"]
    seen = [one for one in await stack.simulator.contact_messages(ALICE, wait=10) if one.message_id == message_id]
    assert [one.text for one in seen] == ["simple"]


async def test_an_account_begins_and_ends_to_be_linked(stack: Stack) -> None:
    api = stack.api
    second = (await api("POST", "/v1/accounts", {"name": "Second"})).data["id"]
    path = f"/v1/accounts/{second}"
    assert (await api("PATCH", path, {"name": "Other"})).data["name"] == "Other"
    assert (await api("GET", path)).data["name"] == "Other"
    assert [account["id"] for account in (await api("GET", "/v1/accounts")).data["accounts"]] == ["home", second]
    assert (await api("POST", f"{path}/pairing", {"method": "qr"})).status == 202
    async with asyncio.timeout(LIMIT):
        while (shown := await api("GET", f"{path}/qr")).status == 404:
            await asyncio.sleep(0.02)
    assert shown.data["qr"]
    assert (await api("DELETE", f"{path}/pairing")).data == {}
    assert (await api("DELETE", path)).data == {"unlinked": False}


async def test_the_gateway_itself(stack: Stack) -> None:
    api = stack.api
    assert (await api("GET", "/health")).body["status"] == "healthy"
    assert (await api("GET", "/health/ready")).data == {"ready": True}
    assert b"whatsapp" in (await api("GET", "/metrics")).body
    assert (await api("GET", "/v1/gateway")).status == 200
    assert (await api("PATCH", "/v1/gateway", {"log_level": "debug"})).status == 200
    assert (await api("GET", "/v1/gateway/report")).status == 200
    assert (await api("GET", "/status")).data["state"] == "connected"
    assert (await api("POST", "/v1/gateway/backup")).data["size"] > 0
    assert (await api("DELETE", "/v1/gateway/backup")).data == {}


async def test_an_account_is_restarted_and_at_last_unlinked(stack: Stack) -> None:
    api = stack.api
    async with api.events() as events:
        assert (await api("POST", f"{HOME}/restart")).status in {200, 202}
        await events.until("account.state", state="connected")
    assert (await api("POST", f"{HOME}/unlink")).data == {"unlinked": True}
    [device] = (await stack.simulator.state()).linked_devices
    assert device["removed"]
