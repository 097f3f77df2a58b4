"""Home Assistant in this process; simulator, gateway and engine as real processes."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

# found before the harness puts its own package of this name in front
import custom_components.whatsapp_gateway  # noqa: F401
from tests.integration.dialog import link_new_account
from tests.integration.exercised import NOTED, is_whole_chain, missing, watch
from tests.integration.scripted_gateway import ScriptedGateway, running_scripted_gateway
from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import Bridge, running_bridge

ALICE = "+15551230001"
SECOND_PHONE = "+15551230055"
"""The number of another phone, which could be linked too."""
IDENTITY = "9c4e1f7a20b3d865_home"
"""The account of the golden hello, among those of all gateways."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--whole-chain", action="store_true", help="fail where something was not exercised with real parts"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_whole_chain(getattr(item, "fixturenames", [])):
            item.add_marker(pytest.mark.whole_chain)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of xdist has ended: takes over what it has seen."""
    NOTED.update(node.workeroutput.get("noted", []))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["noted"] = sorted(NOTED)
    elif session.config.getoption("--whole-chain") and missing() and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--whole-chain") and (names := missing()):
        terminalreporter.section("not exercised by any test with the real gateway, engine and simulator", red=True)
        for name in names:
            terminalreporter.write_line(name)


@pytest.fixture(autouse=True)
def _noted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test with all real parts comes through is noted."""
    if request.node.get_closest_marker("whole_chain"):
        watch(monkeypatch)


@pytest.fixture(autouse=True)
def _real_parts(enable_custom_integrations: None, socket_enabled: None) -> None:
    """Custom integrations are found, and sockets are real."""


@pytest.fixture
def expected_lingering_timers() -> bool:
    """aiohttp arms a WebSocket's heartbeat once more when the peer's last frame comes; that timer does nothing and runs out."""
    return True


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """WhatsApp's servers, with a contact Alice."""
    async with running_simulator() as simulator:
        await simulator.add_contact(ALICE, "Alice")
        await simulator.add_contact(SECOND_PHONE, "Second phone")
        yield simulator
        state = await simulator.state()
        assert not state.violations


@pytest.fixture
async def bridge(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Bridge]:
    """The gateway with its engine."""
    async with running_bridge(tmp_path / "bridge", simulator) as bridge:
        yield bridge


@pytest.fixture
async def linked(hass: HomeAssistant, simulator: Simulator, bridge: Bridge) -> AsyncIterator[str]:
    """The entry id of an account that was linked in the dialog."""
    entry_id = await link_new_account(hass, bridge, simulator)
    yield entry_id
    if hass.config_entries.async_get_entry(entry_id) is not None:
        await hass.config_entries.async_unload(entry_id)


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    """A gateway that says what the test wants."""
    async with running_scripted_gateway() as gateway:
        yield gateway


@pytest.fixture
def entry(hass: HomeAssistant, gateway: ScriptedGateway) -> MockConfigEntry:
    """An account of the scripted gateway, not yet set up."""
    entry = MockConfigEntry(
        domain="whatsapp_gateway",
        title="+15550001000",
        unique_id=IDENTITY,
        data={"url": gateway.url, "token": gateway.token, "account": "home"},
    )
    entry.add_to_hass(hass)
    return entry


@pytest.fixture
def messages(hass: HomeAssistant) -> list[Event]:
    """The events that automations get for messages."""
    return async_capture_events(hass, "whatsapp_gateway_message")


type StatesOf = Callable[[str], list[str]]


@pytest.fixture
def states_of(hass: HomeAssistant) -> StatesOf:
    """Remembers the states that entities go through."""
    seen: list[tuple[str, str]] = []

    @callback
    def changed(event: Event[EventStateChangedData]) -> None:
        if event.data["new_state"] is not None:
            seen.append((event.data["entity_id"], event.data["new_state"].state))

    hass.bus.async_listen(EVENT_STATE_CHANGED, changed)
    return lambda entity_id: [state for entity, state in seen if entity == entity_id]
