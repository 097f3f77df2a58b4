"""Shows the main job: scan the QR code in Home Assistant, send with notify.whatsapp, receive as an event.

Everything is real but WhatsApp's servers and the phone, which the simulator plays. With --real they are real too.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
import os
from pathlib import Path
import shutil
import signal
from statistics import median
import sys
import tempfile
import time

import aiohttp

from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import IN_IMAGE, Bridge, running_bridge
from tests.stack.config_flow import FlowError, begin_pairing, finished_flow
from tests.stack.home_assistant import PASSWORD, USERNAME, HomeAssistant, running_home_assistant
from tests.stack.process import ProcessFailedError

ALICE = "+15551230001"
QUESTION = "The washing machine is done. Shall I start the dryer?"
ANSWER = "Yes, please"
ROUNDS = 15
SCAN_GOAL, SEND_GOAL, RECEIVE_GOAL = 2.0, 0.1, 0.1
REAL_SCAN_LIMIT = 600.0

AUTOMATIONS = f"""\
- id: washing_machine
  alias: Ask when the washing machine is done
  mode: queued
  triggers:
    - trigger: state
      entity_id: input_button.wash
  actions:
    - action: notify.whatsapp
      data:
        title: Laundry
        message: "{QUESTION}"
        target: "{ALICE}"
- id: answer
  alias: Start the dryer when the answer is yes
  mode: queued
  triggers:
    - trigger: event
      event_type: whatsapp_gateway_message
  conditions:
    - condition: template
      value_template: "{{{{ trigger.event.data.text | lower is match('yes') }}}}"
  actions:
    - event: demo_dryer_started
      event_data:
        because: "{{{{ trigger.event.data.sender_name }}}} wrote: {{{{ trigger.event.data.text }}}}"
