"""Nothing lost, nothing twice, nothing out of order in bad weather: engine, gateway and Home Assistant are killed, links dropped and refused.

`CHAOS_MESSAGES=500` is the full size (scripts/chaos), `CHAOS_SEED` makes it another storm.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
import json
import os
from pathlib import Path
import time
from typing import Any

import aiohttp
import pytest

from tests.e2e.chaos.weather import AUTOMATIONS, CONFIGURATION, Weather, add_recorder, kept_running
from tests.simulator.client import running_simulator
from tests.stack.config_flow import begin_pairing, finished_flow
from tests.stack.home_assistant import HomeAssistant, running_home_assistant

ALICE, BOB, CAROL = "+15551230001", "+15551230002", "+15551230003"
MESSAGES = int(os.environ.get("CHAOS_MESSAGES", "40"))
SEED = int(os.environ.get("CHAOS_SEED", "20261124"))
STARTED = "started"
"""What the recorder writes when Home Assistant starts."""
STROKES = max(20, MESSAGES * 36 // 100)
PAUSES = (0.2, 1.6)
"""Seconds between strokes; messages are spread over the same time."""
PAUSE = STROKES * sum(PAUSES) / 2 / MESSAGES
SETTLED = frozenset({"sent", "delivered", "read"})
PATIENCE = 90.0
"""Seconds that all parts get after the storm: Home Assistant tries a gateway that it could not reach again after half a minute."""
LIMIT = 400.0 + MESSAGES * 3


@asynccontextmanager
async def house_in_bad_weather(folder: Path) -> AsyncIterator[Weather]:
    """A house that is linked and kept running."""
    async with running_simulator() as simulator:
        for phone, name in ((ALICE, "Alice"), (BOB, "Bob"), (CAROL, "Carol")):
            await simulator.add_contact(phone, name)
        weather = Weather(simulator, folder, SEED)
        async with kept_running(weather.gateway):
            add_recorder(folder / "config")
            async with running_home_assistant(folder / "config", AUTOMATIONS, CONFIGURATION) as home_assistant:
                step = await begin_pairing(home_assistant, await weather.gateway.up())
                await simulator.scan_qr(step["qr_text"])
                await finished_flow(home_assistant, step["flow_id"])
            weather.keep_home_assistant(home_assistant)
            assert weather.home_assistant is not None
            async with kept_running(weather.home_assistant):
                await _answers(await weather.home_assistant.up())
                yield weather


async def _answers(home_assistant: HomeAssistant) -> None:
    """Waits until Home Assistant can be asked to send."""
    while True:
        with suppress(aiohttp.ClientError, TimeoutError):
            if (await home_assistant.request("GET", "/api/config"))["state"] == "RUNNING":
                return
        await asyncio.sleep(0.1)


async def _sent_by_the_api(weather: Weather, account: str) -> dict[str, list[str]]:
    """Sends what a careful caller sends, and returns the ids of each chat in the order of acceptance."""
    accepted: dict[str, list[str]] = {ALICE: [], BOB: []}
    for number in range(MESSAGES):
        to = (ALICE, BOB)[number % 2]
        body = {"type": "text", "to": to, "text": f"{number}"}
        path = f"/v1/accounts/{account}/messages"
        answered = await weather.call("POST", path, body, key=f"key-{number}")
        accepted[to].append(answered["data"]["messageId"])
        await asyncio.sleep(weather.chance.uniform(0, 2 * PAUSE))
    return accepted


async def _sent_by_home_assistant(weather: Weather, over: asyncio.Event) -> dict[str, bool]:
    """Sends by `notify.whatsapp` as long as the storm lasts; returns each text, and whether Home Assistant said that it was accepted."""
    assert weather.home_assistant is not None
    said: dict[str, bool] = {}
    while not over.is_set():
        home_assistant = await weather.home_assistant.up()
        text = f"from Home Assistant {len(said)}"
        try:
            await home_assistant.call("notify.whatsapp", message=text, target=CAROL)
            said[text] = True
        except aiohttp.ClientResponseError as error:
            if error.status != 400:  # 400: the action is not there yet
                said[text] = False
        except aiohttp.ClientError, TimeoutError, OSError:
            said[text] = False
        await asyncio.sleep(0.5)
    return said


async def _written_by_people(weather: Weather) -> dict[str, list[str]]:
    """People write; returns the ids of each in order."""
    written: dict[str, list[str]] = {ALICE: [], BOB: []}
    for number in range(MESSAGES):
        phone = (ALICE, BOB)[number % 2]
        written[phone].append(await weather.simulator.contact_send(phone, f"{number}"))
        await asyncio.sleep(weather.chance.uniform(0, 2 * PAUSE))
    return written


def _recorded(folder: Path) -> list[str]:
    """What Home Assistant's automation has seen, in order."""
    file = folder / "config/recorded"
    return file.read_text().split() if file.exists() else []


