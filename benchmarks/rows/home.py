"""The whole chain, with a real Home Assistant: an action sends, and what comes in starts an automation."""

import asyncio
from collections import defaultdict
from pathlib import Path
import tempfile
import time
from uuid import uuid4

from benchmarks.arena import Arena, Side, Stage
from benchmarks.contestants import TOKEN, Bare, Bridge
from benchmarks.figures import BARE, Comparison, Figure, Goal, Measured, Row, percentile
from tests.stack import bridge as stack_bridge
from tests.stack.config_flow import begin_pairing, finished_flow
from tests.stack.home_assistant import HomeAssistant, HomeAssistantSocket, running_home_assistant

_BLOCKS = 10
_IN_A_BLOCK = 20
_AUTOMATIONS = """\
- id: receive
  alias: Receive
  mode: queued
  max: 1000
  triggers:
    - trigger: event
      event_type: whatsapp_gateway_message
  actions:
    - event: benchmark_received
      event_data:
        text: "{{ trigger.event.data.text }}"
"""


class _House:
    """A Home Assistant with the bridge of this checkout."""

    def __init__(self, stage: Stage, home_assistant: HomeAssistant, socket: HomeAssistantSocket) -> None:
        self._stage = stage
        self._home_assistant = home_assistant
        self._socket = socket
        self._heard: asyncio.Queue[dict[str, object]] | None = None

    async def send(self, to: list[str], number: int) -> list[float]:
        times: list[float] = []
        for one in range(number):
            data = {"message": f"message number {one}", "target": to[one % len(to)]}
            started = time.perf_counter()
            await self._socket.command("call_service", domain="notify", service="whatsapp", service_data=data)
            times.append((time.perf_counter() - started) * 1000)
        return times

    async def hear(self, contact: str, number: int) -> list[float]:
        if self._heard is None:
            self._heard = await self._socket.subscribe("subscribe_events", event_type="benchmark_received")
        times: list[float] = []
        for one in range(number):
            text = f"answer number {one} {uuid4()}"
            started = time.time()
            await self._stage.simulator.contact_send(contact, text)
            async with asyncio.timeout(30):
                event = await self._heard.get()
            times.append((time.time() - started) * 1000)
            data = event["data"]
            assert isinstance(data, dict)
            assert data["text"] == text
        return times


async def _hear_bare(side: Side, contact: str, number: int) -> list[float]:
    times: list[float] = []
    for one in range(number):
        text = f"answer number {one} {uuid4()}"
        started = time.time()
        await side.stage.simulator.contact_send(contact, text)
        times.append((await side.contestant.received(text) - started) * 1000)
    return times


async def _measure(arena: Arena) -> Measured:
    sent: defaultdict[str, list[float]] = defaultdict(list)
    heard: defaultdict[str, list[float]] = defaultdict(list)
    async with arena.stages() as stages:
        bare_stage, *_, stage = stages
        with tempfile.TemporaryDirectory(prefix="benchmark-home-") as config:
            async with (
                bare_stage.running() as bare,
                stage.running() as bridge,
                running_home_assistant(Path(config), _AUTOMATIONS) as home_assistant,
                home_assistant.socket() as socket,
            ):
                assert isinstance(bare, Bare)
                assert isinstance(bridge, Bridge)
                await bare_stage.link(bare)
                await _link_by_dialog(home_assistant, bridge, stage)
                floor = Side(BARE, bare, bare_stage)
                contacts = await floor.add_contacts(10)
                await Side(stage.name, bridge, stage).add_contacts(10)
                house = _House(stage, home_assistant, socket)
                await house.send(contacts, 5)
                await house.hear(contacts[0], 5)
                await _hear_bare(floor, contacts[0], 5)
                for _ in range(arena.few(_BLOCKS)):
                    sent[BARE] += await bare.send(contacts, _IN_A_BLOCK)
                    sent[stage.name] += await house.send(contacts, _IN_A_BLOCK)
                    heard[BARE] += await _hear_bare(floor, contacts[0], _IN_A_BLOCK)
                    heard[stage.name] += await house.hear(contacts[0], _IN_A_BLOCK)
                await stage.refused_nothing()
    figures = {"sent": (sent, (50, 99)), "heard": (heard, (50, 99))}
    return {
        f"{key}_p{share}": {name: percentile(values, share / 100) for name, values in times.items()}
        for key, (times, shares) in figures.items()
        for share in shares
    }


async def _link_by_dialog(home_assistant: HomeAssistant, bridge: Bridge, stage: Stage) -> None:
    told = stack_bridge.Bridge(bridge.url, TOKEN, bridge.folder, home_assistant.process)
    step = await begin_pairing(home_assistant, told)
    await stage.simulator.scan_qr(step["qr_text"])
    await finished_flow(home_assistant, step["flow_id"])
    bridge.account = (await bridge.call("GET", "/v1/accounts"))["accounts"][0]["id"]
    await bridge.connected()


HOME = Row(
    "home",
    "With Home Assistant: action to acknowledgement, stanza to automation",
    f"{_BLOCKS} times {_IN_A_BLOCK} texts each way, in turn with bare Baileys. Sent: `notify.whatsapp`, called over Home Assistant's WebSocket, until it has ended, which it "
    "does with WhatsApp's ack. Received: from the call that lets a simulated contact write (its encryption is in both times) until the event that an automation fires "
    "was read; bare: until `messages.upsert`. Both texts are on the disk twice by then.",
    (
        Figure("sent_p50", "action to ack, p50", "ms", Goal(Comparison.TIMES_AT_MOST, 1.5)),
        Figure("sent_p99", "action to ack, p99", "ms", Goal(Comparison.TIMES_AT_MOST, 1.5)),
        Figure("heard_p50", "stanza to automation, p50", "ms", Goal(Comparison.MORE_AT_MOST, 5)),
        Figure("heard_p99", "stanza to automation, p99", "ms", Goal(Comparison.MORE_AT_MOST, 5)),
    ),
    _measure,
    rounds=3,
)
