"""Where Home Assistant has a Supervisor, the dialog installs and starts the app and types nothing: against a stand-in of its API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from homeassistant.components.hassio.const import DATA_COMPONENT
from homeassistant.components.hassio.handler import HassIO
from homeassistant.config_entries import SOURCE_HASSIO, SOURCE_IGNORE, SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import UnknownFlow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.service_info.hassio import HassioServiceInfo
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_gateway import app_dialog
from tests.integration.dialog import DOMAIN, current_step, qr_text, shown_code, step_after_progress, until
from tests.integration.scripted_gateway import TOKEN, ScriptedGateway
from tests.simulator.client import Simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.supervisor import SUPERVISOR_TOKEN, running_supervisor
from tests.stack.supervisor_store import SLUG, Store

type Step = Any


@pytest.fixture
async def store(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    """The store of a Supervisor that this Home Assistant runs under."""
    monkeypatch.setenv("SUPERVISOR_TOKEN", SUPERVISOR_TOKEN)
    monkeypatch.setattr(app_dialog, "_PAUSE", 0.01)
    stores: list[Store] = []

    def more_routes(supervisor: Any, router: Any) -> None:
        stores.append(Store(supervisor))
        stores[0].add_routes(router)

    async with running_supervisor(more_routes=more_routes) as supervisor:
        hass.config.components.add("hassio")
        address = urlsplit(supervisor.url).netloc
        hass.data[DATA_COMPONENT] = HassIO(hass.loop, async_get_clientsession(hass), address)
        yield stores[0]


def tell(store: Store, gateway: ScriptedGateway, **changed: object) -> None:
    """Has the app tell the Supervisor where it listens."""
    config = {"host": "5c53de3b-whatsapp-gateway", "port": urlsplit(gateway.url).port, "token": gateway.token}
    store.supervisor.discovered.append({"service": DOMAIN, "config": config | changed})


def told(gateway: ScriptedGateway | Bridge, **changed: object) -> HassioServiceInfo:
    """What Home Assistant hears of it."""
    config = {
        "host": "127.0.0.1",
        "port": urlsplit(gateway.url).port,
        "token": gateway.token,
        "addon": "WhatsApp Gateway",
    }
    return HassioServiceInfo(config=config | changed, name="WhatsApp Gateway", slug=SLUG, uuid="1234")


async def begin(hass: HomeAssistant) -> str:
    """Opens the dialog and returns its id."""
    step = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert (step["type"], step["step_id"], step["menu_options"]) == ("menu", "where", ["app", "manual"])
    return str(step["flow_id"])


async def choose(hass: HomeAssistant, flow_id: str, option: str) -> Step:
    return await hass.config_entries.flow.async_configure(flow_id, {"next_step_id": option})


async def discover(hass: HomeAssistant, info: HassioServiceInfo) -> Step:
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_HASSIO}, data=info)


async def test_from_nothing_to_a_linked_phone_without_typing(
    hass: HomeAssistant, store: Store, simulator: Simulator, tmp_path: Path
) -> None:
    """The real gateway, started as the app, tells the Supervisor, and the dialog takes that over. On the way two things are mended."""
    async with AsyncExitStack() as stack:
        bridges = []

        async def start_the_app() -> None:
            bridge = running_bridge(
                tmp_path, simulator, BRIDGE_SUPERVISOR_URL=store.supervisor.url, SUPERVISOR_TOKEN=SUPERVISOR_TOKEN
            )
            bridges.append(await stack.enter_async_context(bridge))

        store.on_start, store.known, store.fails = start_the_app, False, {"install"}
        flow_id = await begin(hass)
        assert (await choose(hass, flow_id, "app"))["step_id"] == "app_repository"
        store.known = True
        await hass.config_entries.flow.async_configure(flow_id, {})
        assert (await step_after_progress(hass, flow_id))["step_id"] == "app_failed"
        store.fails = set()
        step = await choose(hass, flow_id, "app")
        assert (step["type"], step["progress_action"]) == ("progress", "install_app")
        await until(lambda: current_step(hass, flow_id)["type"] == "progress_done", "the app answers")
        step = await hass.config_entries.flow.async_configure(flow_id)
        if step["type"] == "menu":
            await choose(hass, flow_id, "scan")
        await shown_code(hass, flow_id)
        await simulator.scan_qr(await qr_text(bridges[0]))
        await step_after_progress(hass, flow_id)
        await hass.async_block_till_done()
        [entry] = hass.config_entries.async_entries(DOMAIN)
        assert (entry.data["url"], entry.data["token"]) == (bridges[0].url, bridges[0].token)
        assert entry.state is ConfigEntryState.LOADED
        assert [call for call in store.calls if call in {"install", "start"}] == ["install", "install", "start"]
        await hass.config_entries.async_unload(entry.entry_id)


async def test_an_app_that_runs_is_neither_installed_nor_started_again(
    hass: HomeAssistant, store: Store, gateway: ScriptedGateway
) -> None:
    store.installed = store.running = True
    tell(store, gateway)
    flow_id = await begin(hass)
    await choose(hass, flow_id, "app")
    step = await step_after_progress(hass, flow_id)
    assert step["step_id"] == "account"
    assert not {"install", "start"} & set(store.calls)


async def test_where_the_store_lacks_the_app_its_repository_is_offered(
    hass: HomeAssistant, store: Store, gateway: ScriptedGateway
) -> None:
    store.known = False
    flow_id = await begin(hass)
    step = await choose(hass, flow_id, "app")
    assert (step["type"], step["step_id"]) == ("form", "app_repository")
    assert step["description_placeholders"]["link"].startswith("https://my.home-assistant.io/redirect/")
    assert (await hass.config_entries.flow.async_configure(flow_id, {}))["step_id"] == "app_repository"
    store.known = True
    tell(store, gateway)
    step = await hass.config_entries.flow.async_configure(flow_id, {})
    assert step["progress_action"] == "install_app"
    assert (await step_after_progress(hass, flow_id))["step_id"] == "account"


@pytest.mark.parametrize("fails", ["install", "start", "list"])
async def test_what_the_supervisor_can_not_do_is_said_and_can_be_tried_again(
    hass: HomeAssistant, store: Store, gateway: ScriptedGateway, fails: str
) -> None:
    store.fails = {fails}
    tell(store, gateway)
    flow_id = await begin(hass)
    step = await choose(hass, flow_id, "app")
    if step["type"] == "progress":
        step = await step_after_progress(hass, flow_id)
    assert (step["type"], step["step_id"], step["menu_options"]) == ("menu", "app_failed", ["app", "manual"])
    store.fails = set()
    await choose(hass, flow_id, "app")
    assert (await step_after_progress(hass, flow_id))["step_id"] == "account"


async def test_an_app_that_does_not_answer_is_said(
    hass: HomeAssistant, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_dialog, "START_LIMIT", 0.2)
    flow_id = await begin(hass)
    await choose(hass, flow_id, "app")
    step = await step_after_progress(hass, flow_id)
    assert step["step_id"] == "app_failed"
    step = await choose(hass, flow_id, "manual")
    assert (step["type"], step["step_id"], step["errors"]) == ("form", "user", {})


async def test_what_an_earlier_start_has_told_is_not_taken(
    hass: HomeAssistant, store: Store, gateway: ScriptedGateway
) -> None:
    tell(store, gateway, token="the token of an earlier installation")
    flow_id = await begin(hass)
    await choose(hass, flow_id, "app")
    await until(lambda: store.calls.count("discovery") > 2, "the dialog has looked more than once")
    tell(store, gateway)
    assert (await step_after_progress(hass, flow_id))["step_id"] == "account"


async def test_a_dialog_that_is_closed_does_not_stop_the_installation(
    hass: HomeAssistant, store: Store, gateway: ScriptedGateway
) -> None:
    flow_id = await begin(hass)
    await choose(hass, flow_id, "app")
    await until(lambda: "store info" in store.calls, "the installation has begun")
    hass.config_entries.flow.async_abort(flow_id)
    await until(lambda: store.installed, "the app is installed all the same")


async def test_the_manual_way_is_there_too(hass: HomeAssistant, store: Store, gateway: ScriptedGateway) -> None:
    flow_id = await begin(hass)
    step = await choose(hass, flow_id, "manual")
    assert step["step_id"] == "user"
    step = await hass.config_entries.flow.async_configure(flow_id, {"url": gateway.url, "token": gateway.token})
    assert step["step_id"] == "account"
    assert store.calls == []


async def test_a_discovered_app_is_offered_and_makes_an_entry(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    step = await discover(hass, told(gateway))
    assert (step["type"], step["step_id"]) == ("form", "hassio_confirm")
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {})
    assert step["step_id"] == "account"
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {"account": "home"})
    assert step["type"] == "create_entry"
    assert step["data"]["url"] == gateway.url
    assert step["data"]["token"] == gateway.token
    await hass.async_block_till_done()


async def test_a_real_gateway_that_the_supervisor_tells_of_is_linked(
    hass: HomeAssistant, bridge: Bridge, simulator: Simulator
) -> None:
    step = await discover(hass, told(bridge))
    assert (step["type"], step["step_id"]) == ("form", "hassio_confirm")
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {})
    assert step["step_id"] == "pair"
    await choose(hass, step["flow_id"], "scan")
    await shown_code(hass, step["flow_id"])
    await simulator.scan_qr(await qr_text(bridge))
    await step_after_progress(hass, step["flow_id"])
    await hass.async_block_till_done()
    [entry] = hass.config_entries.async_entries(DOMAIN)
    assert (entry.data["url"], entry.title) == (bridge.url, simulator.phone)
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_gateway_that_was_offered_long_ago_and_is_gone_is_said(
    hass: HomeAssistant, gateway: ScriptedGateway
) -> None:
    step = await discover(hass, told(gateway))
    gateway.token = "another token by now"
    step = await hass.config_entries.flow.async_configure(step["flow_id"], {})
    assert (step["step_id"], step["errors"]) == ("hassio_confirm", {"base": "invalid_auth"})
    gateway.token = TOKEN
    assert (await hass.config_entries.flow.async_configure(step["flow_id"], {}))["step_id"] == "account"


async def test_a_known_gateway_gets_its_new_address_and_token(
    hass: HomeAssistant, gateway: ScriptedGateway, entry: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(entry, data={**entry.data, "url": "http://127.0.0.1:9", "token": "old"})
    await hass.config_entries.async_setup(entry.entry_id)
    assert str(entry.state) == str(ConfigEntryState.SETUP_RETRY)
    step = await discover(hass, told(gateway))
    assert (step["type"], step["reason"]) == ("abort", "already_configured")
    await hass.async_block_till_done()
    assert (entry.data["url"], entry.data["token"], entry.data["account"]) == (gateway.url, gateway.token, "home")
    assert entry.state is ConfigEntryState.LOADED
    await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"port": 9}, "cannot_connect"),
        ({"token": "wrong"}, "cannot_connect"),
        ({"port": "x"}, "invalid_discovery_info"),
    ],
)
async def test_what_can_not_be_used_is_not_offered(
    hass: HomeAssistant, gateway: ScriptedGateway, changed: dict[str, object], reason: str
) -> None:
    step = await discover(hass, told(gateway, **changed))
    assert (step["type"], step["reason"]) == ("abort", reason)


async def test_the_same_gateway_is_offered_once_and_not_after_it_was_ignored(
    hass: HomeAssistant, gateway: ScriptedGateway
) -> None:
    first = await discover(hass, told(gateway))
    again = await discover(hass, told(gateway))
    assert (again["type"], again["reason"]) == ("abort", "already_in_progress")
    await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_IGNORE}, data={"unique_id": gateway.hello["gateway_id"], "title": "WhatsApp"}
    )
    with suppress(UnknownFlow):
        hass.config_entries.flow.async_abort(first["flow_id"])
    step = await discover(hass, told(gateway))
    assert (step["type"], step["reason"]) == ("abort", "already_configured")


async def test_an_offer_is_withdrawn_when_the_gateway_was_set_up_otherwise(
    hass: HomeAssistant, store: Store, gateway: ScriptedGateway
) -> None:
    """An app that the dialog starts announces itself, while the dialog goes on."""
    tell(store, gateway)
    await discover(hass, told(gateway))
    flow_id = await begin(hass)
    await choose(hass, flow_id, "app")
    await step_after_progress(hass, flow_id)
    step = await hass.config_entries.flow.async_configure(flow_id, {"account": "home"})
    assert step["type"] == "create_entry"
    await hass.async_block_till_done()
    assert hass.config_entries.flow.async_progress_by_handler(DOMAIN) == []
    async with asyncio.timeout(5):
        [entry] = hass.config_entries.async_entries(DOMAIN)
        await hass.config_entries.async_unload(entry.entry_id)
