"""The actions: what each asks the gateway for, whom it is for, and what it says when it cannot."""

from collections.abc import AsyncIterator
import json
from pathlib import Path
import re
from typing import Any
from unittest.mock import patch

from aiohttp import web
from aiohttp.test_utils import TestServer
from homeassistant.components.media_source import PlayMedia
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
import probatio as vol
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.integration.dialog import until
from tests.integration.house_parts import RecordedStream, set_up_house
from tests.integration.recipients import ALICE, FAMILY, put_recipient
from tests.integration.scripted_gateway import Request, ScriptedGateway, golden

BOB = "+15551230002"
MESSAGES = "/v1/accounts/home/messages"
type Json = Any


@pytest.fixture
async def loaded(hass: HomeAssistant, entry: MockConfigEntry) -> AsyncIterator[MockConfigEntry]:
    assert await hass.config_entries.async_setup(entry.entry_id)
    put_recipient(hass, entry, ALICE, "Alice")
    put_recipient(hass, entry, FAMILY, "Family")
    await hass.async_block_till_done()
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


async def act(hass: HomeAssistant, action: str, **data: Any) -> Json:
    """Performs an action and returns its response."""
    return await hass.services.async_call("whatsapp_gateway", action, data, blocking=True, return_response=True)


def body_of(request: Request) -> Json:
    """Returns the message of a request, also of one with a file."""
    if request.body is not None:
        return request.body
    found = re.search(rb'name="message"\r\n\r\n(\{.*?\})\r\n--', request.raw, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("action", "data", "body"),
    [
        (
            "send_message",
            {"message": "is ready", "title": "Dinner", "markdown": True, "link_preview": True},
            {"type": "text", "text": "**Dinner**\nis ready", "markdown": True, "link_preview": True},
        ),
        (
            "send_message",
            {"message": "@family, ask @Alice", "mentions": ["Alice", "@(555) 123-0002"]},
            {"type": "text", "text": f"@family, ask @{ALICE} @{BOB}", "mentions": [ALICE, BOB]},
        ),
        (
            "send_message",
            {"message": "yes", "reply_to": "3A5F"},
            {"type": "text", "text": "yes", "quote": {"message_id": "3A5F", "author": ALICE}},
        ),
        (
            "send_media",
            {
                "url": "https://example.org/a.jpg?x=1",
                "caption": "A",
                "view_once": True,
                "username": "u",
                "password": "p",
            },
            {
                "type": "image",
                "media": {"url": "https://example.org/a.jpg?x=1", "username": "u", "password": "p"},
                "caption": "A",
                "view_once": True,
            },
        ),
        (
            "send_media",
            {"url": "https://example.org/film", "kind": "video", "gif": True},
            {"type": "video", "media": {"url": "https://example.org/film"}, "gif": True},
        ),
        (
            "send_media",
            {"url": "https://example.org/a.gif", "file_name": "A.gif"},
            {"type": "document", "media": {"url": "https://example.org/a.gif"}, "file_name": "A.gif"},
        ),
        (
            "send_voice",
            {"url": "https://example.org/a.mp3"},
            {"type": "voice", "media": {"url": "https://example.org/a.mp3"}},
        ),
        ("send_sticker", {"url": "https://a.org/a.png"}, {"type": "sticker", "media": {"url": "https://a.org/a.png"}}),
        (
            "send_location",
            {"of_entity": "zone.home", "address": "1 Main Street"},
            {
                "type": "location",
                "latitude": 32.87336,
                "longitude": -117.22743,
                "name": "test home",
                "address": "1 Main Street",
            },
        ),
        (
            "send_location",
            {"location": {"latitude": 52.5, "longitude": 13.4, "radius": 5}, "name": "Gate"},
            {"type": "location", "latitude": 52.5, "longitude": 13.4, "name": "Gate"},
        ),
        (
            "send_contact",
            {"name": "Dr Miller", "phones": "+49301234567", "organization": "Practice"},
            {
                "type": "contact",
                "contacts": [{"name": "Dr Miller", "phones": ["+49301234567"], "organization": "Practice"}],
            },
        ),
        (
            "send_poll",
            {"question": "Close it?", "options": ["Yes", "No"]},
            {"type": "poll", "question": "Close it?", "options": ["Yes", "No"], "selectable": 1},
        ),
        (
            "react",
            {"message_id": "3A5F", "emoji": "👍"},
            {"type": "reaction", "message_id": "3A5F", "author": ALICE, "emoji": "👍"},
        ),
        (
            "react",
            {"message_id": "3A5F", "emoji": "👍", "own": True},
            {"type": "reaction", "message_id": "3A5F", "author": None, "emoji": "👍"},
        ),
        (
            "edit_message",
            {"message_id": "3A5F", "message": "new"},
            {"type": "edit", "message_id": "3A5F", "text": "new"},
        ),
        ("delete_message", {"message_id": "3A5F"}, {"type": "revoke", "message_id": "3A5F", "author": None}),
    ],
)
async def test_an_action_is_a_message(
    hass: HomeAssistant, gateway: ScriptedGateway, action: str, data: dict[str, Any], body: Json
) -> None:
    hass.config.country = "US"
    hass.states.async_set(
        "zone.home", "0", {"latitude": 32.87336, "longitude": -117.22743, "friendly_name": "test home"}
    )
    response = await act(hass, action, entity_id="notify.alice", **data)
    [request] = gateway.requested("POST", MESSAGES)
    assert request.body == body | {"to": ALICE}
    sent = golden("answer-message-sent")["data"]
    assert response == {
        "messages": [
            {
                "entity_id": "notify.alice",
                "chat": ALICE,
                "message_id": sent["messageId"],
                "status": "sent",
                "timestamp": "2026-11-24T08:15:30.123000+00:00",
            }
        ]
    }


