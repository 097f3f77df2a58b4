"""How linking can end badly: each ending leaves a named state and a page that says what to do, and the next attempt works.

docs/pairing.md has the same list for people.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
import json
import os
from pathlib import Path
import re
import signal
from typing import Any

import aiohttp
from homeassistant.core import HomeAssistant
import pytest
from yarl import URL

from tests.integration.conftest import SECOND_PHONE
from tests.integration.dialog import (
    CONNECTIVITY,
    LIMIT,
    begin,
    current_step,
    is_state,
    link_new_account,
    qr_text,
    scan,
    shown_code,
    step_after_progress,
    until,
)
from tests.simulator.client import Simulator, SimulatorError
from tests.stack.bridge import Bridge, running_bridge

ROOT = Path(__file__).resolve().parents[2]
TEXTS = json.loads((ROOT / "custom_components/whatsapp_gateway/translations/en.json").read_text())["config"]["step"]
SHORT = {"ENGINE_FIRST_QR_MS": "1500", "ENGINE_NEXT_QR_MS": "1"}
QUICK_PHONE = {"ENGINE_PASSKEY_ANSWER_MS": "700"}
SLOW_USER = {"ENGINE_PASSKEY_USER_MS": "1500"}
COMPARING = {"ENGINE_HANDOFF_MS": "0"}


@dataclass
class Try:
    """A dialog, and all that stands behind it."""

    hass: HomeAssistant
    simulator: Simulator
    bridge: Bridge
    flow_id: str

    async def request(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.bridge.token}"}
        url = f"{self.bridge.url}/v1/accounts/whatsapp{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=body, headers=headers) as response,
        ):
            return (await response.json())["data"]

    async def shown(self) -> str:
        """Waits until the dialog shows a QR code; returns its text."""
        await shown_code(self.hass, self.flow_id)
        return await qr_text(self.bridge)

    async def scanned(self, refusal: str | None = None) -> None:
        """The phone scans the code on the screen; `refusal` is what it then says."""
        text = await self.shown()
        if refusal is None:
            await self.simulator.scan_qr(text)
            return
        with pytest.raises(SimulatorError, match=refusal):
            await self.simulator.scan_qr(text)

    async def code(self) -> str:
        """Waits until the dialog shows a code to type."""
        await until(lambda: current_step(self.hass, self.flow_id)["progress_action"] == "type_code", "a code is shown")
        return str(current_step(self.hass, self.flow_id)["description_placeholders"]["code"].replace("-", ""))

    async def at(self, step_id: str) -> None:
        step = await step_after_progress(self.hass, self.flow_id)
        assert step["step_id"] == step_id, step

    async def answer(self, **given: Any) -> None:
        await self.hass.config_entries.flow.async_configure(self.flow_id, given)

    async def over(self) -> None:
        """Waits until the pairing has ended."""
        async with asyncio.timeout(LIMIT):
            while (await self.request("GET", ""))["pairing"]["error_code"] is None:
                await asyncio.sleep(0.02)

    async def agreed(self) -> None:
        """The user brings the passkey."""
        await self.scanned()
        await self.at("passkey")
        await self.answer(assertion=json.dumps(await self.simulator.passkey_assertion()))

    async def compared(self, choice: str) -> None:
        await self.agreed()
        await self.at("compare_codes")
        await self.answer(next_step_id=choice)


type Story = Callable[[Try], Awaitable[None]]


async def nothing(_: Try) -> None:
    """Nobody does anything."""


async def shown(attempt: Try) -> None:
    await attempt.shown()


async def cancelled(attempt: Try) -> None:
    await attempt.shown()
    await attempt.request("DELETE", "/pairing")


async def dropped(attempt: Try) -> None:
    await attempt.shown()
    await attempt.simulator.faults(drop=True)


async def scanned_late(attempt: Try) -> None:
    old = await attempt.shown()
    await attempt.at("pairing_expired")
    with pytest.raises(SimulatorError, match=r"stale_qr|connection_lost"):
        await attempt.simulator.scan_qr(old)


async def renewed_after_scan(attempt: Try) -> None:
    await attempt.simulator.faults(refresh_after_scan=True)
    await attempt.scanned("secret_retired")


async def other_phone(attempt: Try) -> None:
    text = await attempt.shown()
    with pytest.raises(SimulatorError, match="companion_refused"):
        await attempt.simulator.scan_qr(text, phone=SECOND_PHONE)


async def wrong_code(attempt: Try) -> None:
    code = await attempt.code()
    with pytest.raises(SimulatorError, match="wrong_code"):
        await attempt.simulator.enter_code("AAAAAAAA" if code != "AAAAAAAA" else "BBBBBBBB")


async def someone_elses_code(attempt: Try) -> None:
    code = await attempt.code()
    with pytest.raises(SimulatorError, match="no_code_requested"):
        await attempt.simulator.enter_code(code)


async def asked_for_passkey(attempt: Try) -> None:
    await attempt.scanned()
    await attempt.at("passkey")
    await passkey_is_over(attempt)


async def dropped_at_passkey(attempt: Try) -> None:
    await attempt.scanned()
    await attempt.at("passkey")
    await attempt.simulator.faults(drop=True)
    await passkey_is_over(attempt)


async def passkey_is_over(attempt: Try) -> None:
    """The user brings the passkey too late: any answer leads on to how it ended."""

    await attempt.over()
    await attempt.answer(assertion=json.dumps(await stale_assertion()))


async def stale_assertion() -> dict[str, Any]:
    example: dict[str, Any] = json.loads((ROOT / "tests/golden/api/request-pairing-passkey.json").read_text())
    return example


async def not_compared(attempt: Try) -> None:
    await attempt.agreed()
    await attempt.at("compare_codes")
    await attempt.over()
    await attempt.answer(next_step_id="codes_same")


def refused_login(code: int) -> Story:
    async def story(attempt: Try) -> None:
        await attempt.shown()
        await attempt.simulator.faults(login_failure=code)
        await attempt.scanned()

    return story


async def engine_killed(attempt: Try) -> None:
    await attempt.shown()
    pid = attempt.bridge.process.pid
    [engine] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.kill(int(engine), signal.SIGKILL)


async def gateway_killed(attempt: Try) -> None:
    await attempt.shown()
    attempt.bridge.process.kill()


@dataclass(frozen=True)
class Ending:
    """`what` stands in the first column of the table in docs/pairing.md; `code` in the second, None where there is none."""

    what: str
    code: str | None
    page: str
    story: Story = shown
    faults: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    by_code: str | None = None
    """the number that a code is asked for"""
    state: tuple[str, str | None] = ("logged_out", "not_paired")
    again: bool = False
    """whether the account was linked before"""
    restart: bool = False
    """whether the gateway is started anew, as it was killed or updated"""


OWNER = "+15550001000"
NOT_ON_WHATSAPP = "+15559990000"
NO_REFS = {"qr_refs": 1}

ENDINGS = [
    Ending("Nobody scans", "pairing_expired", "pairing_expired", faults=NO_REFS, settings=SHORT),
    Ending("The phone scans a code that is over", "pairing_expired", "pairing_expired", scanned_late, NO_REFS, SHORT),
    Ending(
        "The phone has four linked devices already",
        "pairing_expired",
        "pairing_expired",
        lambda attempt: attempt.scanned("device_limit"),
        NO_REFS | {"device_limit": True},
        SHORT,
    ),
    Ending(
        "WhatsApp renews the code right after the scan, and nobody scans the new one",
        "pairing_expired",
        "pairing_expired",
        renewed_after_scan,
        NO_REFS,
        SHORT,
    ),
    Ending(
        "The phone goes by a secret that was renewed",
        "pairing_code_outdated",
        "pairing_code_outdated",
        lambda attempt: attempt.scanned("connection_lost"),
        {"retired_secret": True},
    ),
    Ending(
        "Another phone scans, of an account that was linked before",
        "pairing_other_number",
        "pairing_other_number",
        other_phone,
        again=True,
    ),
    Ending(
        "A code for a number that is not on WhatsApp",
        "pairing_number_refused",
        "pairing_number_refused",
        nothing,
        by_code=NOT_ON_WHATSAPP,
    ),
    Ending(
        "Too many codes were asked for",
        "pairing_rate_limited",
        "pairing_rate_limited",
        nothing,
        {"pairing_code_error": 429, "pairing_code_backoff": 7200},
        by_code=OWNER,
    ),
    Ending(
        "WhatsApp refuses a code for another reason",
        "pairing_refused",
        "pairing_refused",
        nothing,
        {"pairing_code_error": 503},
        by_code=OWNER,
    ),
    Ending(
        "WhatsApp does not answer the request for a code",
        "connect_timeout",
        "pairing_connection_lost",
        nothing,
        settings={"ENGINE_CODE_ANSWER_MS": "0"},
        by_code=OWNER,
    ),
    Ending(
        "Nobody types the code",
        "pairing_expired",
        "pairing_expired",
        nothing,
        NO_REFS,
        {"ENGINE_FIRST_QR_MS": "1500"},
        by_code=OWNER,
    ),
    Ending(
        "A wrong code is typed",
        "pairing_expired",
        "pairing_expired",
        wrong_code,
        NO_REFS,
        {"ENGINE_FIRST_QR_MS": "2500"},
        by_code=OWNER,
    ),
    Ending(
        "The code is typed on a phone of another number",
        "pairing_expired",
        "pairing_expired",
        someone_elses_code,
        NO_REFS,
        {"ENGINE_FIRST_QR_MS": "2500"},
        by_code=SECOND_PHONE,
    ),
    Ending("The link is lost while a code is shown", "connection_lost", "pairing_connection_lost", dropped),
    Ending(
        "WhatsApp cannot be reached",
        "connection_lost",
        "pairing_connection_lost",
        nothing,
        {"refuse_connections": True},
    ),
    Ending(
        "WhatsApp answers nothing",
        "connect_timeout",
        "pairing_connection_lost",
        nothing,
        {"silent": True},
        {"ENGINE_OPEN_LIMIT_MS": "3000"},
    ),
    Ending(
        "WhatsApp has a disturbance",
        "server_unavailable",
        "pairing_whatsapp_down",
        nothing,
        {"upgrade_status": 503},
    ),
    Ending(
        "WhatsApp no longer takes this version",
        "client_outdated",
        "pairing_outdated",
        nothing,
        {"login_failure": 405},
    ),
    Ending("WhatsApp has blocked the client", "account_blocked", "pairing_blocked", nothing, {"login_failure": 403}),
    Ending("It is cancelled in another place", None, "pairing_cancelled", cancelled),
    Ending(
        "Nobody brings the passkey",
        "passkey_timeout",
        "pairing_passkey_timeout",
        asked_for_passkey,
        {"passkey": "required"},
        SLOW_USER,
    ),
    Ending(
        "WhatsApp does not take the passkey",
        "passkey_refused",
        "pairing_passkey_refused",
        Try.agreed,
        {"passkey": "refused"},
    ),
    Ending(
        "The phone does not go on after the passkey",
        "passkey_no_continuation",
        "pairing_passkey_stalled",
        Try.agreed,
        {"passkey": "no-continuation"},
        QUICK_PHONE,
    ),
    Ending(
        "The phone takes our keys and does not link",
        "passkey_no_continuation",
        "pairing_passkey_stalled",
        Try.agreed,
        {"passkey": "no-end"},
        QUICK_PHONE,
    ),
    Ending(
        "WhatsApp asks for the passkey in an unknown form",
        "passkey_request_invalid",
        "pairing_passkey_unknown",
        Try.scanned,
        {"passkey": "options-unreadable"},
    ),
    Ending(
        "The phone goes on in an unknown form",
        "passkey_request_invalid",
        "pairing_passkey_unknown",
        Try.agreed,
        {"passkey": "continuation-unreadable"},
    ),
    Ending(
        "The user says that the codes differ",
        "pairing_not_confirmed",
        "pairing_not_confirmed",
        lambda attempt: attempt.compared("codes_differ"),
        {"passkey": "required"},
        COMPARING,
    ),
    Ending(
        "Nobody compares the codes",
        "confirmation_timeout",
        "pairing_confirmation_timeout",
        not_compared,
        {"passkey": "required"},
        COMPARING | {"ENGINE_PASSKEY_USER_MS": "3000"},
    ),
    Ending(
        "The link is lost while the passkey is awaited",
        "connection_lost",
        "pairing_connection_lost",
        dropped_at_passkey,
        {"passkey": "required"},
    ),
    Ending(
        "The phone removes the new device at once",
        None,
        "pairing_unlinked",
        refused_login(401),
        state=("logged_out", "unlinked"),
    ),
    Ending(
        "The number is blocked at the first login",
        None,
        "pairing_blocked",
        refused_login(403),
        state=("blocked", "banned"),
    ),
    Ending(
        "The version is refused at the first login",
        None,
        "pairing_outdated",
        refused_login(405),
        state=("reconnecting", "client_outdated"),
        restart=True,
    ),
    Ending(
        "Another program takes the link at the first login",
        None,
        "pairing_replaced",
        refused_login(440),
        state=("replaced", "replaced"),
    ),
    Ending("The engine is killed", "engine_unavailable", "pairing_engine_restarted", engine_killed),
    Ending("The gateway is killed", None, "pairing_gateway_lost", gateway_killed, restart=True),
]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.what)
async def test_it_says_what_to_do_and_the_next_attempt_works(
    hass: HomeAssistant, simulator: Simulator, tmp_path: Path, stack: AsyncExitStack, ending: Ending
) -> None:
    bridge = await stack.enter_async_context(running_bridge(tmp_path / "bridge", simulator, port=0, **ending.settings))
    if ending.again:
        await link_new_account(hass, bridge, simulator)
        await simulator.unlink()
        await until(lambda: bool(hass.config_entries.flow.async_progress()), "the dialog is offered")
        [flow] = hass.config_entries.flow.async_progress()
        await hass.config_entries.flow.async_configure(flow["flow_id"], {})
        await scan(hass, flow["flow_id"])
    await simulator.faults(**ending.faults)
    if not ending.again:
        flow = await begin(hass, way="code" if ending.by_code else "scan", url=bridge.url, token=bridge.token)
    attempt = Try(hass, simulator, bridge, flow["flow_id"])
    if ending.by_code:
        await attempt.answer(phone=ending.by_code)

    await ending.story(attempt)
    await attempt.at(ending.page)

    placeholders = current_step(hass, attempt.flow_id)["description_placeholders"]
    sentence = TEXTS[ending.page]["description"].format(**placeholders)
    assert sentence.endswith((".", "in.")), sentence
    if ending.page == "pairing_rate_limited":
        assert re.search(r"until about \d\d:\d\d,", sentence)
    if ending.story is not gateway_killed:
        await settled(attempt, ending)
    await simulator.clear_faults()
    if ending.restart:
        if ending.story is not gateway_killed:
            bridge.process.kill()
        await bridge.process.child.wait()
        port = URL(bridge.url).port
        assert port is not None
        attempt.bridge = await stack.enter_async_context(running_bridge(tmp_path / "bridge", simulator, port=port))
    if ending.story is gateway_killed:
        await settled(attempt, ending)

    await scan(hass, attempt.flow_id)
    if ending.state[0] != "reconnecting":  # that one is linked, and waits for an update
        await attempt.scanned()
    step = await step_after_progress(hass, attempt.flow_id)
    assert step["type"] == "finished", step
    await hass.async_block_till_done()
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "the account is connected")
    [entry] = hass.config_entries.async_entries("whatsapp_gateway")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_an_account_that_is_removed_in_another_place_is_said(
    hass: HomeAssistant, simulator: Simulator, bridge: Bridge
) -> None:
    step = await begin(hass, url=bridge.url, token=bridge.token)
    attempt = Try(hass, simulator, bridge, step["flow_id"])
    await attempt.shown()
    await attempt.request("DELETE", "")
    step = await step_after_progress(hass, attempt.flow_id)
    if step["step_id"] == "pairing_cancelled":  # that the attempt is over was told before the account was gone
        await scan(hass, attempt.flow_id)
        step = await step_after_progress(hass, attempt.flow_id)
    assert step["step_id"] == "pairing_account_gone"
    hass.config_entries.flow.async_abort(attempt.flow_id)
    await hass.async_block_till_done(wait_background_tasks=True)


async def settled(attempt: Try, ending: Ending) -> None:
    """The account is in the state that is documented, and its pairing names why."""

    async def account() -> Any:
        with suppress(aiohttp.ClientError):
            return await attempt.request("GET", "")

    data = await account()
    with suppress(TimeoutError):
        async with asyncio.timeout(LIMIT):
            while data is None or (data["state"], data["reason"]) != ending.state:
                await asyncio.sleep(0.02)
                data = await account()
    assert (data["state"], data["reason"]) == ending.state
    if ending.code is not None:
        assert data["pairing"]["error_code"] == ending.code


def test_the_document_lists_the_same() -> None:
    table = (ROOT / "docs/pairing.md").read_text().split("## How it can end")[1]
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in table.splitlines() if line.startswith("| ")]
    told = {what: (code.strip("`"), page) for what, code, page in rows[1:] if not what.startswith("---")}
    ours = {ending.what: (ending.code or f"state {ending.state[0]}", TEXTS[ending.page]["title"]) for ending in ENDINGS}
    ours |= {"It is cancelled in another place": ("status cancelled", TEXTS["pairing_cancelled"]["title"])}
    assert told == ours
