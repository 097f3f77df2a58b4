"""What other bridges lose when it is measured, each loss once, with gateway, engine and simulator (docs/durability.md, "Measured beside others")."""

import asyncio
from pathlib import Path
import time

from tests.gateway.conftest import ALICE, Api
from tests.gateway.test_with_whatsapp import KEEPALIVE, api, bridge, caller, link, reaches, simulator
from tests.simulator.client import Simulator
from tests.stack.bridge import running_bridge

__all__ = ["api", "bridge", "simulator"]

NOTICED = 2.5 * float(KEEPALIVE) / 1000
"""Seconds of silence after which a link is given up: 37.5 with the real keepalive of 15 s."""
SLACK = 3.0
LEAST_WAIT = 5.0
"""No caller waits longer than this for an answer that it did not ask to wait for."""


async def read_by_alice(simulator: Simulator, count: int) -> list[str | None]:
    """Waits until Alice has so many messages, and returns all texts that she has."""
    async with asyncio.timeout(60):
        while len(messages := await simulator.contact_messages(ALICE)) < count:
            await asyncio.sleep(0.05)
    return [message.text for message in messages]


async def test_five_messages_on_a_link_that_dies_under_each_are_each_read_once(simulator: Simulator, api: Api) -> None:
    for number in range(5):
        await simulator.faults(silent=True)
        reply = await api.send(f"{number}")
        assert reply.status == 202
        await simulator.faults(drop=True)
        await simulator.clear_faults()
        await reaches(api, "connected")
        assert (await api.send(f"behind {number}", wait=20)).status == 200
    texts = await read_by_alice(simulator, 10)
    assert texts == [text for number in range(5) for text in (f"{number}", f"behind {number}")]


async def test_a_half_open_link_is_noticed_and_nobody_hangs(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        await simulator.faults(silent=True)
        began = time.monotonic()
        replies = [await api.send(f"{number}") for number in range(3)]
        assert [reply.status for reply in replies] == [202] * 3
        assert time.monotonic() - began < LEAST_WAIT
        await events.until("account.state", state="reconnecting")
        assert time.monotonic() - began < NOTICED + SLACK
        await simulator.clear_faults()
        await events.until("account.state", state="connected")
    assert await read_by_alice(simulator, 3) == ["0", "1", "2"]


async def test_a_server_that_answers_503_is_tried_until_it_does_not(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        await simulator.faults(upgrade_status=503, drop=True)
        await events.until("account.state", reason="server_unavailable")
        assert (await api.send("meanwhile")).status == 202
        cleared = time.monotonic()
        await simulator.clear_faults()
        await events.until("account.state", state="connected")
        assert time.monotonic() - cleared < 30
    assert await read_by_alice(simulator, 1) == ["meanwhile"]


async def test_the_end_of_a_link_is_told_within_a_second(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        began = time.monotonic()
        await simulator.unlink()
        await events.until("account.state", state="logged_out")
        assert time.monotonic() - began < 1


async def test_what_came_before_a_kill_and_while_all_was_down_reaches_a_consumer_that_was_away_once_and_in_order(
    simulator: Simulator, tmp_path: Path
) -> None:
    async with running_bridge(tmp_path, simulator, ENGINE_KEEPALIVE_MS=KEEPALIVE) as bridge:
        async with caller(bridge) as api:
            await link(api, simulator)
            async with api.events("?consumer=home"):
                pass
        written = [await simulator.contact_send(ALICE, f"{number}") for number in range(5)]
        bridge.process.kill()
        await bridge.process.ended()
    written += [await simulator.contact_send(ALICE, f"{number}") for number in range(5, 15)]
    async with (
        running_bridge(tmp_path, simulator, ENGINE_KEEPALIVE_MS=KEEPALIVE) as bridge,
        caller(bridge) as api,
        api.events("?consumer=home") as events,
    ):
        told = [(await events.next("message.received"))["data"]["message_id"] for _ in written]
        assert told == written
        written.append(await simulator.contact_send(ALICE, "and no other before this"))
        assert (await events.next("message.received"))["data"]["message_id"] == written[-1]


async def test_each_text_of_four_callers_at_once_is_decrypted(simulator: Simulator, api: Api) -> None:
    async def calls(name: int) -> None:
        for number in range(10):
            assert (await api.send(f"{name} {number}", wait=20)).status == 200

    await asyncio.gather(*(calls(name) for name in range(4)))
    texts = await read_by_alice(simulator, 40)
    assert sorted(str(text) for text in texts) == sorted(
        f"{name} {number}" for name in range(4) for number in range(10)
    )
