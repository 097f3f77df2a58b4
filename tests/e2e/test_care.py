"""The newest Home Assistant with all parts real: what happens to messages and calls, Assist, a blueprint, sensors, buttons, repairs, linking again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
import shutil
from typing import Any

import pytest

from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import running_bridge
from tests.stack.config_flow import add_recipient, begin_pairing, finished_flow, shown_qr_step
from tests.stack.entities import entity_id, followed_states
from tests.stack.home_assistant import HomeAssistant, running_home_assistant
from tests.stack.process import ROOT
from tests.stack.qr import read_qr_picture

ALICE, BOB = "+15551230001", "+15551230002"
BLUEPRINTS = "blueprints/automation/whatsapp_gateway"
TOLD = """\
- id: {name}
  alias: {name}
  mode: queued
  triggers: [{{trigger: whatsapp_gateway.{name}}}]
  actions:
    - event: told
      event_data: {{trigger: {name}, id: "{{{{ trigger.message_id }}}}", error: "{{{{ trigger.error_code }}}}"}}
"""
AUTOMATIONS = (
    "".join(TOLD.format(name=name) for name in ("message_delivered", "message_read", "message_failed"))
    + """\
- id: calls
  alias: Calls
  triggers: [{trigger: whatsapp_gateway.call_received}]
  actions:
    - action: whatsapp_gateway.reject_call
      data: {call_id: "{{ trigger.call_id }}"}
- id: lost
  alias: Lost
  triggers: [{trigger: whatsapp_gateway.connection_lost}]
  actions:
    - event: told
      event_data: {trigger: connection_lost, id: "{{ trigger.state }}"}
- id: alarm
  alias: Alarm
  use_blueprint:
    path: whatsapp_gateway/alarm.yaml
    input:
      alarm: [{trigger: event, event_type: ring}]
      recipients: [notify.alice]
      message: Water in the cellar