@pytest.fixture
async def house(hass: HomeAssistant, loaded: MockConfigEntry, tmp_path: Path) -> Any:
    return await set_up_house(hass, tmp_path)


@pytest.mark.parametrize(
    ("action", "data", "kind", "contains"),
    [
        ("send_media", {"camera": "camera.door"}, "image", [b"door.jpg", b"\xff\xd8"]),
        ("send_media", {"camera": "image.painting"}, "image", [b"painting.jpg", b"\xff\xd8"]),
        ("send_media", {"media": {"media_content_id": "media-source://camera/camera.door"}}, "image", [b"door.jpg"]),
        ("send_media", {"media": "media-source://media_source/local/bill.pdf"}, "document", [b"bill.pdf", b"%PDF"]),
        ("send_media", {"path": "{tmp}/bill.pdf"}, "document", [b"bill.pdf", b"%PDF"]),
        ("send_voice", {"message": "Hello", "tts_entity": "tts.speaker"}, "voice", [b"speech.", b"audio/"]),
        ("send_sticker", {"camera": "camera.door"}, "sticker", [b"\xff\xd8"]),
    ],
)
@pytest.mark.usefixtures("house")
async def test_a_file_is_found_and_uploaded(
    hass: HomeAssistant,
    gateway: ScriptedGateway,
    tmp_path: Path,
    action: str,
    data: dict[str, Any],
    kind: str,
    contains: list[bytes],
) -> None:
    (tmp_path / "bill.pdf").write_bytes(b"%PDF-1.7")
    data = {name: value.replace("{tmp}", str(tmp_path)) if name == "path" else value for name, value in data.items()}
    await act(hass, action, entity_id="notify.alice", **data)
    [request] = gateway.requested("POST", MESSAGES)
    assert body_of(request) == {"type": kind, "media": {}, "to": ALICE}
    for part in contains:
        assert part in request.raw


@pytest.fixture
async def radio() -> AsyncIterator[TestServer]:
    """A server with a file that comes in parts."""

    async def recording(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in range(9):
            await response.write(bytes([part]) * 100_000)
        return response

    app = web.Application()
    app.router.add_get("/recording.mp3", recording)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


async def send_from(hass: HomeAssistant, url: str) -> None:
    with patch("homeassistant.components.media_source.async_resolve_media", return_value=PlayMedia(url, "audio/mpeg")):
        await act(hass, "send_media", entity_id="notify.alice", media="media-source://radio/news")


@pytest.mark.usefixtures("house")
async def test_what_a_media_source_has_behind_a_url_is_sent_whole(
    hass: HomeAssistant, gateway: ScriptedGateway, radio: TestServer
) -> None:
    await send_from(hass, str(radio.make_url("/recording.mp3")))
    [request] = gateway.requested("POST", MESSAGES)
    assert b"".join(bytes([part]) * 100_000 for part in range(9)) in request.raw


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(("path", "limit"), [("/recording.mp3", 850_000), ("/nothing.mp3", 4_000_000)])
async def test_a_media_source_that_gives_too_much_or_nothing_is_told(
    hass: HomeAssistant, gateway: ScriptedGateway, radio: TestServer, path: str, limit: int
) -> None:
    with (
        patch("custom_components.whatsapp_gateway.attachments.FETCH_LIMIT", limit),
        pytest.raises(HomeAssistantError) as failed,
    ):
        await send_from(hass, str(radio.make_url(path)))
    assert failed.value.translation_key == "media_source_failed"
    assert gateway.requested("POST", MESSAGES) == []


@pytest.mark.usefixtures("house")
async def test_a_media_source_whose_file_is_gone_says_so(hass: HomeAssistant) -> None:
    with pytest.raises(ServiceValidationError) as missing:
        await act(hass, "send_media", entity_id="notify.alice", media="media-source://media_source/local/gone.pdf")
    assert missing.value.translation_key == "file_unreadable"


async def test_a_clip_of_a_camera_is_a_film_and_leaves_no_file_behind(
    hass: HomeAssistant, gateway: ScriptedGateway, house: Any, tmp_path: Path
) -> None:
    house[0].film = RecordedStream(b"....ftypisom a film")
    clip = {"camera": "camera.door", "clip_seconds": 7, "lookback_seconds": 3}
    await act(hass, "send_media", entity_id="notify.alice", caption="Who is it?", **clip)
    [request] = gateway.requested("POST", MESSAGES)
    assert body_of(request) == {"type": "video", "media": {}, "caption": "Who is it?", "to": ALICE}
    assert b"....ftypisom a film" in request.raw
    assert house[0].film.asked == {"duration": 7, "lookback": 3}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("film", "key"), [(None, "camera_no_stream"), (RecordedStream(b""), "clip_empty")])
