"""What can happen between the first form and the linked account, told by a gateway that says what the test wants."""

from datetime import timedelta
import json
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigFlowContext
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.whatsapp_gateway import pairing_steps
from tests.integration.conftest import IDENTITY
from tests.integration.dialog import begin, current_step, scan, shown_code, step_after_progress, until
from tests.integration.scripted_gateway import SVG, TOKEN, ScriptedGateway, golden

type Json = Any
REFUSED = {"detail": "", "timestamp": "2026-11-24T08:15:30.123Z"}


def update(status: str, **fields: Json) -> Json:
    """A `pairing.update`."""
    event = golden("event-pairing-waiting-qr")
    event["data"] |= {"status": status, "qr": None, "expires_at": None} | fields
    return event


def code_shown() -> Json:
    return golden("event-pairing-waiting-qr")


def state(name: str, **fields: Json) -> Json:
    """An `account.state` of the account that is being linked."""
    event = golden("event-account-state")
    event["data"] |= {"state": name, "reason": None} | fields
    return event


async def leads_to(hass: HomeAssistant, flow_id: str, step_id: str) -> None:
    """Waits until the dialog, fetched again and again, has come to a page."""
    step = await step_after_progress(hass, flow_id)
    assert step.get("step_id") == step_id, step


async def close(hass: HomeAssistant, flow_id: str) -> None:
    hass.config_entries.flow.async_abort(flow_id)
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.fixture
async def dialog(hass: HomeAssistant, gateway: ScriptedGateway) -> str:
    """The id of a dialog that has begun a pairing and hears of it."""
    gateway.hello["accounts"] = []
    step = await begin(hass, url=gateway.url, token=gateway.token)
    assert (step["type"], step["progress_action"]) == ("progress", "prepare")
    await gateway.listeners()
    await until(lambda: bool(gateway.requested("POST", "/v1/accounts/home/pairing")), "the pairing has begun")
    return str(step["flow_id"])


async def test_each_code_has_another_key_than_the_one_before(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str
) -> None:
    actions = []
    before = ""
    for lines in ("M4 4.5h1", "M4 4.5h2", "M4 4.5h3"):
        gateway.svg = SVG.replace("M4 4.5h7", lines)
        await gateway.send(code_shown())
        before = await shown_code(hass, dialog, but=before)
        assert f'd="{lines}"' in before
        actions.append(current_step(hass, dialog)["progress_action"])
    assert actions == ["scan", "scan_next", "scan"]
    await close(hass, dialog)


async def test_after_the_scan_it_says_so_and_ends_when_connected(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str
) -> None:
    await gateway.send(code_shown())
    await shown_code(hass, dialog)
    await gateway.send(update("paired"))
    await until(lambda: current_step(hass, dialog)["progress_action"] == "link", "the scan is told")
    await gateway.send(state("connecting", phone="+15550001000"))
    gateway.hello["accounts"] = golden("event-hello")["accounts"]
    await gateway.send(state("connected", phone="+15550001000"))
    await until(lambda: current_step(hass, dialog)["type"] == "progress_done", "it is done")
    step = await hass.config_entries.flow.async_configure(dialog)
    assert (step["type"], step["title"]) == ("create_entry", "+15550001000")
    assert not gateway.requested("DELETE", "/v1/accounts/home")
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(step["result"].entry_id)


async def test_it_ends_without_a_frontend_too(hass: HomeAssistant, gateway: ScriptedGateway, dialog: str) -> None:
    gateway.hello["accounts"] = golden("event-hello")["accounts"]
    await gateway.send(state("connected", phone="+15550001000"))
    await until(lambda: current_step(hass, dialog)["type"] == "progress_done", "it is done")
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=6))
    await until(lambda: bool(hass.config_entries.async_entries("whatsapp_gateway")), "the entry is made")
    await hass.async_block_till_done()
    [entry] = hass.config_entries.async_entries("whatsapp_gateway")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_closed_after_the_linking_the_account_stays(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str
) -> None:
    await gateway.send(state("connected", phone="+15550001000"))
    await until(lambda: current_step(hass, dialog)["type"] == "progress_done", "it is done")
    await close(hass, dialog)
    assert not gateway.requested("DELETE", "/v1/accounts/home")


