"""What the user has to mend is a repair, which says so, mends what it can, and goes when it is mended."""

from collections.abc import AsyncIterator
from typing import Any

from homeassistant.components.repairs.const import DOMAIN as REPAIRS
from homeassistant.components.repairs.issue_handler import RepairsFlowManager
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.integration.dialog import CONNECTIVITY, STATE, is_state, until
from tests.integration.scripted_gateway import ScriptedGateway, golden
from tests.simulator.client import Simulator

RESTART = "/v1/accounts/home/restart"
RESTARTED = (202, golden("answer-account-restarted"))


@pytest.fixture
async def account(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> AsyncIterator[MockConfigEntry]:
    assert await async_setup_component(hass, "repairs", {})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await gateway.listeners()
    await hass.async_block_till_done()  # notify.whatsapp comes a little later
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Returns our repairs by what they say."""
    registry = ir.async_get(hass)
    return {
        issue.translation_key or "": issue
        for (domain, _), issue in registry.issues.items()
        if domain == "whatsapp_gateway" and issue.active
    }


async def begin_fix(hass: HomeAssistant, issue: ir.IssueEntry) -> Any:
    """Opens a repair, as a press on it does."""
    manager: RepairsFlowManager = hass.data[REPAIRS]["flow_manager"]
    return await manager.async_init("whatsapp_gateway", context={"issue_id": issue.issue_id})


async def submit(hass: HomeAssistant, flow: Any) -> Any:
    manager: RepairsFlowManager = hass.data[REPAIRS]["flow_manager"]
    return await manager.async_configure(flow["flow_id"], {})


async def send_state(gateway: ScriptedGateway, sequence: int, **fields: Any) -> None:
    changed = golden("event-account-state") | {"sequence": sequence}
    changed["data"] |= {"retry_at": None, "reason": None} | fields
    await gateway.send(changed)


@pytest.mark.parametrize(
    ("key", "fields", "placeholders"),
    [
        ("replaced", {"state": "replaced", "reason": "replaced"}, {}),
        ("banned", {"state": "blocked", "reason": "banned"}, {}),
        (
            "temporarily_banned",
            {"state": "blocked", "reason": "temporarily_banned", "retry_at": "2026-11-25T10:30:00.000Z"},
            {"until": "2026-11-25 02:30"},
        ),
        ("failed", {"state": "failed", "reason": "client_rejected"}, {"reason": "client_rejected"}),
    ],
)
async def test_a_state_that_needs_somebody_is_a_repair_that_connects_anew(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    account: MockConfigEntry,
    key: str,
    fields: dict[str, Any],
    placeholders: dict[str, str],
) -> None:
    await send_state(gateway, 100, **fields)
    await until(lambda: key in issues(hass), "the repair is there")
    issue = issues(hass)[key]
    assert issue.is_fixable
    assert issue.translation_placeholders == {"account": "+15550001000", **placeholders}
    flow = await begin_fix(hass, issue)
    assert (flow["step_id"], flow["description_placeholders"]) == ("confirm", issue.translation_placeholders)
    gateway.answer("POST", RESTART, "error-engine-unavailable", RESTARTED)
    flow = await submit(hass, flow)
    assert flow["errors"] == {"base": "engine_unavailable"}
    flow = await submit(hass, flow)
    assert flow["type"] == "create_entry"
    assert len(gateway.requested("POST", RESTART)) == 2
    assert issues(hass) == {}
    await send_state(gateway, 101, **fields)
    await until(lambda: key in issues(hass), "it has not helped")
    await send_state(gateway, 102, state="connected")
    await until(lambda: issues(hass) == {}, "it goes by itself when it is over")


async def test_a_gateway_that_whatsapp_finds_too_old_is_told_and_goes_on_trying(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    await send_state(gateway, 100, state="reconnecting", reason="client_outdated")
    await until(lambda: "client_outdated" in issues(hass), "the repair is there")
    assert not issues(hass)["client_outdated"].is_fixable
    await send_state(gateway, 101, state="reconnecting", reason="connection_lost")
    await until(lambda: issues(hass) == {}, "another reason is none")


@pytest.mark.parametrize(("version", "key"), [(0, "gateway_too_old"), (2, "gateway_too_new")])
async def test_a_gateway_of_another_version_says_which_of_both_is_to_be_updated(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry, version: int, key: str
) -> None:
    gateway.hello["api_version"] = version
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert issues(hass)[key].translation_placeholders == {"account": "+15550001000", "version": str(version)}
    await hass.config_entries.async_remove(entry.entry_id)
    assert issues(hass) == {}


@pytest.mark.parametrize("code", ["storage_full", "storage_unusable"])
async def test_a_gateway_without_storage_is_a_repair_that_looks_whether_it_has_room_again(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry, code: str
) -> None:
    gateway.hello["storage"] = code
    await gateway.drop()
    await until(lambda: code in issues(hass), "the repair is there")
    flow = await submit(hass, await begin_fix(hass, issues(hass)[code]))
    assert flow["errors"] == {"base": "storage_still"}
    gateway.hello["storage"] = None
    assert (await submit(hass, flow))["type"] == "create_entry"
    assert issues(hass) == {}


async def test_a_message_refused_for_want_of_storage_tells_so_until_an_event_is_kept_again(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    refusal = {"detail": "", "error_code": "storage_full", "timestamp": ""}
    gateway.answer("POST", "/v1/accounts/home/messages", (507, refusal))
    with pytest.raises(Exception, match="full"):
        await hass.services.async_call("notify", "whatsapp", {"message": "x", "target": "+15551230001"}, blocking=True)
    assert "storage_full" in issues(hass)
    await gateway.send(golden("event-message-received") | {"sequence": 100})
    await until(lambda: issues(hass) == {}, "the gateway writes again")


async def test_a_passkey_that_is_asked_for_without_a_dialog_leads_to_the_dialog(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    await gateway.send(golden("event-pairing-passkey"))
    await until(lambda: "passkey_needed" in issues(hass), "the repair is there")
    result = await begin_fix(hass, issues(hass)["passkey_needed"])
    [flow] = hass.config_entries.flow.async_progress()
    assert result["next_flow"] == ("config_flow", flow["flow_id"])
    assert flow["step_id"] == "reauth_link"
    await gateway.send(golden("event-pairing-passkey"))
    await until(lambda: "passkey_needed" in issues(hass), "nobody has begun")
    result = await begin_fix(hass, issues(hass)["passkey_needed"])
    assert result["next_flow"] == ("config_flow", flow["flow_id"]), "the dialog that waits is used"
    await gateway.send(golden("event-pairing-expired"))
    await until(lambda: issues(hass) == {}, "it is over")


async def test_a_repair_of_an_account_that_is_not_loaded_says_that_nothing_can_be_reached(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    await send_state(gateway, 100, state="replaced", reason="replaced")
    await until(lambda: "replaced" in issues(hass), "the repair is there")
    await hass.config_entries.async_unload(account.entry_id)
    flow = await submit(hass, await begin_fix(hass, issues(hass)["replaced"]))
    assert flow["errors"] == {"base": "cannot_connect"}


async def test_a_disabled_account_asks_for_nothing(
    hass: HomeAssistant, gateway: ScriptedGateway, account: MockConfigEntry
) -> None:
    await send_state(gateway, 100, state="blocked", reason="banned")
    await until(lambda: "banned" in issues(hass), "the repair is there")
    await hass.config_entries.async_set_disabled_by(account.entry_id, ConfigEntryDisabler.USER)
    assert issues(hass) == {}


async def test_a_link_that_is_used_elsewhere_is_taken_back_by_the_repair(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    """With the real gateway, engine and simulated WhatsApp."""
    assert await async_setup_component(hass, "repairs", {})
    await simulator.faults(stream_error=440)
    await until(lambda: is_state(hass, STATE, "replaced"), "the link is used elsewhere")
    await until(lambda: "replaced" in issues(hass), "the repair is there")
    await simulator.clear_faults()
    assert (await submit(hass, await begin_fix(hass, issues(hass)["replaced"])))["type"] == "create_entry"
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is connected again")
    assert issues(hass) == {}


async def test_a_number_that_whatsapp_blocks_is_a_repair_that_connects_anew(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    """With the real gateway, engine and simulated WhatsApp."""
    assert await async_setup_component(hass, "repairs", {})
    await simulator.faults(login_failure=403, drop=True)
    await until(lambda: "banned" in issues(hass), "the repair is there")
    assert is_state(hass, STATE, "blocked")
    await simulator.clear_faults()
    assert (await submit(hass, await begin_fix(hass, issues(hass)["banned"])))["type"] == "create_entry"
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is connected again")
    assert issues(hass) == {}
