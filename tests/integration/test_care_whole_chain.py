"""Sensors, repairs and the dialog's rarer steps with the real gateway, engine and simulated WhatsApp."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
import resource
from typing import Any
from urllib.parse import urlsplit

from homeassistant.components.image import async_get_image
from homeassistant.config_entries import SOURCE_REAUTH, SOURCE_RECONFIGURE, ConfigEntry, ConfigFlowContext
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest

from custom_components.whatsapp_gateway import issues as shown_issues
from custom_components.whatsapp_gateway.api import events
from custom_components.whatsapp_gateway.coordinator import WhatsAppConfigEntry
from custom_components.whatsapp_gateway.issues import STORAGE_CODES
from tests.integration.conftest import ALICE
from tests.integration.dialog import CONNECTIVITY, LIMIT, STATE, is_state, link_new_account, qr_text, until
from tests.integration.recipients import add_recipient, answer
from tests.integration.test_repairs import begin_fix, issues, submit
from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.qr import read_qr_picture

MOVED, CHANGED = "token-of-the-moved-gateway-0123456789", "changed-token-0123456789-0123456789"
COUNTED = {"received_today": "2", "sent_today": "1", "failed_today": "1"}
TIMED = ("last_received", "last_sent")


def the_entry(hass: HomeAssistant, entry_id: str) -> WhatsAppConfigEntry:
    entry: WhatsAppConfigEntry = hass.config_entries.async_get_known_entry(entry_id)
    return entry


async def all_on(hass: HomeAssistant, entry_id: str) -> Callable[[str], str]:
    """Enables every entity; returns what tells the state of the one with a translation key."""
    registry = er.async_get(hass)
    entities = er.async_entries_for_config_entry(registry, entry_id)
    for entity in entities:
        registry.async_update_entity(entity.entity_id, disabled_by=None)
    await hass.config_entries.async_reload(entry_id)
    ids = {entity.translation_key: entity.entity_id for entity in entities}

    def state(key: str) -> str:
        found = hass.states.get(ids[key])
        return "" if found is None else found.state

    return state


async def test_every_sensor_tells_what_came_and_went(hass: HomeAssistant, linked: str, simulator: Simulator) -> None:
    state = await all_on(hass, linked)
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is connected")
    begun = datetime.now(UTC) - timedelta(seconds=1)
    for text in ("one", "two"):
        await simulator.contact_send(ALICE, text)
    await hass.services.async_call("notify", "whatsapp", {"message": "hello", "target": ALICE}, blocking=True)
    with pytest.raises(Exception, match="not on WhatsApp"):
        await hass.services.async_call("notify", "whatsapp", {"message": "x", "target": "+15559999999"}, blocking=True)
    await until(lambda: {key: state(key) for key in COUNTED} == COUNTED, "all are counted")
    for key in TIMED:
        at = dt_util.parse_datetime(state(key))
        assert at is not None
        assert begun <= at <= datetime.now(UTC) + timedelta(seconds=1)
    assert state("gateway_version") == the_entry(hass, linked).runtime_data.gateway_version
    assert state("waiting") == "0"
    await simulator.faults(refuse_connections=True, drop=True)
    await until(lambda: is_state(hass, CONNECTIVITY, "off"), "it is not connected")
    call = {"message": "later", "to": ALICE}
    await hass.services.async_call("whatsapp_gateway", "send_message", call, blocking=True, return_response=True)
    await until(lambda: state("waiting") == "1", "it waits")
    await simulator.clear_faults()
    await until(lambda: state("waiting") == "0", "it is sent")


async def test_a_button_fetches_contacts_and_groups_anew(
    hass: HomeAssistant, linked: str, simulator: Simulator
) -> None:
    state = await all_on(hass, linked)
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is connected")
    await simulator.enter_in_address_book(ALICE, "Aunt Alice")
    await simulator.add_group("Choir", [ALICE])
    button = {"entity_id": "button.whatsapp_refresh_contacts_and_groups"}
    await hass.services.async_call("button", "press", button, blocking=True)
    assert dt_util.parse_datetime(state("resync")) is not None
    coordinator = the_entry(hass, linked).runtime_data
    async with asyncio.timeout(LIMIT):
        while not {"Aunt Alice", "Choir"} <= {
            chat.name for chat in await coordinator.client.chats(coordinator.account_id)
        }:
            await asyncio.sleep(0.02)


async def test_an_account_that_a_button_unlinks_shows_the_code_as_a_picture(
    hass: HomeAssistant, linked: str, simulator: Simulator, bridge: Bridge
) -> None:
    state = await all_on(hass, linked)
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is connected")
    await hass.services.async_call("button", "press", {"entity_id": "button.whatsapp_unlink"}, blocking=True)
    await until(lambda: is_state(hass, STATE, "logged_out"), "it is unlinked")
    coordinator = the_entry(hass, linked).runtime_data
    await coordinator.client.begin_pairing(coordinator.account_id)
    await until(lambda: state("qr_code") not in {"", "unavailable", "unknown"}, "the picture is there")
    picture = await async_get_image(hass, "image.whatsapp_qr_code_to_scan")
    text = read_qr_picture(picture.content)
    assert text == await qr_text(bridge)
    await simulator.scan_qr(text)
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is linked again")


@pytest.fixture
async def mending(hass: HomeAssistant, linked: str) -> str:
    """The id of a linked account's entry, where repairs are shown."""
    assert await async_setup_component(hass, "repairs", {})
    return linked


