"""The dialogs: each wrong input says what is wrong and goes on when it is right; each bad end of a pairing can be tried again."""

from http import HTTPStatus

from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntryState, ConfigFlowContext
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.integration.dialog import (
    STATE,
    begin,
    is_state,
    link_new_account,
    qr_text,
    scan,
    shown_code,
    step_after_progress,
    until,
)
from tests.integration.scripted_gateway import ScriptedGateway, golden
from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.qr import read_qr_svg


async def test_scan_and_done(hass: HomeAssistant, bridge: Bridge, simulator: Simulator) -> None:
    entry_id = await link_new_account(hass, bridge, simulator)
    entry = hass.config_entries.async_get_entry(entry_id)
    assert entry is not None
    gateway_id = (bridge.data_dir / "gateway-id").read_text()
    assert (entry.title, entry.unique_id) == (simulator.phone, f"{gateway_id}_whatsapp")
    assert entry.data == {
        "url": bridge.url,
        "token": bridge.token,
        "account": "whatsapp",
        "phone": simulator.phone,
    }
    assert len(hass.config_entries.async_entries("whatsapp_gateway")) == 1
    await hass.config_entries.async_unload(entry_id)


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"token": "another"}, {"token": "invalid_auth"}),
        ({"token": "nön-äscii"}, {"token": "invalid_auth"}),
        ({"url": "http://127.0.0.1:9"}, {"url": "cannot_connect"}),
        ({"url": "not an address"}, {"url": "invalid_url"}),
        ({"url": "ftp://127.0.0.1"}, {"url": "invalid_url"}),
    ],
)
async def test_wrong_input_says_so_and_right_input_goes_on(
    hass: HomeAssistant, gateway: ScriptedGateway, wrong: dict[str, str], errors: dict[str, str]
) -> None:
    right = {"url": gateway.url, "token": gateway.token}
    step = await begin(hass, **right | wrong)
    assert (step["type"], step["step_id"], step["errors"]) == ("form", "user", errors)
    step = await hass.config_entries.flow.async_configure(step["flow_id"], right)
    assert step["step_id"] == "account"
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {"account": "home"})
    assert (step["type"], step["title"]) == ("create_entry", "+15550001000")
    await hass.config_entries.async_unload(step["result"].entry_id)


async def test_another_api_version_and_another_server_are_told_apart(
    hass: HomeAssistant, gateway: ScriptedGateway
) -> None:
    gateway.hello["api_version"] = 99
    step = await begin(hass, url=gateway.url, token=gateway.token)
    assert step["errors"] == {"base": "api_version"}
    gateway.answer("GET", "/v1/events", (200, {"hello": "I am a toaster"}))
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {"url": gateway.url, "token": gateway.token})
    assert step["errors"] == {"url": "not_the_gateway"}


