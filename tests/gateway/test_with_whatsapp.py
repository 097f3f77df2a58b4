"""The gateway with the real engine against the simulator: linked, sending, receiving, and what goes wrong on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
import os
from pathlib import Path
import signal
from typing import Any

import aiohttp
import pytest

from tests.gateway.conftest import ALICE, BOB, Api
from tests.gateway.described import described, served
from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import TOKEN, Bridge, running_bridge
from tests.stack.qr import read_qr_picture, read_qr_svg

LIMIT = 20.0
KEEPALIVE = "1000"


def engine_of(bridge: Bridge) -> int:
    pid = bridge.process.pid
    [engine] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(engine)


@asynccontextmanager
async def caller(bridge: Bridge) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession(middlewares=(described, served)) as session:
        yield Api(bridge.url, session, bridge.token)


async def pairing_reaches(api: Api, status: str) -> dict[str, Any]:
    async with asyncio.timeout(LIMIT):
        while True:
            pairing: dict[str, Any] = (await api("GET", "/status")).data["pairing"]
            if pairing["status"] == status:
                return pairing
            await asyncio.sleep(0.02)


async def reaches(api: Api, state: str) -> None:
    async with asyncio.timeout(LIMIT):
        while (await api("GET", "/status")).data["state"] != state:
            await asyncio.sleep(0.02)


async def shown_qr(api: Api, *, but: str = "") -> str:
    async with asyncio.timeout(LIMIT):
        while True:
            reply = await api("GET", "/qr")
            if reply.status == 200 and reply.data["qr"] != but:
                return str(reply.data["qr"])
            await asyncio.sleep(0.02)


async def link(api: Api, simulator: Simulator) -> None:
    """Adds the account, pairs it by QR code and waits until it is connected."""
    await simulator.add_contact(ALICE, "Alice")
    reply = await api("POST", "/v1/accounts", {"name": "Home"})
    assert reply.status == 201
    reply = await api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
    assert reply.status == 202
    await simulator.scan_qr(await shown_qr(api))
    await reaches(api, "connected")


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        yield simulator
        state = await simulator.state()
        assert state.violations == []
        assert state.unanswered == []


@pytest.fixture
async def bridge(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Bridge]:
    async with running_bridge(tmp_path, simulator, ENGINE_KEEPALIVE_MS=KEEPALIVE) as bridge:
        yield bridge


@pytest.fixture
async def api(simulator: Simulator, bridge: Bridge) -> AsyncIterator[Api]:
    """A caller with a linked, connected account `home` and a contact Alice."""
    async with caller(bridge) as api:
        await link(api, simulator)
        yield api


async def test_the_code_is_shown_in_four_formats_and_linking_is_told(simulator: Simulator, bridge: Bridge) -> None:
    async with caller(bridge) as api:
        await api("POST", "/v1/accounts", {"name": "Home"})
        async with api.events() as events:
            await api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
            text = await shown_qr(api)
            svg = (await api("GET", "/qr", Accept="image/svg+xml")).body.decode()
            png = (await api("GET", "/qr", Accept="image/png")).body
            assert read_qr_svg(svg) == read_qr_picture(png) == text
            await simulator.scan_qr(text)
            await events.until("pairing.update", status="paired")
            connected = await events.until("account.state", state="connected")
        assert connected["data"]["phone"] == simulator.phone
        again = await api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
        assert (again.status, again.body["error_code"]) == (409, "already_paired")


async def test_an_account_is_linked_by_a_typed_code(simulator: Simulator, bridge: Bridge) -> None:
    async with caller(bridge) as api:
        await api("POST", "/v1/accounts", {"name": "Home"})
        async with api.events() as events:
            await api("POST", "/v1/accounts/home/pairing", {"method": "code", "phone": simulator.phone})
            code = None
            while code is None:
                code = (await events.until("pairing.update", status="waiting"))["data"]["code"]
            await simulator.enter_code(code)
            await events.until("account.state", state="connected")


async def test_a_cancelled_pairing_shows_no_code(simulator: Simulator, bridge: Bridge) -> None:
    async with caller(bridge) as api:
        await api("POST", "/v1/accounts", {"name": "Home"})
        await api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
        await shown_qr(api)
        assert (await api("DELETE", "/v1/accounts/home/pairing")).data == {}
        await reaches(api, "logged_out")
        assert (await api("GET", "/qr")).body["error_code"] == "qr_not_available"
        assert (await api("GET", "/status")).data["pairing"]["status"] == "cancelled"


async def test_a_text_is_decrypted_by_the_contact_and_its_receipts_are_told(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        reply = await api.send("The washing machine is done. 👍", wait=10)
        assert (reply.status, reply.data["status"]) == (200, "sent")
        [message] = await simulator.contact_messages(ALICE, wait=10)
        assert (message.text, message.message_id) == ("The washing machine is done. 👍", reply.data["messageId"])
        await events.until("message.status", messageId=message.message_id, status="delivered")
        await simulator.read(ALICE, message.message_id)
        await events.until("message.status", messageId=message.message_id, status="read")
    assert (await api.message(message.message_id))["status"] == "read"


async def test_an_answer_comes_as_an_event(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        message_id = await simulator.contact_send(ALICE, "Thank you 👍")
        event = await events.next("message.received")
    assert event["data"]["message_id"] == message_id
    assert event["data"]["chat"] == {"id": ALICE, "type": "person"}
    assert event["data"]["sender"]["phone"] == ALICE
    assert event["data"]["content"] == {"type": "text", "text": "Thank you 👍", "link_preview": None}


async def test_a_group_is_written_to(simulator: Simulator, api: Api) -> None:
    await simulator.add_contact(BOB, "Bob", addressing="lid")
    group = await simulator.add_group("Family", [ALICE, BOB])
    assert (await api.send("Dinner is ready", group, wait=10)).status == 200
    for phone in (ALICE, BOB):
        [message] = await simulator.contact_messages(phone, wait=10)
        assert (message.text, message.chat) == ("Dinner is ready", group)


async def test_a_number_that_is_not_on_whatsapp_is_told(api: Api) -> None:
    reply = await api.send("hello", "+15559990000", wait=10)
    assert (reply.status, reply.body["error_code"]) == (422, "recipient_not_on_whatsapp")


async def test_whatsapps_refusal_is_told_with_its_code(simulator: Simulator, api: Api) -> None:
    await simulator.faults(acks={"error": 463})
    reply = await api.send("hello", wait=10)
    assert (reply.status, reply.body["error_code"]) == (422, "message_rejected")
    assert reply.body["data"]["whatsapp_code"] == 463


async def test_a_slow_acknowledgement_is_awaited(simulator: Simulator, api: Api) -> None:
    await simulator.faults(acks={"delay_ms": 500})
    reply = await api.send("hello", wait=10)
    assert (reply.status, reply.data["status"]) in {(200, "sent"), (200, "delivered")}


async def test_a_dropped_link_is_told_and_comes_back(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        await simulator.faults(drop=True)
        down = await events.until("account.state", state="reconnecting")
        assert down["data"]["reason"] == "connection_lost"
        reply = await api.send("meanwhile", wait=15)
        assert reply.status == 200
        await events.until("account.state", state="connected")
    [message] = await simulator.contact_messages(ALICE, wait=10)
    assert message.text == "meanwhile"


async def test_a_killed_engine_sends_what_was_accepted_meanwhile_without_a_new_scan(
    simulator: Simulator, bridge: Bridge, api: Api
) -> None:
    async with api.events() as events:
        os.kill(engine_of(bridge), signal.SIGKILL)
        await events.until("account.state", reason="engine_unavailable")
        reply = await api.send("sent while the engine was dead", wait=15)
        assert reply.status == 200
        await events.until("account.state", state="connected")
    [message] = await simulator.contact_messages(ALICE, wait=10)
    assert message.message_id == reply.data["messageId"]


async def test_a_stopped_engine_is_found_out_and_replaced(simulator: Simulator, bridge: Bridge, api: Api) -> None:
    engine = engine_of(bridge)
    os.kill(engine, signal.SIGSTOP)
    reply = await api.send("sent while the engine was hanging", wait=40)
    assert reply.status == 200
    assert engine_of(bridge) != engine
    [message] = await simulator.contact_messages(ALICE, wait=10)
    assert message.message_id == reply.data["messageId"]


async def test_a_killed_gateway_comes_back_linked(simulator: Simulator, tmp_path: Path) -> None:
    async with running_bridge(tmp_path, simulator, ENGINE_KEEPALIVE_MS=KEEPALIVE) as bridge:
        async with caller(bridge) as api:
            await link(api, simulator)
        bridge.process.kill()
        await bridge.process.ended()
    async with running_bridge(tmp_path, simulator, ENGINE_KEEPALIVE_MS=KEEPALIVE) as bridge, caller(bridge) as api:
        reply = await api.send("back", wait=20)
        assert reply.status == 200
        [message] = await simulator.contact_messages(ALICE, wait=10)
        assert message.text == "back"


async def test_an_unlinked_account_says_that_somebody_must_act(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        await simulator.unlink()
        event = await events.until("account.state", state="logged_out")
        assert event["data"]["reason"] == "unlinked"
    reply = await api.send("hello")
    assert (reply.status, reply.body["error_code"]) == (409, "account_logged_out")


async def test_a_removed_account_is_unlinked_at_whatsapp(simulator: Simulator, api: Api) -> None:
    assert (await api("DELETE", "/v1/accounts/home")).data == {"unlinked": True}
    assert [device["removed"] for device in (await simulator.state()).linked_devices] == [True]
    assert (await api("GET", "/v1/accounts")).data == {"accounts": []}


async def test_the_log_of_a_conversation_holds_nothing_private(simulator: Simulator, bridge: Bridge, api: Api) -> None:
    async with api.events() as events:
        await api.send("the-vault-opens-at-nine", wait=10)
        await simulator.contact_send(ALICE, "at-ten-said-alice")
        await events.next("message.received")
        await simulator.faults(drop=True)
        await events.until("account.state", state="connected")
    log = "\n".join(bridge.process.lines)
    for private in ("the-vault", "at-ten", TOKEN, ALICE[1:], simulator.phone[1:], "Alice"):
        assert private not in log, private
    assert all({"time", "level", "event"} <= set(json.loads(line)) for line in bridge.process.lines)


async def test_a_code_that_goes_on_with_a_passkey_is_compared(simulator: Simulator, bridge: Bridge) -> None:
    await simulator.faults(passkey="required")
    async with caller(bridge) as api:
        await api("POST", "/v1/accounts", {"name": "Home"})
        await api("POST", "/v1/accounts/home/pairing", {"method": "code", "phone": simulator.phone})
        async with asyncio.timeout(LIMIT):
            while not (code := (await pairing_reaches(api, "waiting"))["code"]):
                await asyncio.sleep(0.02)
        await simulator.enter_code(code)
        await pairing_reaches(api, "passkey_required")
        await api("POST", "/v1/accounts/home/pairing/passkey", await simulator.passkey_assertion())
        pairing = await pairing_reaches(api, "confirmation_required")
        assert pairing["code"] == await simulator.passkey_code()
        reply = await api("POST", "/v1/accounts/home/pairing/confirmation", {"same": True})
        assert reply.status == 202
        await reaches(api, "connected")