"""
)
OFF_AT_FIRST = (
    ("sensor", "messages_received_today"),
    ("sensor", "messages_sent_today"),
    ("sensor", "messages_failed_today"),
    ("sensor", "last_message_received"),
    ("sensor", "last_message_sent"),
    ("sensor", "gateway_version"),
    ("button", "refresh_contacts_and_groups"),
    ("button", "unlink"),
    ("image", "qr_code_to_scan"),
)


@pytest.mark.timeout(240)
async def test_the_newest_home_assistant_takes_care(tmp_path: Path) -> None:
    config = tmp_path / "config"
    shutil.copytree(ROOT / BLUEPRINTS, config / BLUEPRINTS)
    async with running_simulator() as simulator, running_bridge(tmp_path / "bridge", simulator) as bridge:
        for phone, name in ((ALICE, "Alice"), (BOB, "Bob")):
            await simulator.add_contact(phone, name)
        async with running_home_assistant(config, AUTOMATIONS, "conversation:\n") as home_assistant:
            step = await begin_pairing(home_assistant, bridge)
            await simulator.scan_qr(step["qr_text"])
            await finished_flow(home_assistant, step["flow_id"])
            await add_recipient(home_assistant, ALICE, "Alice")
            await add_recipient(home_assistant, BOB, "Bob", assist_agent="conversation.home_assistant")
            await _all_entities_on(home_assistant)
            started = datetime.now(UTC)
            await _what_becomes_of_a_message(home_assistant, simulator)
            await _a_message_is_read_and_answered(home_assistant, simulator)
            await _a_call_is_rejected(simulator)
            await _an_alarm_by_blueprint(home_assistant, simulator)
            await _the_sensors_have_counted(home_assistant, started)
            await _a_repair_and_a_button(home_assistant, simulator)
            await _unlinked_and_linked_again(home_assistant, simulator)
        assert not (await simulator.state()).violations


async def _until[Answer](ask: Callable[[], Awaitable[Answer]], right: Callable[[Answer], bool]) -> Answer:
    async with asyncio.timeout(20):
        while not right(answer := await ask()):
            await asyncio.sleep(0.05)
    return answer


async def _entity(home_assistant: HomeAssistant, domain: str, name: str) -> str:
    return await entity_id(home_assistant, domain, name)


async def _all_entities_on(home_assistant: HomeAssistant) -> None:
    async with home_assistant.socket() as socket:
        for domain, name in OFF_AT_FIRST:
            which = await _entity(home_assistant, domain, name)
            await socket.command("config/entity_registry/update", entity_id=which, disabled_by=None)
    [entry] = await home_assistant.request("GET", "/api/config/config_entries/entry?domain=whatsapp_gateway")
    await home_assistant.request("POST", f"/api/config/config_entries/entry/{entry['entry_id']}/reload")
    async with followed_states(home_assistant, await _entity(home_assistant, "sensor", "state")) as states:
        await states.reaches("connected")


async def _what_becomes_of_a_message(home_assistant: HomeAssistant, simulator: Simulator) -> None:
    async with home_assistant.socket() as socket:
        told = await socket.subscribe("subscribe_events", event_type="told")

        async def comes(wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
            async with asyncio.timeout(20):
                while True:
                    data: dict[str, Any] = (await told.get())["data"]
                    if wanted(data):
                        return data

        response = await home_assistant.answered(
            "whatsapp_gateway.send_message", entity_id="notify.alice", message="Dinner"
        )
        message_id = response["messages"][0]["message_id"]
        assert (await comes(lambda data: data["trigger"] == "message_delivered"))["id"] == message_id
        await simulator.read(ALICE, message_id)
        assert (await comes(lambda data: data["trigger"] == "message_read"))["id"] == message_id
        with pytest.raises(Exception, match="500"):
            await home_assistant.call("whatsapp_gateway.send_message", to="+15559999999", message="Nobody")
        failed = await comes(lambda data: data["trigger"] == "message_failed")
        assert failed["error"] == "recipient_not_on_whatsapp"
        await simulator.faults(drop=True)
        lost = await comes(lambda data: data["trigger"] == "connection_lost")
        assert lost["id"] == "reconnecting"
    async with followed_states(home_assistant, await _entity(home_assistant, "sensor", "state")) as states:
        await states.reaches("connected")


async def _a_message_is_read_and_answered(home_assistant: HomeAssistant, simulator: Simulator) -> None:
    question = await simulator.contact_send(BOB, "what time is it?")
    [answer] = await simulator.contact_messages(BOB, wait=20)
    assert answer.text
    assert ":" in answer.text, "Assist has answered"
    await home_assistant.call("whatsapp_gateway.mark_read", entity_id="notify.bob", message_id=question)
    assert await simulator.message_read(question) == "read"
    await home_assistant.call("whatsapp_gateway.set_typing", entity_id="notify.bob", presence="recording")
    assert (await simulator.sees(BOB))["typing"]
    made = await home_assistant.answered("whatsapp_gateway.create_group", subject="Choir", members=["Alice", "Bob"])
    assert (made["subject"], made["size"]) == ("Choir", 3)


async def _a_call_is_rejected(simulator: Simulator) -> None:
    call_id = await simulator.call(ALICE)
    assert await _until(lambda: simulator.call_state(call_id), lambda state: state != "ringing") == "rejected"


async def _an_alarm_by_blueprint(home_assistant: HomeAssistant, simulator: Simulator) -> None:
    seen = (await simulator.contact_messages(ALICE))[-1].index
    await home_assistant.request("POST", "/api/events/ring", {})
    [poll] = await simulator.contact_messages(ALICE, after=seen, wait=20)
    assert poll.content["question"] == "Water in the cellar"
    vote = {"kind": "poll_vote", "message_id": poll.message_id, "options": ["I take care"]}
    await simulator.contact_write(ALICE, vote)
    [taken] = await simulator.contact_messages(ALICE, after=poll.index, wait=20)
    assert taken.text == "Alice takes care."


async def _the_sensors_have_counted(home_assistant: HomeAssistant, started: datetime) -> None:
    for name, count in (
        ("messages_sent_today", "4"),  # a text, an answer, an alarm, and who takes care
        ("messages_received_today", "1"),  # a text; a vote is no message
        ("messages_failed_today", "1"),
        ("messages_waiting", "0"),
    ):
        async with followed_states(home_assistant, await _entity(home_assistant, "sensor", name)) as states:
            await states.reaches(count)
    for name in ("last_message_received", "last_message_sent"):
        moment = await home_assistant.state(await _entity(home_assistant, "sensor", name))
        assert datetime.fromisoformat(moment) >= started.replace(microsecond=0)
    version = await home_assistant.state(await _entity(home_assistant, "sensor", "gateway_version"))
    assert version.count(".") == 2


async def _a_repair_and_a_button(home_assistant: HomeAssistant, simulator: Simulator) -> None:
    await home_assistant.call(
        "button.press", entity_id=await _entity(home_assistant, "button", "refresh_contacts_and_groups")
    )
    restart = await _entity(home_assistant, "button", "restart")
    async with followed_states(home_assistant, await _entity(home_assistant, "sensor", "state")) as states:
        await home_assistant.call("button.press", entity_id=restart)
        await states.reaches("connected", after=await states.reaches("starting", "connecting"))
        await simulator.faults(stream_error=440)
        replaced = await states.reaches("replaced")
        [issue] = await _repairs(home_assistant, "whatsapp_gateway")
        assert issue["translation_key"] == "replaced"
        which = {"handler": "whatsapp_gateway", "issue_id": issue["issue_id"]}
        form = await home_assistant.request("POST", "/api/repairs/issues/fix", which)
        assert form["type"] == "form"
        done = await home_assistant.request("POST", f"/api/repairs/issues/fix/{form['flow_id']}", {})
        assert done["type"] == "create_entry"
        await states.reaches("connected", after=replaced)
        assert await _repairs(home_assistant, "whatsapp_gateway") == []


async def _repairs(home_assistant: HomeAssistant, about: str) -> list[dict[str, Any]]:
    async with home_assistant.socket() as socket:
        issues = (await socket.command("repairs/list_issues"))["issues"]
    return [issue for issue in issues if about in {issue["domain"], issue["issue_domain"]}]


async def _unlinked_and_linked_again(home_assistant: HomeAssistant, simulator: Simulator) -> None:
    """The dialog shows the code, and so does the image, which another phone may scan from a dashboard."""
    unlink, picture = [await _entity(home_assistant, *which) for which in OFF_AT_FIRST[-2:]]
    async with followed_states(home_assistant, await _entity(home_assistant, "sensor", "state")) as states:
        await home_assistant.call("button.press", entity_id=unlink)
        unlinked = await states.reaches("logged_out")
        async with home_assistant.socket() as socket:
            [flow] = await _until(lambda: socket.command("config_entries/flow/progress"), bool)
        assert (flow["handler"], flow["context"]["source"]) == ("whatsapp_gateway", "reauth")
        assert await home_assistant.state(picture) == "unavailable"
        await home_assistant.answer_flow(flow["flow_id"])
        await home_assistant.answer_flow(flow["flow_id"], next_step_id="scan")
        step = await shown_qr_step(home_assistant, flow["flow_id"])
        await _until(lambda: home_assistant.state(picture), lambda state: state != "unavailable")
        headers = {"Authorization": f"Bearer {home_assistant.access_token}"}
        url = f"{home_assistant.url}/api/image_proxy/{picture}"
        async with home_assistant.session.get(url, headers=headers) as response:
            shown = read_qr_picture(await response.read())
        assert shown == step["qr_text"]
        await simulator.scan_qr(shown)
        await states.reaches("connected", after=unlinked)
