"""Simulator, bridge and a real Home Assistant, started once for the tests of a module."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import Bridge, running_bridge
from tests.stack.config_flow import begin_pairing, finished_flow
from tests.stack.home_assistant import HomeAssistant, running_home_assistant

ALICE = "+15551230001"

AUTOMATIONS = f"""\
- id: send
  alias: Send
  mode: queued
  triggers:
    - trigger: state
      entity_id: input_button.wash
  actions:
    - action: notify.whatsapp
      data: {{message: The washing machine is done., target: "{ALICE}"}}
- id: receive
  alias: Receive
  mode: queued
  triggers:
    - trigger: event
      event_type: whatsapp_gateway_message
  actions:
    - event: received_by_automation
      event_data:
        seen: "{{{{ trigger.event.data.text }}}} from {{{{ trigger.event.data.sender_phone }}}}"
- id: command
  alias: Command
  mode: queued
  triggers:
    - trigger: whatsapp_gateway.message_received
      options: {{sender: "{ALICE}", pattern: 'open the (?P<what>\\w+)'}}
  conditions:
    - condition: whatsapp_gateway.is_connected
    - condition: whatsapp_gateway.message_matches
      options: {{chat_type: person}}
  actions:
    - event: opened_by_automation
      event_data:
        what: "{{{{ trigger.found.what }}}}"
"""


@dataclass(frozen=True)
class House:
    """All parts, running and linked."""

    simulator: Simulator
    bridge: Bridge
    home_assistant: HomeAssistant


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        yield simulator


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bridge(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bridge]:
    folder: Path = tmp_path_factory.mktemp("bridge")
    async with running_bridge(folder, simulator, ENGINE_KEEPALIVE_MS="1000") as bridge:
        yield bridge


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home_assistant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HomeAssistant]:
    async with running_home_assistant(tmp_path_factory.mktemp("config"), AUTOMATIONS) as home_assistant:
        yield home_assistant


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(simulator: Simulator, bridge: Bridge, home_assistant: HomeAssistant) -> House:
    """The parts after the phone scanned the code in Home Assistant's dialog, with a contact Alice."""
    step = await begin_pairing(home_assistant, bridge)
    await simulator.scan_qr(step["qr_text"])
    await finished_flow(home_assistant, step["flow_id"])
    await simulator.add_contact(ALICE, "Alice")
    return House(simulator, bridge, home_assistant)
