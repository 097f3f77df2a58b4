"""Files that recipients send: as a media source, and for automations. With the real gateway and engine."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
import re
from typing import Any

from homeassistant.components.media_player.browse_media import async_process_play_media_url
from homeassistant.components.media_player.errors import BrowseError
from homeassistant.components.media_source import async_browse_media, async_resolve_media
from homeassistant.components.media_source.error import Unresolvable
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.integration.conftest import ALICE
from tests.integration.dialog import until
from tests.integration.house_parts import picture
from tests.integration.recipients import add_recipient
from tests.simulator.client import Simulator

JPEG = picture("orange")
MEDIA = {"mimetype": "image/jpeg", "bytes": b64encode(JPEG).decode(), "thumbnail": b64encode(picture("red")).decode()}
type Json = Any


@pytest.fixture
async def alice(hass: HomeAssistant, linked: str) -> str:
    assert await async_setup_component(hass, "media_source", {})
    await add_recipient(hass, linked, ALICE, "Alice")
    return linked


async def titles(hass: HomeAssistant, identifier: str = "") -> dict[str, str]:
    """Browses a folder: what is in it, with the id of each."""
    folder = await async_browse_media(hass, f"media-source://whatsapp_gateway{identifier}")
    return {child.title: child.media_content_id for child in folder.children or ()}


async def get_file(hass: HomeAssistant, **data: Any) -> Json:
    return await hass.services.async_call("whatsapp_gateway", "get_file", data, blocking=True, return_response=True)


async def test_a_picture_is_browsed_shown_and_saved(
    hass: HomeAssistant,
    alice: str,
    simulator: Simulator,
    messages: list[Event],
    hass_client: ClientSessionGenerator,
    hass_client_no_auth: ClientSessionGenerator,
    tmp_path: Path,
) -> None:
    message_id, _ = await simulator.contact_write(ALICE, {"kind": "image", "media": MEDIA, "caption": "the door"})
    await until(lambda: bool(messages), "it is told")
    content_id = f"media-source://whatsapp_gateway/{alice}/{message_id}"
    assert messages[0].data["media_content_id"] == content_id

    folders = await titles(hass)
    assert list(folders) == ["Alice"]
    folder = await async_browse_media(hass, folders["Alice"])
    [shown] = folder.children or ()
    assert (shown.media_content_id, shown.media_content_type) == (content_id, "image/jpeg")
    assert re.fullmatch(r"[\d-]{10} [\d:]{5}", shown.title), "whose files they are, the folder says"

    browser = await hass_client()
    thumbnail = await browser.get(str(shown.thumbnail))
    assert await thumbnail.read() == picture("red")
    played = await async_resolve_media(hass, content_id, None)
    assert played.mime_type == "image/jpeg"
    file = await browser.get(played.url)
    assert (file.status, await file.read()) == (200, JPEG)
    part = await browser.get(played.url, headers={"Range": "bytes=2-5"})
    assert (part.status, await part.read()) == (206, JPEG[2:6])

    stranger = await hass_client_no_auth()
    assert (await stranger.get(played.url)).status == 401
    assert (await stranger.get(str(shown.thumbnail))).status == 401
    signed = async_process_play_media_url(hass, played.url, allow_relative_url=True)
    assert await (await stranger.get(signed)).read() == JPEG

    hass.config.allowlist_external_dirs = {str(tmp_path)}
    saved = await get_file(hass, message_id=message_id, path=str(tmp_path / "door.jpg"))
    assert (tmp_path / "door.jpg").read_bytes() == JPEG
    assert [path.name for path in tmp_path.glob("*door*")] == ["door.jpg"]
    assert saved | {"name": None} == {
        "media_content_id": content_id,
        "mimetype": "image/jpeg",
        "name": None,
        "size": len(JPEG),
        "path": str(tmp_path / "door.jpg"),
    }
    assert (await get_file(hass, message_id=message_id))["path"] is None


async def test_what_was_sent_is_remembered_over_a_reload_and_forgotten_when_it_is_taken_back(
    hass: HomeAssistant, alice: str, simulator: Simulator, messages: list[Event]
) -> None:
    message_id, _ = await simulator.contact_write(ALICE, {"kind": "image", "media": MEDIA})
    await until(lambda: bool(messages), "it is told")
    assert await hass.config_entries.async_reload(alice)
    [folder] = (await titles(hass)).values()
    assert len((await async_browse_media(hass, folder)).children or ()) == 1
    await simulator.contact_write(ALICE, {"kind": "revoke", "message_id": message_id})
    await until(lambda: len(messages) == 2, "the deletion is told")
    assert not (await async_browse_media(hass, folder)).children


def gateway_has(folder: Path) -> Callable[[], bool]:
    """Whether the gateway has a received file of this content on its disk."""
    return lambda: any(path.is_file() and path.read_bytes() == JPEG for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("policy", "listed", "fetched"), [("at_once", 1, True), ("on_demand", 1, False), ("never", 0, False)]
)
async def test_the_recipients_media_policy_is_kept(
    hass: HomeAssistant,
    alice: str,
    simulator: Simulator,
    messages: list[Event],
    tmp_path: Path,
    policy: str,
    listed: int,
    fetched: bool,
) -> None:
    entry = hass.config_entries.async_get_entry(alice)
    assert entry is not None
    [subentry] = entry.subentries.values()
    hass.config_entries.async_update_subentry(entry, subentry, data={**subentry.data, "media": policy})
    await simulator.contact_write(ALICE, {"kind": "image", "media": MEDIA})
    await until(lambda: bool(messages), "it is told")
    has = gateway_has(tmp_path / "bridge")
    if fetched:
        await until(has, "the gateway has fetched it")
    await hass.async_block_till_done(wait_background_tasks=False)
    assert has() == fetched
    files = entry.runtime_data.files.of_chat(ALICE)
    assert len(list(files)) == listed
    assert list(await titles(hass)) == ([] if policy == "never" else ["Alice"])


async def test_what_is_not_there_is_said(hass: HomeAssistant, alice: str, tmp_path: Path) -> None:
    with pytest.raises(HomeAssistantError) as missing:
        await get_file(hass, message_id="3AFFFF")
    assert missing.value.translation_key == "media_not_found"
    with pytest.raises(ServiceValidationError) as refused:
        await get_file(hass, message_id="3AFFFF", path="/etc/passwd")
    assert refused.value.translation_key == "path_not_allowed"
    with pytest.raises(Unresolvable):
        await async_resolve_media(hass, f"media-source://whatsapp_gateway/{alice}/3AFFFF", None)
    with pytest.raises(Unresolvable):
        await async_resolve_media(hass, "media-source://whatsapp_gateway/nothing/3AFFFF", None)
    for folder in ("/nothing", f"/{alice}//nothing"):
        with pytest.raises(BrowseError):
            await titles(hass, folder)


async def test_a_file_that_cannot_be_written_leaves_nothing_behind(
    hass: HomeAssistant, alice: str, simulator: Simulator, messages: list[Event], tmp_path: Path
) -> None:
    assert alice
    message_id, _ = await simulator.contact_write(ALICE, {"kind": "image", "media": MEDIA})
    await until(lambda: bool(messages), "it is told")
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    folder = tmp_path / "door.jpg"
    folder.mkdir()
    with pytest.raises(HomeAssistantError) as refused:
        await get_file(hass, message_id=message_id, path=str(folder))
    assert refused.value.translation_key == "file_not_written"
    assert not list(tmp_path.glob(".door*"))