@pytest.mark.parametrize(
    ("frames", "step_id"),
    [
        ([update("expired", error_code="pairing_expired")], "pairing_expired"),
        ([update("refused", error_code="pairing_refused")], "pairing_refused"),
        ([update("refused", error_code="pairing_rate_limited")], "pairing_rate_limited"),
        ([update("refused", error_code="pairing_not_confirmed")], "pairing_not_confirmed"),
        ([update("failed", error_code="connection_lost")], "pairing_connection_lost"),
        ([update("failed", error_code="connect_timeout")], "pairing_connection_lost"),
        ([update("failed", error_code=None)], "pairing_failed"),
        ([update("paired"), state("blocked")], "pairing_blocked"),
        ([update("paired"), state("logged_out")], "pairing_unlinked"),
        ([update("paired"), state("replaced")], "pairing_replaced"),
        ([update("paired"), state("failed")], "pairing_outdated"),
        ([update("paired"), state("reconnecting", reason="client_outdated")], "pairing_outdated"),
        (["nonsense"], "pairing_failed"),
    ],
)
async def test_each_end_says_what_to_do_and_can_be_tried_again(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str, frames: list[Json], step_id: str
) -> None:
    for frame in frames:
        await gateway.send(frame)
    await leads_to(hass, dialog, step_id)
    assert current_step(hass, dialog)["menu_options"][0] == "scan"
    step = await scan(hass, dialog)
    assert (step["type"], step["progress_action"]) == ("progress", "prepare")
    await until(lambda: len(gateway.requested("POST", "/v1/accounts/home/pairing")) == 2, "another pairing has begun")
    await gateway.listeners()
    await gateway.send(code_shown())
    await shown_code(hass, dialog)
    await close(hass, dialog)
    linked = frames[0] == update("paired")
    assert bool(gateway.requested("DELETE", "/v1/accounts/home")) != linked, "only what was added in vain is erased"


async def test_a_lost_gateway(hass: HomeAssistant, gateway: ScriptedGateway, dialog: str) -> None:
    await gateway.drop()
    await leads_to(hass, dialog, "pairing_gateway_lost")
    await close(hass, dialog)


async def test_no_news_at_all(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing_steps, "UPDATE_LIMIT", 0.1)
    await gateway.send(code_shown())
    await leads_to(hass, dialog, "pairing_connection_lost")
    await close(hass, dialog)


async def test_cancelled_by_somebody_else(hass: HomeAssistant, gateway: ScriptedGateway, dialog: str) -> None:
    cancelled = golden("answer-account-pairing")
    cancelled["data"]["pairing"] = update("cancelled")["data"]
    gateway.answer("GET", "/v1/accounts/home", (200, golden("answer-account-pairing")), (200, cancelled))
    await gateway.send(update("cancelled"))
    await gateway.send(code_shown())
    await shown_code(hass, dialog)
    await gateway.send(update("cancelled"))
    await leads_to(hass, dialog, "pairing_cancelled")
    await close(hass, dialog)


async def test_a_code_that_is_gone_when_it_is_fetched_is_passed_over(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str
) -> None:
    gateway.answer("GET", "/v1/accounts/home/qr", (404, REFUSED | {"error_code": "qr_not_available"}))
    await gateway.send(code_shown())
    await until(lambda: bool(gateway.requested("GET", "/v1/accounts/home/qr")), "the code is asked for")
    del gateway.answers["GET", "/v1/accounts/home/qr"]
    await gateway.send(code_shown())
    await shown_code(hass, dialog)
    await close(hass, dialog)


@pytest.mark.parametrize(
    ("status", "code"), [(500, "internal_error"), (404, "account_not_found"), (429, "pairing_rate_limited")]
)
async def test_a_code_that_cannot_be_fetched(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str, status: int, code: str
) -> None:
    gateway.answer("GET", "/v1/accounts/home/qr", (status, REFUSED | {"error_code": code}))
    await gateway.send(code_shown())
    pages = {"pairing_rate_limited": "pairing_rate_limited", "account_not_found": "pairing_account_gone"}
    await leads_to(hass, dialog, pages.get(code, "pairing_failed"))
    await close(hass, dialog)


@pytest.mark.parametrize("svg", ["", "<html>", SVG.replace("#000", "red"), SVG.replace("M4 4.5h7", '"onload="x')])
async def test_a_picture_that_is_not_the_gateways_is_not_shown(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str, svg: str
) -> None:
    gateway.svg = svg
    await gateway.send(code_shown())
    await leads_to(hass, dialog, "pairing_failed")
    assert current_step(hass, dialog)["description_placeholders"]["code"] == "not_the_gateway"
    await close(hass, dialog)


