"""The media source where the real gateway cannot be brought to: several accounts, a gateway that fails in the middle."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
import logging
from typing import Any
from unittest.mock import patch

from aiohttp import ClientError, ClientPayloadError
from homeassistant.components.media_source import async_browse_media, async_resolve_media
from homeassistant.components.media_source.error import Unresolvable
from homeassistant.core import Event, HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.integration.dialog import until
from tests.integration.recipients import ALICE, put_recipient
from tests.integration.scripted_gateway import ScriptedGateway, golden

MESSAGE = golden("event-message-received-image")["data"]["message_id"]
MEDIA = f"/v1/accounts/home/media/{MESSAGE}"


@pytest.fixture
async def loaded(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: ScriptedGateway
) -> AsyncIterator[MockConfigEntry]:
    assert await async_setup_component(hass, "media_source", {})
    put_recipient(hass, entry, ALICE, "Alice")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await gateway.listeners()
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)


async def received(gateway: ScriptedGateway, messages: list[Event], **media: Any) -> None:
    """Lets a picture of Alice come."""
    event = golden("event-message-received-image")
    event["sequence"] = 501
    event["data"]["content"]["media"] |= media
    await gateway.send(event)
    await until(lambda: bool(messages), "it is told")


def file_url(entry: MockConfigEntry) -> str:
    return f"/api/whatsapp_gateway/files/{entry.entry_id}/{MESSAGE}"


async def test_several_accounts_are_folders(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: ScriptedGateway
) -> None:
    gateway.hello["accounts"].append(gateway.hello["accounts"][0] | {"id": "work", "name": "Work"})
    work = MockConfigEntry(
        domain="whatsapp_gateway", title="Work", unique_id="work", data={**loaded.data, "account": "work"}
    )
    work.add_to_hass(hass)
    assert await hass.config_entries.async_setup(work.entry_id)
    root = await async_browse_media(hass, "media-source://whatsapp_gateway")
    assert [folder.title for folder in root.children or ()] == [loaded.title, "Work"]
    account = await async_browse_media(hass, (root.children or [])[0].media_content_id)
    assert [folder.title for folder in account.children or ()] == ["Alice"]
    await hass.config_entries.async_unload(work.entry_id)


@pytest.mark.usefixtures("loaded")
async def test_a_thumbnail_that_is_none_is_not_shown(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: ScriptedGateway,
    messages: list[Event],
    hass_client: ClientSessionGenerator,
) -> None:
    await received(gateway, messages, thumbnail="no base64!")
    browser = await hass_client()
    assert (await browser.get(f"{file_url(loaded)}/thumbnail")).status == HTTPStatus.NOT_FOUND
    await hass.config_entries.async_unload(loaded.entry_id)
    assert (await browser.get(f"{file_url(loaded)}/thumbnail")).status == HTTPStatus.NOT_FOUND
    assert (await browser.get(file_url(loaded))).status == HTTPStatus.NOT_FOUND
    assert await hass.config_entries.async_setup(loaded.entry_id)


async def test_a_file_that_is_gone_is_not_found(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: ScriptedGateway, hass_client: ClientSessionGenerator
) -> None:
    gateway.answer("GET", MEDIA, (410, {"detail": "", "error_code": "media_gone", "timestamp": ""}))
    assert (await (await hass_client()).get(file_url(loaded))).status == HTTPStatus.NOT_FOUND
    with pytest.raises(Unresolvable) as gone:
        await async_resolve_media(hass, f"media-source://whatsapp_gateway/{loaded.entry_id}/{MESSAGE}", None)
    assert gone.value.translation_key == "media_gone"


async def test_a_file_that_is_not_remembered_has_the_gateways_type(
    hass: HomeAssistant, loaded: MockConfigEntry, gateway: ScriptedGateway
) -> None:
    gateway.answer("GET", MEDIA, (200, b"words"))
    played = await async_resolve_media(hass, f"media-source://whatsapp_gateway/{loaded.entry_id}/{MESSAGE}", None)
    assert (played.url, played.mime_type) == (file_url(loaded), "application/octet-stream")


class _Broken:
    """An answer whose body breaks off."""

    status = 200
    headers = {"Content-Length": "100", "Content-Type": "image/jpeg"}  # noqa: RUF012 - a stand-in

    @property
    def content(self) -> _Broken:
        return self

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield b"half"
        raise ClientPayloadError


async def test_a_file_that_breaks_off_is_not_taken_for_whole(
    loaded: MockConfigEntry, hass_client: ClientSessionGenerator
) -> None:
    @asynccontextmanager
    async def media(*_arguments: object) -> AsyncIterator[_Broken]:
        yield _Broken()

    browser = await hass_client()
    with (
        patch.object(type(loaded.runtime_data.client), "media", lambda _self, *arguments: media(*arguments)),
        pytest.raises(ClientError),
    ):
        await (await browser.get(file_url(loaded))).read()


async def test_a_file_that_was_to_be_kept_and_cannot_be_had_is_a_warning(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    gateway: ScriptedGateway,
    messages: list[Event],
    caplog: pytest.LogCaptureFixture,
) -> None:
    [subentry] = loaded.subentries.values()
    hass.config_entries.async_update_subentry(loaded, subentry, data={**subentry.data, "media": "at_once"})
    gateway.answer("GET", MEDIA, (410, {"detail": "", "error_code": "media_gone", "timestamp": ""}))
    caplog.set_level(logging.WARNING)
    await received(gateway, messages)
    await until(lambda: "could not be fetched" in caplog.text, "it is told in the log")
    assert ALICE not in caplog.text
