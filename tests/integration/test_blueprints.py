"""Each blueprint runs: with the real gateway, engine and simulated WhatsApp, and a contact who answers."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.blueprint.models import Blueprint, DomainBlueprints
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events, async_fire_time_changed

from tests.integration.conftest import ALICE
from tests.integration.dialog import until
from tests.integration.house_parts import set_up_house
from tests.integration.recipients import put_recipient
from tests.simulator.client import ReceivedMessage, Simulator

FOLDER = Path(__file__).resolve().parents[2] / "blueprints/automation/whatsapp_gateway"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
TO_ALICE = {"recipients": ["notify.alice"]}
RING = [{"trigger": "event", "event_type": "ring"}]


def blueprint(name: str) -> Blueprint:
    return Blueprint(
        load_yaml_dict(str(FOLDER / f"{name}.yaml")), expected_domain="automation", schema=AUTOMATION_BLUEPRINT_SCHEMA
    )


@pytest.fixture(autouse=True)
def _ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DomainBlueprints, "_load_blueprint", lambda _self, path: blueprint(Path(path).stem))


@pytest.fixture
async def alice(hass: HomeAssistant, linked: str, simulator: Simulator) -> str:
    """A recipient's notify entity."""
    assert await async_setup_component(hass, "homeassistant", {})
    entry = hass.config_entries.async_get_entry(linked)
    assert entry is not None
    put_recipient(hass, entry, ALICE, "Alice")
    await hass.async_block_till_done()
    assert hass.states.get("notify.alice") is not None
    return "notify.alice"


async def run(hass: HomeAssistant, name: str, **inputs: Any) -> None:
    """Makes an automation of a blueprint."""
    config = {"id": name, "alias": name, "use_blueprint": {"path": f"{name}.yaml", "input": inputs}}
    assert await async_setup_component(hass, "automation", {"automation": config})
    await hass.async_block_till_done()
    state = hass.states.get(f"automation.{name}")
    assert state is not None
    assert state.state == "on"


async def received(simulator: Simulator, after: int = -1) -> ReceivedMessage:
    """Returns the next message that Alice got."""
    messages = await simulator.contact_messages(ALICE, after=after, wait=15)
    assert messages
    return messages[0]


async def chooses(simulator: Simulator, poll: ReceivedMessage, option: str) -> None:
    vote = {"kind": "poll_vote", "message_id": poll.message_id, "options": [option]}
    await simulator.contact_write(ALICE, vote)


@pytest.mark.parametrize("name", NAMES)
def test_a_blueprint_says_where_it_is_from_and_what_each_input_is(name: str) -> None:
    made = blueprint(name)
    assert made.metadata["source_url"].endswith(f"/blueprints/automation/whatsapp_gateway/{name}.yaml")
    assert made.metadata["homeassistant"]["min_version"] == "2026.10.0"
    assert made.validate() is None
    for key, field in made.inputs.items():
        assert field["name"], key
        assert field["selector"], key


@pytest.mark.parametrize(("answer", "event"), [("Open the door", "opened"), ("I'm coming", "coming")])
async def test_doorbell(
    hass: HomeAssistant, simulator: Simulator, alice: str, tmp_path: Path, answer: str, event: str
) -> None:
    await set_up_house(hass, tmp_path)
    done = async_capture_events(hass, event)
    await run(
        hass,
        "doorbell",
        bell=RING,
        camera="camera.door",
        first_actions=[{"event": "opened"}],
        second_actions=[{"event": "coming"}],
        **TO_ALICE,
    )
    hass.bus.async_fire("ring")
    picture = await received(simulator)
    assert (picture.content["kind"], picture.content["caption"]) == ("image", "Somebody is at the door.")
    poll = await received(simulator, picture.index)
    assert poll.content["options"] == ["Open the door", "I'm coming"]
    await chooses(simulator, poll, answer)
    await until(lambda: len(done) == 1, "it is done")


async def test_alarm_that_somebody_takes_care_of(hass: HomeAssistant, simulator: Simulator, alice: str) -> None:
    await run(hass, "alarm", alarm=RING, message="{{ 'Water' }} in the cellar", pause={"seconds": 1}, **TO_ALICE)
    hass.bus.async_fire("ring")
    first = await received(simulator)
    assert first.content["question"] == "Water in the cellar"
    again = await received(simulator, first.index)
    assert again.content["question"] == "Water in the cellar"
    await chooses(simulator, again, "I take care")
    last = again
    while last.content["kind"] == "poll":
        last = await received(simulator, last.index)
    assert last.text == "Alice takes care."


