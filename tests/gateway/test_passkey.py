"""A passkey brought by REST, and what is left of it: nothing."""

from pathlib import Path

import pytest

from tests.gateway.test_with_whatsapp import caller, pairing_reaches, reaches, shown_qr
from tests.simulator.client import running_simulator
from tests.stack.bridge import running_bridge


@pytest.mark.parametrize("compare", [False, True])
async def test_a_passkey_links_by_rest_and_leaves_no_trace(tmp_path: Path, *, compare: bool) -> None:
    settings = {"ENGINE_HANDOFF_MS": "0"} if compare else {}
    settings["BRIDGE_LOG_LEVEL"] = "debug"
    async with running_simulator() as simulator, running_bridge(tmp_path, simulator, port=0, **settings) as bridge:
        await simulator.faults(passkey="required")
        async with caller(bridge) as api:
            await api("POST", "/v1/accounts", {"name": "Home"})
            await api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
            await simulator.scan_qr(await shown_qr(api))
            asked = await pairing_reaches(api, "passkey_required")
            assertion = await simulator.passkey_assertion()
            reply = await api("POST", "/v1/accounts/home/pairing/passkey", assertion)
            assert (reply.status, reply.data) == (202, {})
            if compare:
                shown = await pairing_reaches(api, "confirmation_required")
                assert shown["code"] == await simulator.passkey_code()
                await api("POST", "/v1/accounts/home/pairing/confirmation", {"same": True})
            await reaches(api, "connected")
            late = await api("POST", "/v1/accounts/home/pairing/passkey", assertion)
            assert (late.status, late.body["error_code"]) == (409, "passkey_not_requested")
            account = (await api("GET", "/v1/accounts/home")).body
        assert (await simulator.state()).violations == []
        secrets = [asked["passkey"]["challenge"], assertion["rawId"], *filter(None, assertion["response"].values())]
        logged = "\n".join(bridge.process.lines)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in secrets:
        assert secret not in str(account)
        assert secret not in logged
        assert secret.encode() not in kept