async def test_a_camera_that_does_not_film_says_so(
    hass: HomeAssistant, house: Any, film: RecordedStream | None, key: str
) -> None:
    house[0].film = film
    with pytest.raises(HomeAssistantError) as refused:
        await act(hass, "send_media", entity_id="notify.alice", camera="camera.door", clip_seconds=2)
    assert refused.value.translation_key == key


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("action", "data", "key"),
    [
        ("send_message", {"message": "x"}, "no_target"),
        ("send_message", {"message": "x", "to": "Carol"}, "invalid_phone_number"),
        ("send_message", {"message": "x", "to": ALICE, "account": "nobody"}, "account_unknown"),
        ("send_message", {"message": "x", "entity_id": "sensor.home_state"}, "not_a_recipient"),
        ("send_message", {"message": "x", "entity_id": "notify.nobody"}, "not_a_recipient"),
        ("send_message", {"message": "x", "entity_id": "notify.family", "reply_to": "3A5F"}, "author_needed"),
        ("send_media", {"entity_id": "notify.alice"}, "no_file"),
        ("send_media", {"entity_id": "notify.alice", "path": "/etc/passwd"}, "path_not_allowed"),
        ("send_media", {"entity_id": "notify.alice", "media": "https://a.org/b"}, "not_a_media_source"),
        ("send_voice", {"entity_id": "notify.alice", "message": "x"}, "no_tts_entity"),
        ("send_location", {"entity_id": "notify.alice"}, "no_place"),
        ("send_location", {"entity_id": "notify.alice", "of_entity": "person.nobody"}, "no_location"),
        ("react", {"entity_id": "notify.family", "message_id": "3A5F", "emoji": "x"}, "author_needed"),
    ],
)
async def test_what_cannot_be_meant_is_said(
    hass: HomeAssistant, gateway: ScriptedGateway, action: str, data: dict[str, Any], key: str
) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, action, **data)
    assert refused.value.translation_key == key
    assert gateway.requested("POST", MESSAGES) == []


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("send_poll", {"question": "x", "options": ["only one"]}),
        ("send_media", {"path": "/a", "url": "https://a.org"}),
        ("send_message", {}),
        ("send_media", {"camera": "light.door"}),
    ],
)
async def test_fields_that_do_not_fit_are_refused(hass: HomeAssistant, action: str, data: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid):
        await act(hass, action, entity_id="notify.alice", **data)


async def test_targets_are_entities_devices_and_free_ones_each_once(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry
) -> None:
    device = next(
        device
        for device in dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)
        if device.name == "Family"
    )
    response = await act(
        hass, "send_message", message="x", entity_id="notify.alice", device_id=device.id, to=[ALICE, BOB, "family"]
    )
    assert [request.body["to"] for request in gateway.requested("POST", MESSAGES)] == [ALICE, FAMILY, BOB]
    assert [message["entity_id"] for message in response["messages"]] == ["notify.alice", "notify.family", None]


@pytest.mark.usefixtures("loaded")
async def test_a_message_that_came_is_answered_by_its_id_alone(
    hass: HomeAssistant, gateway: ScriptedGateway, messages: list[Event]
) -> None:
    await gateway.listeners()
    received = golden("event-message-received-group")
    received["sequence"] += 100
    await gateway.send(received)
    await until(lambda: bool(messages), "it is told")
    message_id = received["data"]["message_id"]
    await act(hass, "react", entity_id="notify.family", message_id=message_id, emoji="👍")
    await act(hass, "send_message", entity_id="notify.family", message="yes", reply_to=message_id)
    reaction, reply = gateway.requested("POST", MESSAGES)
    author = f"lid:{received['data']['sender']['lid']}"
    assert reaction.body["author"] == author
    assert reply.body["quote"] == {
        "message_id": message_id,
        "author": author,
        "text": received["data"]["content"]["text"],
    }


