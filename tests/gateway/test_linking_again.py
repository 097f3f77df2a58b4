"""An account that lost its link is linked again: by its own number alone, and with all that it had."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.conftest import ALICE, Api
from tests.gateway.test_with_whatsapp import LIMIT, caller, link, pairing_reaches, reaches, shown_qr
from tests.simulator.client import Simulator, SimulatorError, running_simulator
from tests.stack.bridge import running_bridge

SECOND_PHONE = "+15551230055"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        await simulator.add_contact(SECOND_PHONE, "Second phone")
        yield simulator
        state = await simulator.state()
        assert state.violations == []


async def unlinked(api: Api, simulator: Simulator) -> None:
    await link(api, simulator)
    await simulator.unlink()
    await reaches(api, "logged_out")


async def begin(api: Api, **body: str) -> Any:
    return await api("POST", "/v1/accounts/home/pairing", body)


async def test_the_number_stays_known_also_after_a_restart(simulator: Simulator, tmp_path: Path) -> None:
    async with running_bridge(tmp_path, simulator) as bridge, caller(bridge) as api:
        await unlinked(api, simulator)
        assert (await api("GET", "/v1/accounts/home")).data["phone"] == simulator.phone
    async with running_bridge(tmp_path, simulator) as bridge, caller(bridge) as api:
        await reaches(api, "logged_out")
        assert (await api("GET", "/v1/accounts/home")).data["phone"] == simulator.phone


async def test_another_number_is_refused_and_its_phone_has_no_linked_device(
    simulator: Simulator, tmp_path: Path
) -> None:
    async with running_bridge(tmp_path, simulator) as bridge, caller(bridge) as api:
        await unlinked(api, simulator)
        refused = await begin(api, method="code", phone=SECOND_PHONE)
        assert (refused.status, refused.body["error_code"]) == (409, "pairing_other_number")

        await begin(api, method="qr")
        with pytest.raises(SimulatorError, match="companion_refused"):
            await simulator.scan_qr(await shown_qr(api), phone=SECOND_PHONE)
        assert (await pairing_reaches(api, "refused"))["error_code"] == "pairing_other_number"
        await reaches(api, "logged_out")
        assert (await api("GET", "/v1/accounts/home")).data["phone"] == simulator.phone

        await begin(api, method="qr")
        await simulator.scan_qr(await shown_qr(api))
        await reaches(api, "connected")
        assert [device["phone"] for device in (await simulator.state()).linked_devices] == [simulator.phone] * 2


async def test_what_was_sent_before_can_still_be_changed(simulator: Simulator, tmp_path: Path) -> None:
    async with running_bridge(tmp_path, simulator) as bridge, caller(bridge) as api:
        await link(api, simulator)
        sent = (await api.send("Dinner at seven", wait=10)).data["messageId"]
        await simulator.unlink()
        await reaches(api, "logged_out")
        refused = await api.send("Nobody is linked")
        assert (refused.status, refused.body["error_code"]) == (409, "account_logged_out")

        await begin(api, method="qr")
        await simulator.scan_qr(await shown_qr(api))
        await reaches(api, "connected")
        assert (await api("GET", f"/v1/accounts/home/messages/{sent}")).data["messageId"] == sent
        edit = {"type": "edit", "to": ALICE, "message_id": sent, "text": "Dinner at eight"}
        reply = await api("POST", "/v1/accounts/home/messages?wait=10", edit)
        assert (reply.status, reply.data["status"]) == (200, "sent")
        messages = await simulator.contact_messages(ALICE, after=0, wait=10)
        assert [(message.content["kind"], message.content["text"]) for message in messages] == [
            ("edit", "Dinner at eight")
        ]


async def test_while_whatsapp_gives_no_codes_none_is_asked_for_and_a_qr_code_works(
    simulator: Simulator, tmp_path: Path
) -> None:
    async with running_bridge(tmp_path, simulator) as bridge, caller(bridge) as api:
        await api("POST", "/v1/accounts", {"name": "Home"})
        await simulator.faults(pairing_code_error=429, pairing_code_backoff=600)
        await begin(api, method="code", phone=simulator.phone)
        pairing = await pairing_reaches(api, "refused")
        assert pairing["error_code"] == "pairing_rate_limited"
        assert pairing["retry_at"] is not None
        await simulator.clear_faults()
        refused = await begin(api, method="code", phone=simulator.phone)
        assert (refused.status, refused.body["error_code"]) == (429, "pairing_rate_limited")
        assert 590 < int(refused.headers["Retry-After"]) <= 600

        await begin(api, method="qr")
        async with asyncio.timeout(LIMIT):
            await simulator.scan_qr(await shown_qr(api))
        await reaches(api, "connected")