async def mended(hass: HomeAssistant, key: str) -> None:
    """Submits a repair whose cause is over."""
    assert (await submit(hass, await begin_fix(hass, issues(hass)[key])))["type"] == "create_entry"
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is connected again")
    await until(lambda: issues(hass) == {}, "nothing is left to mend")


async def test_a_block_for_a_time_says_until_when(hass: HomeAssistant, mending: str, simulator: Simulator) -> None:
    ends = dt_util.now() + timedelta(days=2)
    await simulator.faults(login_failure=402, login_failure_expire=2 * 24 * 3600, drop=True)
    await until(lambda: "temporarily_banned" in issues(hass), "the repair is there")
    until_when = (issues(hass)["temporarily_banned"].translation_placeholders or {})["until"]
    told = datetime.strptime(until_when, "%Y-%m-%d %H:%M").replace(tzinfo=dt_util.get_default_time_zone())
    assert abs(told - ends) < timedelta(minutes=2)
    assert is_state(hass, STATE, "blocked")
    await simulator.clear_faults()
    await mended(hass, "temporarily_banned")


async def test_a_program_that_whatsapp_rejects_tells_the_reason(
    hass: HomeAssistant, mending: str, simulator: Simulator
) -> None:
    await simulator.faults(login_failure=409, drop=True)
    await until(lambda: "failed" in issues(hass), "the repair is there")
    assert (issues(hass)["failed"].translation_placeholders or {})["reason"] == "client_rejected"
    await simulator.clear_faults()
    await mended(hass, "failed")


async def test_a_program_that_whatsapp_finds_too_old_is_told_and_comes_back(
    hass: HomeAssistant, mending: str, simulator: Simulator
) -> None:
    await simulator.faults(login_failure=405, drop=True)
    await until(lambda: "client_outdated" in issues(hass), "the repair is there")
    await simulator.clear_faults()
    await hass.services.async_call("button", "press", {"entity_id": "button.whatsapp_restart"}, blocking=True)
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is connected again")
    await until(lambda: issues(hass) == {}, "nothing is left to mend")


async def test_a_passkey_that_another_program_is_asked_for_leads_to_the_dialog(
    hass: HomeAssistant, mending: str, simulator: Simulator, bridge: Bridge
) -> None:
    await simulator.unlink()
    await until(lambda: is_state(hass, STATE, "logged_out"), "it is unlinked")
    await simulator.faults(passkey="required")
    coordinator = the_entry(hass, mending).runtime_data
    await coordinator.client.begin_pairing(coordinator.account_id)
    await until(
        lambda: coordinator.data.pairing is not None and coordinator.data.pairing.qr is not None, "a code is due"
    )
    await simulator.scan_qr(await qr_text(bridge))
    await until(lambda: "passkey_needed" in issues(hass), "the repair is there")
    result = await begin_fix(hass, issues(hass)["passkey_needed"])
    [dialog] = hass.config_entries.flow.async_progress()
    assert result["next_flow"] == ("config_flow", dialog["flow_id"])
    assert (dialog["context"]["source"], dialog["step_id"]) == (SOURCE_REAUTH, "reauth_link")


