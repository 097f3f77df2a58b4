"""`notify.whatsapp`: what it asks the gateway for, and the sentence for each thing that can go wrong."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
import sys
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, patch

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.whatsapp_gateway.errors import CALLERS_MISTAKES, OTHER_CODES
from tests.integration.recipients import FAMILY, put_recipient
from tests.integration.scripted_gateway import ScriptedGateway, golden

ALICE, BOB = "+15551230001", "+15551230002"
MESSAGES = "/v1/accounts/home/messages"


@pytest.fixture
async def loaded(hass: HomeAssistant, entry: MockConfigEntry) -> AsyncIterator[MockConfigEntry]:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


async def send(hass: HomeAssistant, **data: Any) -> None:
    await hass.services.async_call("notify", "whatsapp", data, blocking=True)


@pytest.mark.usefixtures("loaded")
async def test_each_target_is_one_request_with_a_key_of_its_own(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    await send(hass, title="Alarm", message="Water", target=[ALICE, BOB, ALICE])
    requests = gateway.requested("POST", MESSAGES)
    assert [request.body for request in requests] == [
        {"type": "text", "to": to, "text": "*Alarm*\nWater"} for to in (ALICE, BOB)
    ]
    assert len({request.key for request in requests}) == 2
    assert all(request.query == {"wait": "10"} for request in requests)


@pytest.mark.usefixtures("loaded")
async def test_a_lost_connection_is_tried_again_with_the_same_key(
    hass: HomeAssistant, gateway: ScriptedGateway
) -> None:
    gateway.answer("POST", MESSAGES, (0, None), (200, golden("answer-message-sent")))
    await send(hass, message="once", target=ALICE)
    first, second = gateway.requested("POST", MESSAGES)
    assert first.key == second.key is not None


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("code", sorted(CALLERS_MISTAKES | OTHER_CODES))
async def test_each_code_of_the_gateway_is_a_sentence(hass: HomeAssistant, gateway: ScriptedGateway, code: str) -> None:
    body = {"detail": "in English, for developers", "error_code": code, "timestamp": "2026-11-24T08:15:30.123Z"}
    gateway.answer("POST", MESSAGES, (HTTPStatus.UNPROCESSABLE_ENTITY, body))
    with pytest.raises(HomeAssistantError) as refused:
        await send(hass, message="x", target=ALICE)
    assert (refused.value.translation_domain, refused.value.translation_key) == ("whatsapp_gateway", code)
    assert isinstance(refused.value, ServiceValidationError) == (code in CALLERS_MISTAKES)
    assert len(str(refused.value).split()) > 5


@pytest.mark.usefixtures("loaded")
async def test_all_targets_are_tried_and_one_error_tells_of_those_that_failed(
    hass: HomeAssistant, gateway: ScriptedGateway
) -> None:
    gateway.answer("POST", MESSAGES, "error-message-rejected", (200, golden("answer-message-sent")))
    with pytest.raises(HomeAssistantError) as refused:
        await send(hass, message="x", target=[ALICE, BOB])
    assert refused.value.translation_key == "some_not_sent"
    assert "1 of 2" in str(refused.value)
    assert len(gateway.requested("POST", MESSAGES)) == 2


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"message": "x"}, "no_target"),
        ({"message": "x", "target": ALICE, "data": {"account": "nobody"}}, "account_unknown"),
        ({"message": "x", "target": ALICE, "data": {"colour": "red"}}, "invalid_data"),
    ],
)
async def test_what_the_caller_forgot(hass: HomeAssistant, data: dict[str, Any], key: str) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await send(hass, **data)
    assert refused.value.translation_key == key


async def test_without_an_account_it_says_so(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    with pytest.raises(HomeAssistantError) as refused:
        await send(hass, message="x", target=ALICE)
    assert refused.value.translation_key == "no_account"
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await send(hass, message="x", target=ALICE)


async def test_with_several_accounts_one_is_named(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: ScriptedGateway
) -> None:
    second = MockConfigEntry(
        domain="whatsapp_gateway",
        title="+15550002000",
        unique_id="work",
        data={"url": gateway.url, "token": gateway.token, "account": "work"},
    )
    gateway.hello["accounts"].append(
        gateway.hello["accounts"][0] | {"id": "work", "name": "Work", "phone": "+15550002000"}
    )
    second.add_to_hass(hass)
    assert await hass.config_entries.async_setup(second.entry_id)
    await send(hass, message="x", target=ALICE)
    assert len(gateway.requested("POST", MESSAGES)) == 1
    for name in ("Work", "+15550002000", "work"):
        await send(hass, message="x", target=ALICE, data={"account": name})
    assert len(gateway.requested("POST", "/v1/accounts/work/messages")) == 3

    await hass.async_block_till_done()
    await hass.services.async_call("notify", "whatsapp_work", {"message": "x", "target": ALICE}, blocking=True)
    assert len(gateway.requested("POST", "/v1/accounts/work/messages")) == 4
    assert await hass.config_entries.async_reload(second.entry_id)
    await hass.services.async_call("notify", "whatsapp_work", {"message": "x", "target": ALICE}, blocking=True)
    await hass.config_entries.async_unload(second.entry_id)
    with pytest.raises(ServiceValidationError) as refused:
        await hass.services.async_call("notify", "whatsapp_work", {"message": "x", "target": ALICE}, blocking=True)
    assert refused.value.translation_key == "no_account"
    await hass.config_entries.async_remove(second.entry_id)
    assert not hass.services.has_service("notify", "whatsapp_work")


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("written", ["family", "Home crowd", "notify.family", FAMILY])
async def test_a_recipient_is_a_target_by_name(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry, written: str
) -> None:
    subentry = put_recipient(hass, loaded, FAMILY, "Family")
    hass.config_entries.async_update_subentry(loaded, subentry, title="Home crowd")
    await hass.async_block_till_done()
    await send(hass, message="x", target=written)
    [request] = gateway.requested("POST", MESSAGES)
    assert request.body["to"] == FAMILY


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("target", "key"),
    [("Carol", "invalid_phone_number"), ("Twin", "name_ambiguous"), ("0170 123", "invalid_phone_number")],
)
async def test_a_target_that_is_not_known_is_refused(
    hass: HomeAssistant, gateway: ScriptedGateway, loaded: MockConfigEntry, target: str, key: str
) -> None:
    put_recipient(hass, loaded, ALICE, "Twin")
    put_recipient(hass, loaded, BOB, "twin")
    with pytest.raises(ServiceValidationError) as refused:
        await send(hass, message="x", target=[target])
    assert refused.value.translation_key == key
    assert gateway.requested("POST", MESSAGES) == []


@pytest.mark.usefixtures("loaded")
async def test_a_number_is_a_target_as_it_is_written_at_home(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    hass.config.country = "DE"
    await send(hass, message="x", target="0170 / 123 45 67")
    [request] = gateway.requested("POST", MESSAGES)
    assert request.body["to"] == "+491701234567"


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("data", "body"),
    [
        (
            {"image": "https://example.org/a.jpg", "view_once": True},
            {"type": "image", "media": {"url": "https://example.org/a.jpg"}, "caption": "hello", "view_once": True},
        ),
        (
            {"video": "http://example.org/a.mp4", "gif": True},
            {"type": "video", "media": {"url": "http://example.org/a.mp4"}, "caption": "hello", "gif": True},
        ),
        ({"voice": "https://example.org/a.wav"}, {"type": "voice", "media": {"url": "https://example.org/a.wav"}}),
        (
            {"location": {"latitude": 52.5, "longitude": 13.4, "name": "Gate"}},
            {"type": "location", "latitude": 52.5, "longitude": 13.4, "name": "Gate"},
        ),
        (
            {"poll": {"options": ["yes", "no"]}},
            {"type": "poll", "question": "hello", "options": ["yes", "no"], "selectable": 1},
        ),
        (
            {"markdown": True, "mentions": [BOB], "reply_to": {"message_id": "3A5F"}},
            {
                "type": "text",
                "text": f"hello @{BOB}",
                "markdown": True,
                "mentions": [BOB],
                "quote": {"message_id": "3A5F"},
            },
        ),
    ],
)
async def test_data_says_what_is_sent(
    hass: HomeAssistant, gateway: ScriptedGateway, data: dict[str, Any], body: dict[str, Any]
) -> None:
    await send(hass, message="hello", target=ALICE, data=data)
    [request] = gateway.requested("POST", MESSAGES)
    assert request.body == body | {"to": ALICE}


@pytest.mark.usefixtures("loaded")
async def test_a_local_file_is_uploaded_where_home_assistant_may_read_it(
    hass: HomeAssistant, gateway: ScriptedGateway, tmp_path: Path
) -> None:
    path = tmp_path / "bill.pdf"
    path.write_bytes(b"%PDF-1.7")
    with pytest.raises(ServiceValidationError) as refused:
        await send(hass, message="x", target=ALICE, data={"document": str(path)})
    assert refused.value.translation_key == "path_not_allowed"
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    await send(hass, message="x", target=ALICE, data={"document": str(path), "file_name": "Bill.pdf"})
    [request] = gateway.requested("POST", MESSAGES)
    assert b"%PDF-1.7" in request.raw
    assert b'"file_name": "Bill.pdf"' in request.raw
    with pytest.raises(ServiceValidationError) as missing:
        await send(hass, message="x", target=ALICE, data={"document": str(tmp_path / "none")})
    assert missing.value.translation_key == "file_unreadable"


@pytest.mark.usefixtures("loaded")
async def test_a_cameras_picture_is_sent(hass: HomeAssistant, gateway: ScriptedGateway) -> None:
    picture = SimpleNamespace(content_type="image/jpeg", content=b"\xff\xd8 the door")
    asked = AsyncMock(return_value=picture)
    # the camera component needs a native library that the harness does not bring
    with patch.dict(sys.modules, {"homeassistant.components.camera": SimpleNamespace(async_get_image=asked)}):
        await send(hass, message="Ding dong", target=ALICE, data={"camera": "camera.door"})
    assert asked.call_args.args[1] == "camera.door"
    [request] = gateway.requested("POST", MESSAGES)
    assert picture.content in request.raw
    assert b'"caption": "Ding dong"' in request.raw


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    "data", [{"fax": 1}, {"image": "https://a/b", "video": "https://a/b"}, {"poll": {"options": ["x"]}}]
)
async def test_data_that_cannot_be_meant_is_refused(
    hass: HomeAssistant, gateway: ScriptedGateway, data: dict[str, Any]
) -> None:
    with pytest.raises(ServiceValidationError) as refused:
        await send(hass, message="x", target=ALICE, data=data)
    assert refused.value.translation_key == "invalid_data"
    assert gateway.requested("POST", MESSAGES) == []