async def test_alarm_that_nobody_takes_care_of_is_told_to_others(
    hass: HomeAssistant, simulator: Simulator, alice: str
) -> None:
    bob = "+15551230002"
    await simulator.add_contact(bob, "Bob")
    [entry] = hass.config_entries.async_entries("whatsapp_gateway")
    put_recipient(hass, entry, bob, "Bob")
    await hass.async_block_till_done()
    options = {"pause": {"seconds": 1}, "attempts": 2, "others": ["notify.bob"]}
    await run(hass, "alarm", alarm=RING, message="Fire", **options, **TO_ALICE)
    hass.bus.async_fire("ring")
    [told] = await simulator.contact_messages(bob, wait=20)
    assert told.text == "Nobody takes care of an alarm: Fire"
    assert len(await simulator.contact_messages(ALICE)) == 2


def tomorrow_at(hour: int) -> Any:
    return dt_util.start_of_local_day() + timedelta(days=1, hours=hour)


async def test_daily_report(hass: HomeAssistant, simulator: Simulator, alice: str) -> None:
    hass.states.async_set("light.hall", "on", {"friendly_name": "Hall"})
    hass.states.async_set("binary_sensor.door", "on", {"friendly_name": "Door", "device_class": "door"})
    await run(hass, "daily_report", **TO_ALICE)
    async_fire_time_changed(hass, tomorrow_at(7))
    assert (await received(simulator)).text == "*Good morning*\nLights on: Hall. Open: Door."


async def test_chat_with_the_house(hass: HomeAssistant, simulator: Simulator, alice: str) -> None:
    for component in ("conversation", "intent"):
        assert await async_setup_component(hass, component, {})
    await run(hass, "chat_with_the_house", senders=[ALICE], pattern="^what")
    await simulator.contact_send(ALICE, "hello")
    await simulator.contact_send(ALICE, "what time is it?")
    answer = (await received(simulator)).text
    assert answer
    assert ":" in answer
    assert len(await simulator.contact_messages(ALICE)) == 1


async def test_washing_machine(hass: HomeAssistant, simulator: Simulator, alice: str) -> None:
    def runs() -> int:
        state = hass.states.get("automation.washing_machine")
        assert state is not None
        return int(state.attributes["current"])

    hass.states.async_set("sensor.washer", "0")
    await run(
        hass,
        "washing_machine",
        power="sensor.washer",
        idle_for={"seconds": 0},
        pause={"seconds": 1},
        **TO_ALICE,
    )
    hass.states.async_set("sensor.washer", "2000")
    await until(lambda: runs() == 1, "it runs")
    hass.states.async_set("sensor.washer", "1")
    first = await received(simulator)
    assert first.content["question"] == "The washing machine is done."
    again = await received(simulator, first.index)
    await chooses(simulator, again, "Emptied")
    await until(lambda: runs() == 0, "it reminds no more")


async def test_battery_warnings(hass: HomeAssistant, simulator: Simulator, alice: str) -> None:
    battery = {"device_class": "battery"}
    for name, level in (("Door", "12"), ("Window", "80"), ("Attic", "3"), ("Shed", "unknown")):
        hass.states.async_set(f"sensor.{name.lower()}", level, battery | {"friendly_name": name})
    hass.states.async_set("binary_sensor.remote", "on", battery | {"friendly_name": "Remote"})
    await run(hass, "battery_warnings", exclude=["sensor.attic"], **TO_ALICE)
    async_fire_time_changed(hass, tomorrow_at(18))
    text = (await received(simulator)).text
    assert text is not None
    assert text.splitlines()[0] == "*Batteries*"
    assert [line.lstrip("-• ") for line in text.splitlines()[1:]] == ["Door: 12 %", "Remote"]


async def test_battery_warnings_are_silent_without_a_low_one(
    hass: HomeAssistant, simulator: Simulator, alice: str
) -> None:
    hass.states.async_set("sensor.door", "90", {"device_class": "battery"})
    await run(hass, "battery_warnings", **TO_ALICE)
    async_fire_time_changed(hass, tomorrow_at(18))
    await hass.async_block_till_done()
    assert await simulator.contact_messages(ALICE) == []


async def test_arrival_of_a_person(hass: HomeAssistant, simulator: Simulator, alice: str) -> None:
    assert await async_setup_component(hass, "zone", {})
    home = {"latitude": hass.config.latitude, "longitude": hass.config.longitude, "friendly_name": "Paula"}
    hass.states.async_set("person.paula", "not_home", home | {"latitude": 1.0, "longitude": 1.0})
    await run(hass, "arrival", persons=["person.paula"], location=True, **TO_ALICE)
    hass.states.async_set("person.paula", "home", home)
    said = await received(simulator)
    assert said.text == "Paula has come home."
    place = await received(simulator, said.index)
    assert place.content["kind"] == "location"
    assert place.content["latitude"] == pytest.approx(hass.config.latitude, abs=1e-4)