"""


class DemoFailedError(Exception):
    """A step did not show what it should."""


class Transcript:
    """Prints what happens, with the time that each step took."""

    def __init__(self) -> None:
        self._begin = self._last = time.monotonic()

    def step(self, text: str) -> None:
        now = time.monotonic()
        print(f"  {now - self._last:7.2f} s  {text}", flush=True)
        self._last = now

    def detail(self, text: str) -> None:
        print(f"             {text}", flush=True)

    def end(self, text: str) -> None:
        print(f"\n{text} ({time.monotonic() - self._begin:.1f} s in all)", flush=True)


async def connected_entity(home_assistant: HomeAssistant) -> str:
    """Finds the connectivity sensor that the new device brought."""
    states = await home_assistant.request("GET", "/api/states")
    found = [
        state["entity_id"]
        for state in states
        if state["entity_id"].startswith("binary_sensor.") and state["attributes"].get("device_class") == "connectivity"
    ]
    if len(found) != 1:
        raise DemoFailedError(f"expected one connectivity sensor, found {found}")
    return str(found[0])


async def until_state(home_assistant: HomeAssistant, entity_id: str, wanted: str, limit: float) -> None:
    """Waits until an entity has the wanted state."""
    async with asyncio.timeout(limit), home_assistant.socket() as socket:
        changes = await socket.subscribe(
            "subscribe_trigger", trigger={"trigger": "state", "entity_id": entity_id, "to": wanted}
        )
        if await home_assistant.state(entity_id) != wanted:
            await changes.get()


async def pair(home_assistant: HomeAssistant, bridge: Bridge, simulator: Simulator, transcript: Transcript) -> None:
    """Adds the integration; the simulated phone scans what the dialog shows."""
    step = await begin_pairing(home_assistant, bridge)
    transcript.step("Home Assistant's dialog took the gateway's address and token and shows a QR code")
    transcript.detail(f"read from the picture: {step['qr_text'][:60]}…")
    scanned = time.monotonic()
    await simulator.scan_qr(step["qr_text"])
    entry = await finished_flow(home_assistant, step["flow_id"])
    entity_id = await connected_entity(home_assistant)
    await until_state(home_assistant, entity_id, "on", 10)
    took = time.monotonic() - scanned
    transcript.step(f"the phone scanned it; the dialog closed by itself: “{entry['title']}”, {entity_id} is on")
    figure(transcript, "QR scan to connected in Home Assistant", took, SCAN_GOAL)


def figure(transcript: Transcript, what: str, seconds: float, goal: float, note: str = "") -> None:
    """Prints a measured time beside its goal."""
    verdict = "" if seconds < goal else "  OVER THE GOAL"
    transcript.detail(f"→ {what}: {seconds * 1000:.0f} ms (goal: under {goal * 1000:.0f} ms){note}{verdict}")


async def converse(home_assistant: HomeAssistant, simulator: Simulator, transcript: Transcript) -> None:
    """Runs the automation that asks and the one that the answer triggers, several times."""
    await simulator.add_contact(ALICE, "Alice")
    send_times: list[float] = []
    receive_times: list[float] = []
    async with home_assistant.socket() as socket:
        started = await socket.subscribe("subscribe_events", event_type="demo_dryer_started")
        seen = -1
        for number in range(ROUNDS):
            pressed = time.time()
            await home_assistant.call("input_button.press", entity_id="input_button.wash")
            messages = await simulator.contact_messages(ALICE, after=seen, wait=20)
            if not messages:
                raise DemoFailedError("the contact did not receive the automation's message within 20 s")
            seen = messages[-1].index
            send_times.append(messages[-1].received_at / 1000 - pressed)
            if number == 0:
                if QUESTION not in (messages[-1].text or ""):
                    raise DemoFailedError(f"the contact decrypted another text: {messages[-1].text!r}")
                transcript.step("an automation called notify.whatsapp; Alice's phone decrypted:")
                for line in (messages[-1].text or "").splitlines():
                    transcript.detail(f"  │ {line}")
            answered = time.time()
            await simulator.contact_send(ALICE, ANSWER)
            async with asyncio.timeout(20):
                event = await started.get()
            receive_times.append(time.time() - answered)
            if number == 0:
                transcript.step(f"Alice answered “{ANSWER}”; it triggered the second automation:")
                transcript.detail(f"  │ the dryer was started because {event['data']['because']}")
    transcript.step(f"the same {ROUNDS - 1} times more")
    count = f", median of {ROUNDS}"
    figure(transcript, "automation to decrypted text", median(send_times), SEND_GOAL, count)
    figure(transcript, "answer to automation", median(receive_times), RECEIVE_GOAL, count)
    state = await simulator.state()
    if state.violations:
        raise DemoFailedError(f"the simulator saw what WhatsApp would refuse: {state.violations}")


async def pair_for_real(home_assistant: HomeAssistant, bridge: Bridge, transcript: Transcript) -> None:
    """Shows each QR code of the dialog in the terminal until a real phone has scanned one."""
    step = await begin_pairing(home_assistant, bridge)
    transcript.step("scan this with WhatsApp on your phone: Settings, Linked devices, Link a device")
    headers = {"Authorization": f"Bearer {bridge.token}"}
    shown = ""
    async with asyncio.timeout(REAL_SCAN_LIMIT):
        while True:
            async with home_assistant.session.get(f"{bridge.url}/v1/accounts", headers=headers) as response:
                account = (await response.json())["data"]["accounts"][0]
            if account["state"] == "connected":
                break
            pairing = account["pairing"] or {}
            if pairing.get("qr") and pairing["qr"] != shown:
                shown = pairing["qr"]
                url = f"{bridge.url}/v1/accounts/{account['id']}/qr"
                async with home_assistant.session.get(url, headers=headers | {"Accept": "text/plain"}) as response:
                    print(await response.text(), flush=True)
            if pairing.get("status") in {"expired", "refused", "failed"}:
                raise DemoFailedError(f"pairing ended: {pairing['status']} ({pairing.get('error_code')})")
            await asyncio.sleep(0.5)
    await finished_flow(home_assistant, step["flow_id"])
    transcript.step("linked and connected")


@asynccontextmanager
async def working_folder(keep: bool) -> AsyncIterator[Path]:
    """Makes a folder for all data of the demo; it goes away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="whatsapp-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def demo(arguments: argparse.Namespace) -> None:
    """Runs the demo.

    Raises:
        DemoFailedError, FlowError, ProcessFailedError, TimeoutError: a step failed.
    """
    transcript = Transcript()
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(working_folder(arguments.real))
        simulator = None
        if not arguments.real:
            simulator = await stack.enter_async_context(running_simulator())
            transcript.step("the simulator plays WhatsApp's servers, a phone and its contacts")
        bridge = await stack.enter_async_context(running_bridge(folder / "bridge", simulator))
        where = "in the app's image, read-only, as an ordinary user" if arguments.container else "from the checkout"
        transcript.step(f"the gateway listens on {bridge.url}; it has started its engine ({where})")
        home_assistant = await stack.enter_async_context(running_home_assistant(folder / "config", AUTOMATIONS))
        version = (await home_assistant.request("GET", "/api/config"))["version"]
        transcript.step(f"Home Assistant {version} runs on {home_assistant.url}")
        if simulator is None:
            await pair_for_real(home_assistant, bridge, transcript)
        else:
            await pair(home_assistant, bridge, simulator, transcript)
            await converse(home_assistant, simulator, transcript)
        transcript.end("It works.")
        if arguments.keep or arguments.real:
            print(f"\nHome Assistant: {home_assistant.url}  user {USERNAME}, password {PASSWORD}")
            print(f"Gateway:        {bridge.url}  token {bridge.token}")
            if simulator is not None:
                print(f"Simulator:      {simulator.control_url}/admin/state")
            print(f"Data:           {folder}\nCtrl-C stops it all.", flush=True)
            await asyncio.Event().wait()


async def until_terminated(work: Coroutine[None, None, None]) -> None:
    """Runs the work; SIGTERM cancels it, so that everything that it started is stopped."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await task


def main() -> int:
    """Parses the command line, runs the demo, and says why where it failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave all of it running; print addresses and login")
    parser.add_argument(
        "--container", action="store_true", help="run the bridge in the app's image (needs root, buildah)"
    )
    parser.add_argument("--real", action="store_true", help="use WhatsApp itself and your phone; implies --keep")
    arguments = parser.parse_args()
    if arguments.container:
        os.environ[IN_IMAGE] = "1"
    try:
        asyncio.run(until_terminated(demo(arguments)))
    except KeyboardInterrupt, asyncio.CancelledError:
        return 0
    except (DemoFailedError, FlowError, ProcessFailedError, TimeoutError, aiohttp.ClientError) as error:
        print(f"\nThe demo failed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
