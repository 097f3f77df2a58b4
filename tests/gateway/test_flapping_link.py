"""A link that flaps: each message gets through once, and nothing is left behind in gateway or engine, however the link ended.

`FLAPS=720` is more than an hour of a really bad link has (scripts/soak).
"""

import asyncio
from collections.abc import Callable
import json
import os
from pathlib import Path

import pytest

from tests.gateway.conftest import ALICE, Api, Events, Json
from tests.gateway.test_with_whatsapp import caller, link, simulator
from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.probe import Reading, probed, reading

__all__ = ["simulator"]

KINDS: tuple[dict[str, object], ...] = (
    {"drop": True},
    {"refuse_connections": True, "drop": True},
    {"silent": True},
    {"acks": "none"},
    {"upgrade_status": 503, "drop": True},
    {"stream_error": 503},
    {"stream_error": 515},
)
"""What ends a link, in turn; the fourth does not by itself."""
FLAPS = int(os.environ.get("FLAPS", "21"))
WARM_UP = FLAPS // 3
"""Flaps before the first reading: what is loaded at its first use is there, and caches are filled."""
QUICK = {
    "ENGINE_KEEPALIVE_MS": "400",
    "ENGINE_OPEN_LIMIT_MS": "2000",
    "ENGINE_QUERY_LIMIT_MS": "2000",
    # an hour of flaps in some minutes would be a storm, which the engine sits out
    "ENGINE_STORM_LOGINS": "1000000",
}
REST_LIMIT = 30.0
FLAT = 1.05


class Listener:
    """A consumer of events that does not care in which order they come."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._seen: list[Json] = []

    async def sees(self, kind: str, **data: object) -> Json:
        """Waits for an event of a kind whose data holds these values, unless it came before."""

        def wanted(event: Json) -> bool:
            return bool(event["type"] == kind and data.items() <= event["data"].items())

        for event in self._seen:
            if wanted(event):
                return event
        while True:
            self._seen.append(event := await self._events.next())
            if wanted(event):
                return event


async def flap(simulator: Simulator, api: Api, fault: dict[str, object], text: str) -> None:
    """Ends the link, with one message on its way out and one in, and waits until both have arrived."""
    async with api.events("?consumer=home") as events:
        listener = Listener(events)
        await simulator.faults(**fault)
        sent = (await api.send(text)).data["messageId"]
        written = await simulator.contact_send(ALICE, text)
        if "acks" in fault:
            await simulator.faults(drop=True)
        await listener.sees("account.state", state="reconnecting")
        await simulator.clear_faults()
        received = await listener.sees("message.received", message_id=written)
        await listener.sees("message.status", messageId=sent, status="delivered")
        await events.socket.send_json({"ack": received["sequence"]})


async def at_rest(bridge: Bridge, folder: Path, wanted: Callable[[list[Reading]], bool]) -> Reading:
    """Reads until it is as wanted: what an ended connection waited for runs into its limit first."""
    taken: list[Reading] = []
    async with asyncio.timeout(REST_LIMIT):
        while not taken or not wanted(taken):
            await asyncio.sleep(0.5)
            taken.append(await reading(bridge, folder))
    return taken[-1]


def steady(taken: list[Reading]) -> bool:
    """Whether no timer has ended for longer than any limit is; a keepalive that is under way has one more."""
    timers = [one.counts["timers of the engine"] for one in taken]
    return timers[-1] == min(timers) and timers.index(min(timers)) <= len(timers) - 6


@pytest.mark.timeout(60 + 3 * FLAPS)
async def test_a_flapping_link_loses_nothing_and_leaves_nothing_behind(simulator: Simulator, tmp_path: Path) -> None:
    settings = QUICK | probed(tmp_path)
    async with (
        running_bridge(tmp_path / "data", simulator, port=0, **settings) as bridge,
        caller(bridge) as api,
    ):
        await link(api, simulator)
        for number in range(WARM_UP):
            await flap(simulator, api, KINDS[number % len(KINDS)], f"{number}")
        before = await at_rest(bridge, tmp_path, steady)
        for number in range(WARM_UP, FLAPS):
            await flap(simulator, api, KINDS[number % len(KINDS)], f"{number}")
        last: Reading | None = None

        def no_more_than_before(taken: list[Reading]) -> bool:
            nonlocal last
            last = taken[-1]
            return not last.more_than(before)

        try:
            after = await at_rest(bridge, tmp_path, no_more_than_before)
        except TimeoutError:
            assert last is not None
            pytest.fail(f"left behind after {FLAPS} flaps: {last.more_than(before)}")
        texts = [message.text for message in await simulator.contact_messages(ALICE)]
        assert texts == [f"{number}" for number in range(FLAPS)]
        figures = {name: [size, after.sizes[name]] for name, size in before.sizes.items()}
        print(f"flaps {FLAPS}: {json.dumps(figures | {'counts': [before.counts, after.counts]})}")  # noqa: T201 - the figures are wanted
        assert {name: sizes for name, sizes in figures.items() if sizes[1] > sizes[0] * FLAT} == {}
        assert await taken_in(api) == FLAPS


async def taken_in(api: Api) -> int:
    """Returns how many messages the gateway has taken in."""
    lines = (await api("GET", "/metrics")).body.decode().splitlines()
    return sum(
        int(float(line.split()[-1])) for line in lines if line.startswith("whatsapp_bridge_messages_received_total{")
    )
