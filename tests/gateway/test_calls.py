"""Calls by REST and as events, through the real engine and the simulator."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.gateway.conftest import ALICE, BOB, Api
from tests.gateway.test_with_whatsapp import caller, link
from tests.simulator.client import Addressing, CallEnd, Simulator, running_simulator
from tests.stack.bridge import running_bridge

pytestmark = pytest.mark.asyncio(loop_scope="module")
CALLS = "/v1/accounts/home/calls"
LIMIT = 20.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        await simulator.add_contact(BOB, "Bob")
        yield simulator
        assert (await simulator.state()).violations == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_bridge(tmp_path_factory.mktemp("calls"), simulator) as bridge, caller(bridge) as api:
        await link(api, simulator)
        yield api


@pytest.mark.parametrize("addressing", ["pn", "lid"])
@pytest.mark.parametrize("in_group", [False, True])
async def test_a_call_rings_and_is_rejected(
    simulator: Simulator, api: Api, addressing: Addressing, *, in_group: bool
) -> None:
    group = await simulator.add_group("Calls", [ALICE, BOB], addressing=addressing) if in_group else None
    async with api.events() as events:
        call_id = await simulator.call(ALICE, video=True, group=group, addressing=addressing)
        ringing = (await events.until("call.changed", call_id=call_id, status="ringing"))["data"]
        assert (ringing["person"], ringing["chat"], ringing["video"], ringing["backlog"]) == (
            ALICE,
            group or ALICE,
            True,
            False,
        )
        assert (await api("POST", f"{CALLS}/{call_id}/reject")).data == {}
        await events.until("call.changed", call_id=call_id, status="rejected")
    async with asyncio.timeout(LIMIT):
        while await simulator.call_state(call_id) != "rejected":
            await asyncio.sleep(0.02)
    again = await api("POST", f"{CALLS}/{call_id}/reject")
    assert (again.status, again.body["error_code"]) == (404, "call_not_found")


@pytest.mark.parametrize(("how", "status"), [("timeout", "missed"), ("accepted", "accepted"), ("rejected", "rejected")])
async def test_what_becomes_of_a_call(simulator: Simulator, api: Api, how: CallEnd, status: str) -> None:
    async with api.events() as events:
        call_id = await simulator.call(ALICE)
        await events.until("call.changed", call_id=call_id, status="ringing")
        await simulator.end_call(call_id, how)
        await events.until("call.changed", call_id=call_id, status=status)


async def test_a_call_that_came_while_nobody_listened_is_told_later(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        since = events.hello["sequence"]
    call_id = await simulator.call(ALICE)
    await simulator.end_call(call_id, "hang-up")
    async with api.events(f"?since={since}") as events:
        await events.until("call.changed", call_id=call_id, status="ringing")
        await events.until("call.changed", call_id=call_id, status="missed")