async def test_an_engine_that_restarts_is_waited_for(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    gateway.hello["accounts"] = []
    restarting = (503, REFUSED | {"error_code": "engine_unavailable"})
    started = (202, golden("answer-pairing-started"))
    gateway.answer("POST", "/v1/accounts/home/pairing", restarting, restarting, started)
    step = await begin(hass, url=gateway.url, token=gateway.token)
    await until(lambda: len(gateway.requested("POST", "/v1/accounts/home/pairing")) == 3, "the pairing has begun")
    await gateway.send(code_shown())
    await shown_code(hass, step["flow_id"])
    await close(hass, step["flow_id"])


async def test_linked_meanwhile_is_linked(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    gateway.hello["accounts"] = []
    gateway.answer("POST", "/v1/accounts/home/pairing", (409, REFUSED | {"error_code": "already_paired"}))
    step = await begin(hass, url=gateway.url, token=gateway.token)
    gateway.hello["accounts"] = golden("event-hello")["accounts"]
    await until(lambda: current_step(hass, step["flow_id"])["type"] == "progress_done", "it is done")
    step = await hass.config_entries.flow.async_configure(step["flow_id"])
    assert step["type"] == "create_entry"
    await hass.async_block_till_done()
    await hass.config_entries.async_unload(step["result"].entry_id)


async def test_a_gateway_that_adds_no_account_says_why_and_can_be_tried_again(
    hass: HomeAssistant, gateway: ScriptedGateway
) -> None:
    gateway.hello["accounts"] = []
    gateway.answer(
        "POST",
        "/v1/accounts",
        (500, REFUSED | {"error_code": "internal_error"}),
        (409, REFUSED | {"error_code": "something_new"}),
        (201, golden("answer-account-added")),
    )
    step = await begin(hass, url=gateway.url, token=gateway.token)
    assert (step["step_id"], step["errors"]) == ("account", {"base": "internal_error"})
    chosen = {"account": "new_account"}
    step = await hass.config_entries.flow.async_configure(step["flow_id"], chosen)
    assert (step["step_id"], step["errors"]) == ("account", {"base": "request_failed"})
    step = await hass.config_entries.flow.async_configure(step["flow_id"], chosen)
    assert step["step_id"] == "pair"
    await close(hass, step["flow_id"])


async def test_an_unlinked_account_of_the_gateway_is_offered_paired_and_kept_when_closed(
    hass: HomeAssistant, gateway: ScriptedGateway
) -> None:
    gateway.hello["accounts"][0] |= {"phone": None, "state": "logged_out", "reason": "not_paired"}
    step = await begin(hass, url=gateway.url, token=gateway.token)
    options = step["data_schema"].schema["account"].config["options"]
    assert [option["label"] for option in options] == ["Home", "new_account"]
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {"account": "home"})
    assert step["step_id"] == "pair"
    await scan(hass, step["flow_id"])
    await gateway.listeners()
    await close(hass, step["flow_id"])
    assert gateway.requested("DELETE", "/v1/accounts/home/pairing"), "the pairing is cancelled"
    assert not gateway.requested("DELETE", "/v1/accounts/home"), "the account was there before"


async def test_a_new_dialog_waits_until_the_closed_one_has_tidied_up(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str
) -> None:
    hass.config_entries.flow.async_abort(dialog)
    step = await begin(hass, url=gateway.url, token=gateway.token)
    routes = [(request.method, request.path) for request in gateway.requests]
    assert routes.index(("DELETE", "/v1/accounts/home")) < len(routes) - 1 - routes[::-1].index(
        ("POST", "/v1/accounts")
    )
    await close(hass, step["flow_id"])


async def test_an_address_that_cannot_be_read(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    step = await begin(hass, url="http://[", token=gateway.token)
    assert step["errors"] == {"url": "invalid_url"}
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {"url": gateway.url, "token": TOKEN})
    assert step["step_id"] == "account"
    await close(hass, step["flow_id"])


async def test_a_gateway_that_is_gone_when_the_dialog_is_closed_is_logged(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.answer("DELETE", "/v1/accounts/home", (0, None))
    await close(hass, dialog)
    assert "was not tidied away" in caplog.text


async def test_an_account_that_another_dialog_links_is_not_offered(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str
) -> None:
    gateway.hello["accounts"] = [golden("answer-account-added")["data"]]
    second = golden("answer-account-added")
    second["data"]["id"] = "home-2"
    gateway.answer("POST", "/v1/accounts", (201, second))
    gateway.answer("POST", "/v1/accounts/home-2/pairing", (202, golden("answer-pairing-started")))
    step = await begin(hass, url=gateway.url, token=gateway.token)
    assert step["step_id"] == "scan", "nothing is to be chosen from"
    hass.config_entries.flow.async_abort(step["flow_id"])
    await close(hass, dialog)


async def test_the_name_of_a_new_account_leads_to_an_id_that_no_entry_has(
    hass: HomeAssistant, gateway: ScriptedGateway
) -> None:
    for taken in ("whatsapp", "whatsapp-2"):
        MockConfigEntry(domain="whatsapp_gateway", data={"account": taken}).add_to_hass(hass)
    gateway.hello["accounts"] = []
    step = await begin(hass, url=gateway.url, token=gateway.token)
    assert [request.body for request in gateway.requested("POST", "/v1/accounts")] == [{"name": "WhatsApp 3"}]
    await close(hass, step["flow_id"])


async def test_linking_again_needs_the_account_at_the_gateway(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    context = ConfigFlowContext(source=SOURCE_REAUTH, entry_id=entry.entry_id, unique_id=IDENTITY)
    data = {**entry.data, "logged_out": True}
    step = await hass.config_entries.flow.async_init("whatsapp_gateway", context=context, data=data)
    assert (step["step_id"], step["errors"]) == ("reauth_link", {})
    accounts, gateway.hello["accounts"] = gateway.hello["accounts"], []
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {})
    assert step["errors"] == {"base": "account_not_found"}
    gateway.hello["accounts"] = accounts
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {})
    assert step["step_id"] == "pair"
    await close(hass, step["flow_id"])


PASSKEY = "/v1/accounts/home/pairing/passkey"
CONFIRMATION = "/v1/accounts/home/pairing/confirmation"
NOTHING = (202, {"success": True, "message": "", "data": {}})


async def asked_for_a_passkey(hass: HomeAssistant, gateway: ScriptedGateway, dialog: str) -> Json:
    await gateway.send(code_shown())
    await shown_code(hass, dialog)
    await gateway.send(golden("event-pairing-passkey"))
    step = await step_after_progress(hass, dialog)
    assert (step["type"], step["step_id"]) == ("form", "passkey")
    assert '"rpId": "whatsapp.com"' in step["description_placeholders"]["snippet"]
    return step


async def test_a_passkey_is_brought_and_the_dialog_goes_on(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str
) -> None:
    await asked_for_a_passkey(hass, gateway, dialog)
    gateway.answer("POST", PASSKEY, NOTHING)
    step = await hass.config_entries.flow.async_configure(dialog, {"assertion": "no JSON"})
    assert step["errors"] == {"assertion": "passkey_invalid"}
    assertion = golden("request-pairing-passkey")
    step = await hass.config_entries.flow.async_configure(dialog, {"assertion": json.dumps(assertion)})
    assert (step["type"], step["progress_action"]) == ("progress", "link")
    assert gateway.requested("POST", PASSKEY)[0].body == assertion
    await close(hass, dialog)


async def test_what_is_no_assertion_can_be_corrected(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str
) -> None:
    await asked_for_a_passkey(hass, gateway, dialog)
    gateway.answer("POST", PASSKEY, (422, REFUSED | {"error_code": "validation_error"}))
    step = await hass.config_entries.flow.async_configure(dialog, {"assertion": "{}"})
    assert (step["step_id"], step["errors"]) == ("passkey", {"assertion": "passkey_invalid"})
    await close(hass, dialog)


@pytest.mark.parametrize(("choice", "same"), [("codes_same", True), ("codes_differ", False)])
async def test_the_codes_are_compared(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str, choice: str, *, same: bool
) -> None:
    gateway.answer("POST", CONFIRMATION, NOTHING)
    await gateway.send(golden("event-pairing-confirmation"))
    step = await step_after_progress(hass, dialog)
    assert (step["type"], step["description_placeholders"]["code"]) == ("menu", "7KQ2-M9XB")
    step = await hass.config_entries.flow.async_configure(dialog, {"next_step_id": choice})
    assert step["type"] == "progress"
    assert gateway.requested("POST", CONFIRMATION)[0].body == {"same": same}
    await close(hass, dialog)


async def test_a_passkey_that_comes_too_late_leads_to_how_it_ended(
    hass: HomeAssistant, gateway: ScriptedGateway, dialog: str
) -> None:
    await asked_for_a_passkey(hass, gateway, dialog)
    gateway.answer("POST", PASSKEY, (409, REFUSED | {"error_code": "passkey_not_requested"}))
    await gateway.send(update("refused", error_code="passkey_timeout"))
    assertion = json.dumps(golden("request-pairing-passkey"))
    await hass.config_entries.flow.async_configure(dialog, {"assertion": assertion})
    await leads_to(hass, dialog, "pairing_passkey_timeout")
    await close(hass, dialog)