async def test_a_gateway_of_another_version_says_which_of_both_is_to_be_updated(
    hass: HomeAssistant, mending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway is the real one; it is the integration that speaks another version than today."""
    for spoken, key in ((2, "gateway_too_old"), (0, "gateway_too_new")):
        with monkeypatch.context() as another:
            for module in (events, shown_issues):
                another.setattr(module, "API_VERSIONS", frozenset({spoken}))
            assert not await hass.config_entries.async_reload(mending)
            assert key in issues(hass)
        assert await hass.config_entries.async_reload(mending)
        await until(lambda: issues(hass) == {}, "both were updated")
    await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it is connected again")


async def try_to_send(hass: HomeAssistant, text: str = "x") -> None:
    """Has the gateway write something, where it can."""
    with suppress(HomeAssistantError):
        await hass.services.async_call("notify", "whatsapp", {"message": text, "target": ALICE}, blocking=True)


async def test_a_gateway_whose_files_may_not_grow_is_a_repair_until_they_may(
    hass: HomeAssistant, mending: str, bridge: Bridge
) -> None:
    before = resource.prlimit(bridge.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(bridge.process.pid, resource.RLIMIT_FSIZE, (4096, before[1]))
    await try_to_send(hass)
    await until(lambda: bool(STORAGE_CODES & set(issues(hass))), "the repair is there")
    [key] = issues(hass)
    flow = await submit(hass, await begin_fix(hass, issues(hass)[key]))
    assert flow["errors"] == {"base": "storage_still"}
    resource.prlimit(bridge.process.pid, resource.RLIMIT_FSIZE, before)
    await try_to_send(hass)
    assert (await submit(hass, flow))["type"] == "create_entry"
    await until(lambda: issues(hass) == {}, "it writes again")


TROUBLE = """
import os, pathlib, sqlite3
class Connection(sqlite3.Connection):
    def execute(self, statement, *values):
        super().execute(pathlib.Path(os.environ["DATABASE_TROUBLE"]).read_text())
        return super().execute(statement, *values)
connect = sqlite3.connect
sqlite3.connect = lambda *given, **named: connect(*given, factory=Connection, **named)
"""
"""Python runs it when the gateway starts: SQLite is as the file says."""


@pytest.mark.parametrize(
    ("key", "well", "ill"),
    [
        # SQLite makes of one page as many as there are
        ("storage_full", "PRAGMA max_page_count = 1000000", "PRAGMA max_page_count = 1"),
        ("storage_unusable", "PRAGMA query_only = OFF", "PRAGMA query_only = ON"),
    ],
)
async def test_a_database_that_takes_nothing_more_is_a_repair_until_it_does(
    hass: HomeAssistant, simulator: Simulator, tmp_path: Path, key: str, well: str, ill: str
) -> None:
    assert await async_setup_component(hass, "repairs", {})
    trouble, startup = tmp_path / "trouble", tmp_path / "startup/sitecustomize.py"
    startup.parent.mkdir()
    startup.write_text(TROUBLE)
    trouble.write_text(well)
    async with running_bridge(
        tmp_path / "bridge", simulator, DATABASE_TROUBLE=str(trouble), PYTHONPATH=str(startup.parent)
    ) as bridge:
        entry_id = await link_new_account(hass, bridge, simulator)
        trouble.write_text(ill)
        async with asyncio.timeout(LIMIT):
            while key not in issues(hass):
                await try_to_send(hass, "x" * 4000)
        flow = await submit(hass, await begin_fix(hass, issues(hass)[key]))
        assert flow["errors"] == {"base": "storage_still"}
        trouble.write_text(well)
        await try_to_send(hass)
        assert (await submit(hass, flow))["type"] == "create_entry"
        await until(lambda: issues(hass) == {}, "it writes again")
        await hass.config_entries.async_unload(entry_id)


@asynccontextmanager
async def started_again(bridge: Bridge, simulator: Simulator, *, port: int, token: str) -> AsyncIterator[Bridge]:
    bridge.process.child.terminate()
    await bridge.process.child.wait()
    async with running_bridge(bridge.data_dir, simulator, port=port, BRIDGE_API_TOKEN=token) as again:
        yield again


async def test_a_gateway_that_moves_and_then_changes_its_token_is_found_again(
    hass: HomeAssistant, simulator: Simulator, tmp_path: Path
) -> None:
    async with running_bridge(tmp_path, simulator) as bridge:
        entry_id = await link_new_account(hass, bridge, simulator)
        entry = the_entry(hass, entry_id)
        async with started_again(bridge, simulator, port=0, token=MOVED) as there:
            context = ConfigFlowContext(source=SOURCE_RECONFIGURE, entry_id=entry_id)
            step = await hass.config_entries.flow.async_init("whatsapp_gateway", context=context)
            assert step["step_id"] == "reconfigure"
            flow_id, answers = step["flow_id"], {"url": there.url, "token": bridge.token}
            step = await hass.config_entries.flow.async_configure(flow_id, answers)
            assert step["errors"] == {"token": "invalid_auth"}
            step = await hass.config_entries.flow.async_configure(flow_id, answers | {"token": MOVED})
            assert (step["type"], step["reason"]) == ("abort", "reconfigure_successful")
            await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it works there")
            port = urlsplit(there.url).port or 0
            async with started_again(there, simulator, port=port, token=CHANGED):
                await until(lambda: any(entry.async_get_active_flows(hass, {SOURCE_REAUTH})), "the token is asked for")
                [asked] = entry.async_get_active_flows(hass, {SOURCE_REAUTH})
                assert asked["step_id"] == "reauth_confirm"
                step = await hass.config_entries.flow.async_configure(asked["flow_id"], {"token": CHANGED})
                assert (step["type"], step["reason"]) == ("abort", "reauth_successful")
                await until(lambda: is_state(hass, CONNECTIVITY, "on"), "it works again")
                await hass.config_entries.async_unload(entry_id)


async def test_a_recipient_is_chosen_and_renamed(hass: HomeAssistant, linked: str) -> None:
    await add_recipient(hass, linked, ALICE, "Alice")
    entry: ConfigEntry = the_entry(hass, linked)
    [subentry] = entry.subentries.values()
    context: Any = {"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id}
    step = await hass.config_entries.subentries.async_init((linked, "recipient"), context=context)
    step = await answer(hass, step, name="Aunt Alice", may_trigger=False, media="never", assist={})
    assert (step["type"], step["reason"]) == ("abort", "reconfigure_successful")
    await hass.async_block_till_done()
    state = hass.states.get("notify.alice")
    assert state is not None
    assert state.name == "Aunt Alice"