@pytest.mark.usefixtures("loaded")
async def test_what_fails_for_one_is_tried_for_all_and_told(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    gateway.answer("POST", MESSAGES, "error-message-rejected", (200, golden("answer-message-sent")))
    with pytest.raises(HomeAssistantError) as refused:
        await act(hass, "send_message", entity_id=["notify.alice", "notify.family"], message="x")
    assert refused.value.translation_key == "some_not_sent"
    assert len(gateway.requested("POST", MESSAGES)) == 2


READ, PRESENCE = "/v1/accounts/home/read", "/v1/accounts/home/chats"


@pytest.mark.usefixtures("loaded")
async def test_messages_are_marked_as_read_with_their_authors(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    nothing = {"success": True, "message": "", "data": {}}
    gateway.answer("POST", READ, (200, nothing))
    call = {"entity_id": "notify.alice", "message_id": ["3A5F", "3A60"]}
    await hass.services.async_call("whatsapp_gateway", "mark_read", call, blocking=True)
    call = {"entity_id": "notify.family", "message_id": "3A61", "author": BOB}
    await hass.services.async_call("whatsapp_gateway", "mark_read", call, blocking=True)
    alices, familys = gateway.requested("POST", READ)
    assert alices.body == {
        "to": ALICE,
        "messages": [{"message_id": "3A5F", "author": ALICE}, {"message_id": "3A60", "author": ALICE}],
    }
    assert familys.body == {"to": FAMILY, "messages": [{"message_id": "3A61", "author": BOB}]}


@pytest.mark.usefixtures("loaded")
async def test_typing_is_shown(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    nothing = {"success": True, "message": "", "data": {}}
    gateway.answer("PUT", f"{PRESENCE}/{ALICE}/presence", (200, nothing))
    await hass.services.async_call("whatsapp_gateway", "set_typing", {"entity_id": "notify.alice"}, blocking=True)
    gateway.answer(
        "PUT", f"{PRESENCE}/{FAMILY}/presence", (503, {"detail": "", "error_code": "not_connected", "timestamp": ""})
    )
    call = {"entity_id": ["notify.alice", "notify.family"], "presence": "recording"}
    with pytest.raises(HomeAssistantError) as refused:
        await hass.services.async_call("whatsapp_gateway", "set_typing", call, blocking=True)
    assert refused.value.translation_key == "some_not_sent"
    shown = [request.body["presence"] for request in gateway.requested("PUT", f"{PRESENCE}/{ALICE}/presence")]
    assert shown == ["typing", "recording"]


@pytest.mark.usefixtures("loaded")
async def test_questions_about_chats_are_answered(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    hass.config.country = "US"
    checked = await act(hass, "check_number", numbers="(555) 123-0001")
    assert checked == {"numbers": [{"number": "(555) 123-0001", "phone": ALICE, "on_whatsapp": True, "chat": ALICE}]}
    listed = await act(hass, "list_chats", search="fam")
    assert gateway.requested("GET", "/v1/accounts/home/chats")[-1].query == {"search": "fam"}
    assert listed["chats"][0] == {"chat": FAMILY, "type": "group", "name": "Family", "recipient": "Family"}
    gateway.answer("POST", "/v1/accounts/home/groups", (201, golden("answer-group")))
    made = await act(hass, "create_group", subject="Family", members=["alice", "(555) 123-0002"])
    assert made == {"chat": FAMILY, "subject": "Family", "size": 3}
    [request] = gateway.requested("POST", "/v1/accounts/home/groups")
    assert request.body == {"subject": "Family", "members": [ALICE, BOB]}


@pytest.mark.usefixtures("loaded")
async def test_what_the_gateway_refuses_is_a_sentence(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    gateway.answer(
        "POST", "/v1/accounts/home/numbers", (503, {"detail": "", "error_code": "not_connected", "timestamp": ""})
    )
    with pytest.raises(HomeAssistantError) as refused:
        await act(hass, "check_number", numbers=ALICE)
    assert refused.value.translation_key == "not_connected"
    gateway.token = "another"
    with pytest.raises(HomeAssistantError) as rejected:
        await act(hass, "list_chats")
    assert rejected.value.translation_key == "invalid_auth"
    await until(lambda: bool(hass.config_entries.flow.async_progress()), "a new token is asked for")


@pytest.mark.usefixtures("loaded")
async def test_a_call_is_rejected(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    route = "/v1/accounts/home/calls/C0FFEE/reject"
    gateway.answer("POST", route, (200, {"success": True, "message": "", "data": {}}))
    await hass.services.async_call("whatsapp_gateway", "reject_call", {"call_id": "C0FFEE"}, blocking=True)
    assert len(gateway.requested("POST", route)) == 1