async def _none_left(missing: Callable[[], Awaitable[set[Any]]], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while left := await missing():
        assert time.monotonic() < deadline, f"{what}: {left}"
        await asyncio.sleep(0.1)


async def _status(weather: Weather, account: str, message_id: str) -> str:
    return str((await weather.call("GET", f"/v1/accounts/{account}/messages/{message_id}"))["data"]["status"])


def _without_those_in_work(recorded: list[str]) -> tuple[list[str], int]:
    """Leaves out what the automation had just seen when Home Assistant was killed, before it could say so: that may come again.

    Returns the rest and how many those were.
    """
    rest: list[str] = []
    again = 0
    for index, line in enumerate(recorded):
        if line != STARTED:
            rest.append(line)
            continue
        later = set(recorded[index:])
        while rest and rest[-1] in later:
            rest.pop()
            again += 1
    return rest, again


async def _received(weather: Weather, account: str, phone: str, ids: list[str]) -> list[str]:
    """The ids of what a contact's phone has decrypted, when all of `ids` are among them."""

    async def unread() -> set[tuple[str, str]]:
        missing = set(ids) - {message.message_id for message in await weather.simulator.contact_messages(phone)}
        return {(one, await _status(weather, account, one)) for one in missing}

    await _none_left(unread, "accepted and never read")
    return [message.message_id for message in await weather.simulator.contact_messages(phone)]


@pytest.mark.timeout(LIMIT + 60)
async def test_nothing_is_lost_nothing_comes_twice_and_all_in_order(tmp_path: Path) -> None:
    # in one task with the test, so that a house that falls down ends it
    async with asyncio.timeout(LIMIT), house_in_bad_weather(tmp_path) as weather:
        await _storm(weather, tmp_path)


async def _storm(weather: Weather, tmp_path: Path) -> None:
    account = (await weather.call("GET", "/v1/accounts"))["data"]["accounts"][0]["id"]
    over = asyncio.Event()
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        storm = tasks.create_task(weather.storm(STROKES, *PAUSES))
        storm.add_done_callback(lambda _: over.set())
        by_the_api = tasks.create_task(_sent_by_the_api(weather, account))
        by_home_assistant = tasks.create_task(_sent_by_home_assistant(weather, over))
        by_people = tasks.create_task(_written_by_people(weather))
    weathered = time.monotonic() - began

    # out: each accepted message once, in order
    for to, ids in by_the_api.result().items():
        assert await _received(weather, account, to, ids) == ids
        for message_id in ids:
            deadline = time.monotonic() + PATIENCE
            # WhatsApp's word may have got lost: then it is sent once more, and its recipient drops it
            while (status := await _status(weather, account, message_id)) in {"queued", "sending"}:
                assert time.monotonic() < deadline, f"read, and never settled: {message_id} {status}"
                await asyncio.sleep(0.1)
            assert status in SETTLED
    said = by_home_assistant.result()
    accepted = [text for text, was in said.items() if was]

    async def unread() -> set[str]:
        return set(accepted) - {str(message.text) for message in await weather.simulator.contact_messages(CAROL)}

    await _none_left(unread, "accepted by Home Assistant and never read")
    read = [str(message.text) for message in await weather.simulator.contact_messages(CAROL)]
    assert [text for text, times in Counter(read).items() if times > 1] == []
    assert [text for text in read if text in accepted] == accepted

    # in: each reaches the automation once, in order
    written = by_people.result()
    everything = {message_id for ids in written.values() for message_id in ids}

    async def unseen() -> set[tuple[str, int]]:
        missing = everything - set(_recorded(tmp_path))
        return {(phone, ids.index(one)) for phone, ids in written.items() for one in ids if one in missing}

    await _none_left(unseen, "written and never seen by the automation")
    recovered = time.monotonic() - began - weathered
    recorded, in_work = _without_those_in_work(_recorded(tmp_path))
    twice = [message_id for message_id, times in Counter(recorded).items() if times > 1]
    for ids in written.values():
        seen = list(dict.fromkeys(message_id for message_id in recorded if message_id in ids))
        assert seen == ids
    state = await weather.simulator.state()
    assert state.violations == []
    assert len(state.linked_devices) == 1, "linked once, and never again"
    assert twice == []
    figures = {
        "seed": SEED,
        "out": MESSAGES,
        "in": MESSAGES,
        "by Home Assistant": {"accepted": len(accepted), "unknown": len(said) - len(accepted), "read": len(read)},
        "strokes": dict(sorted(weather.strokes.items())),
        "kills": weather.kills,
        "seconds of storm": round(weathered),
        "seconds until all was there": round(recovered, 1),
        "lost": 0,
        "twice": 0,
        "in work when Home Assistant was killed, and told again": in_work,
        "out of order": 0,
        "undecryptable": 0,
        "retries": {name: count for name, count in state.counts.items() if "retr" in name},
    }
    print(f"\nchaos: {json.dumps(figures)}")  # noqa: T201 - the figures are wanted