async def test_an_account_that_is_set_up_is_not_offered_again_but_a_new_one_is_added(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    added = golden("answer-account-added")
    added["data"]["id"] = "second"
    gateway.answer("POST", "/v1/accounts", (HTTPStatus.CREATED, added))
    step = await begin(hass, url=gateway.url, token=gateway.token)
    assert step["step_id"] == "scan"
    hass.config_entries.flow.async_abort(step["flow_id"])
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.requested("DELETE", "/v1/accounts/second"), "what the closed dialog had added is gone"


async def test_the_code_on_the_screen_is_always_the_valid_one_and_expires(
    hass: HomeAssistant, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await simulator.faults(qr_refs=2)
    folder = tmp_path_factory.mktemp("short")
    async with running_bridge(folder, simulator, ENGINE_FIRST_QR_MS="1500", ENGINE_NEXT_QR_MS="1500") as bridge:
        step = await begin(hass, url=bridge.url, token=bridge.token)
        first = await shown_code(hass, step["flow_id"])
        assert read_qr_svg(first) == await qr_text(bridge)
        second = await shown_code(hass, step["flow_id"], but=first)
        assert read_qr_svg(second) == await qr_text(bridge) != read_qr_svg(first)

        step = await step_after_progress(hass, step["flow_id"])
        assert (step["type"], step["step_id"], step["menu_options"]) == ("menu", "pairing_expired", ["scan", "code"])
        await simulator.clear_faults()
        await scan(hass, step["flow_id"])
        await shown_code(hass, step["flow_id"])
        await simulator.scan_qr(await qr_text(bridge))
        step = await step_after_progress(hass, step["flow_id"])
        assert step["type"] == "finished"
        await hass.async_block_till_done()
        [entry] = hass.config_entries.async_entries("whatsapp_gateway")
        await hass.config_entries.async_unload(entry.entry_id)


async def test_a_connection_that_is_lost_while_the_code_is_shown(
    hass: HomeAssistant, bridge: Bridge, simulator: Simulator
) -> None:
    step = await begin(hass, url=bridge.url, token=bridge.token)
    await shown_code(hass, step["flow_id"])
    await simulator.faults(drop=True)
    step = await step_after_progress(hass, step["flow_id"])
    assert (step["type"], step["step_id"]) == ("menu", "pairing_connection_lost")
    await scan(hass, step["flow_id"])
    await shown_code(hass, step["flow_id"])
    hass.config_entries.flow.async_abort(step["flow_id"])
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_a_gateway_that_dies_while_the_code_is_shown(hass: HomeAssistant, bridge: Bridge) -> None:
    step = await begin(hass, url=bridge.url, token=bridge.token)
    await shown_code(hass, step["flow_id"])
    bridge.process.kill()
    step = await step_after_progress(hass, step["flow_id"])
    assert (step["type"], step["step_id"]) == ("menu", "pairing_gateway_lost")


@pytest.mark.parametrize(
    ("status", "error_code", "step_id"),
    [
        ("refused", "pairing_refused", "pairing_refused"),
        ("refused", "pairing_rate_limited", "pairing_rate_limited"),
        ("refused", "pairing_not_confirmed", "pairing_not_confirmed"),
        ("failed", "something_new", "pairing_failed"),
    ],
)
async def test_what_whatsapp_says_against_it_has_a_page_of_its_own(
    hass: HomeAssistant, gateway: ScriptedGateway, status: str, error_code: str, step_id: str
) -> None:
    gateway.hello["accounts"] = []
    step = await begin(hass, url=gateway.url, token=gateway.token)
    await gateway.listeners()
    ended = golden("event-pairing-refused")
    ended["account"] = golden("answer-account-added")["data"]["id"]
    ended["data"] |= {"status": status, "error_code": error_code}
    await gateway.send(ended)
    step = await step_after_progress(hass, step["flow_id"])
    assert (step["type"], step["step_id"]) == ("menu", step_id)
    hass.config_entries.flow.async_abort(step["flow_id"])
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_a_closed_dialog_leaves_no_account_behind(
    hass: HomeAssistant, bridge: Bridge, simulator: Simulator
) -> None:
    step = await begin(hass, url=bridge.url, token=bridge.token)
    await shown_code(hass, step["flow_id"])
    hass.config_entries.flow.async_abort(step["flow_id"])
    await hass.async_block_till_done(wait_background_tasks=True)
    step = await begin(hass, url=bridge.url, token=bridge.token)
    assert step["step_id"] == "scan", "no choice of accounts: there is none"
    hass.config_entries.flow.async_abort(step["flow_id"])
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_a_token_that_is_not_accepted_any_more_is_asked_for(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    gateway.token = "changed-by-somebody"
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    [flow] = hass.config_entries.flow.async_progress()
    assert (flow["context"]["source"], flow["step_id"]) == (SOURCE_REAUTH, "reauth_confirm")
    step = await hass.config_entries.flow.async_configure(flow["flow_id"], {"token": "wrong again"})
    assert step["errors"] == {"token": "invalid_auth"}
    step = await hass.config_entries.flow.async_configure(flow["flow_id"], {"token": gateway.token})
    assert (step["type"], step["reason"]) == ("abort", "reauth_successful")
    await hass.async_block_till_done()
    assert entry.data["token"] == gateway.token
    await until(lambda: entry.state is ConfigEntryState.LOADED, "the entry works again")
    await hass.config_entries.async_unload(entry.entry_id)


async def test_an_unlinked_account_is_linked_again_in_the_dialog(
    hass: HomeAssistant, linked: str, bridge: Bridge, simulator: Simulator
) -> None:
    await simulator.unlink()
    await until(lambda: bool(hass.config_entries.flow.async_progress()), "the dialog is offered")
    [flow] = hass.config_entries.flow.async_progress()
    await hass.config_entries.flow.async_configure(flow["flow_id"], {})
    await scan(hass, flow["flow_id"])
    await shown_code(hass, flow["flow_id"])
    await simulator.scan_qr(await qr_text(bridge))
    assert await step_after_progress(hass, flow["flow_id"]) == {"type": "finished"}
    await hass.async_block_till_done()
    assert [entry.entry_id for entry in hass.config_entries.async_entries("whatsapp_gateway")] == [linked]
    await until(lambda: is_state(hass, STATE, "connected"), "it is connected again")


async def test_the_gateway_has_moved(hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(entry, data={**entry.data, "url": "http://127.0.0.1:9"})
    context = ConfigFlowContext(source=SOURCE_RECONFIGURE, entry_id=entry.entry_id)
    step = await hass.config_entries.flow.async_init("whatsapp_gateway", context=context)
    accounts = gateway.hello["accounts"]
    gateway.hello["accounts"] = []
    moved = {"url": gateway.url, "token": gateway.token}
    step = await hass.config_entries.flow.async_configure(step["flow_id"], moved)
    assert step["errors"] == {"base": "account_not_found"}
    gateway.hello["accounts"] = accounts
    ours, gateway.hello["gateway_id"] = gateway.hello["gateway_id"], "another"
    step = await hass.config_entries.flow.async_configure(step["flow_id"], moved)
    assert step["errors"] == {"base": "account_not_found"}, "another gateway's account may have the same id"
    gateway.hello["gateway_id"] = ours
    step = await hass.config_entries.flow.async_configure(step["flow_id"], moved)
    assert (step["type"], step["reason"]) == ("abort", "reconfigure_successful")
    await hass.async_block_till_done()
    assert entry.data["url"] == gateway.url
    await hass.config_entries.async_unload(entry.entry_id)
