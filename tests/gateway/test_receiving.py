"""Each kind that somebody can write, through simulator and real engine: the API's event says what the phone said, and its file is had from the route."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
import hashlib
from typing import Any

import pytest
import pytest_asyncio

from tests.gateway.conftest import ALICE, BOB, Api, Events
from tests.gateway.test_with_whatsapp import caller, link, reaches
from tests.simulator.client import Addressing, MediaLoss, Simulator, running_simulator
from tests.stack.bridge import Bridge, running_bridge

type Json = dict[str, Any]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Stack:
    """A linked account, and where people write to it."""

    simulator: Simulator
    bridge: Bridge
    api: Api
    groups: dict[str, str]

    async def written(self, events: Events, content: Json, chat: str = "to us by pn") -> tuple[Json, str | None]:
        """Alice writes something; returns the data of its event, and the hash of its file."""
        addressing: Addressing = "lid" if chat.endswith("lid") else "pn"
        group = self.groups[addressing] if chat.startswith("in a group") else None
        message_id, sha256 = await self.simulator.contact_write(ALICE, content, group=group, addressing=addressing)
        event = await events.until("message.received", message_id=message_id)
        return event["data"], sha256

    async def file(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Gets a file."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        token = {"Authorization": f"Bearer {self.api.token}"}
        async with self.api.session.get(self.api.url + path, headers=token | named) as answer:
            return answer.status, dict(answer.headers), await answer.read()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_simulator() as simulator:
        await simulator.add_contact(BOB, "Bob")
        folder = tmp_path_factory.mktemp("receiving")
        async with (
            running_bridge(folder, simulator, BRIDGE_MEDIA_QUOTA=str(1024 * 1024)) as bridge,
            caller(bridge) as api,
        ):
            await link(api, simulator)
            groups = {
                "pn": await simulator.add_group("By number", [ALICE, BOB]),
                "lid": await simulator.add_group("By LID", [ALICE, BOB], addressing="lid"),
            }
            yield Stack(simulator, bridge, api, groups)
        assert (await simulator.state()).violations == []


every_chat = pytest.mark.parametrize("chat", ["to us by pn", "to us by lid", "in a group by pn", "in a group by lid"])

NO_MEDIA = {"width": None, "height": None, "seconds": None, "waveform": None, "thumbnail": None}

PLAIN: list[tuple[Json, Json]] = [
    ({"kind": "text", "text": "Grüße 🦊"}, {"type": "text", "text": "Grüße 🦊", "link_preview": None}),
    (
        {"kind": "location", "latitude": 52.5, "longitude": 13.25, "name": "Home"},
        {"type": "location", "latitude": 52.5, "longitude": 13.25, "name": "Home", "address": None, "live": False},
    ),
    (
        {"kind": "contacts", "cards": ["BEGIN:VCARD\nVERSION:3.0\nFN:Carol\nTEL;waid=15551230003:1\nEND:VCARD"]},
        {
            "type": "contacts",
            "contacts": [{"name": "Carol", "phones": ["+15551230003"], "organization": None, "email": None}],
        },
    ),
    (
        {"kind": "poll", "question": "Close it?", "options": ["Yes", "No"], "selectable": 1},
        {"type": "poll", "question": "Close it?", "options": ["Yes", "No"], "selectable": 1},
    ),
    (
        {"kind": "event", "name": "Party", "start": "2026-12-01T18:00:00Z"},
        {
            "type": "event",
            "name": "Party",
            "description": None,
            "start": "2026-12-01T18:00:00.000Z",
            "end": None,
            "location": None,
            "cancelled": False,
        },
    ),
    ({"kind": "album", "images": 2, "videos": 1}, {"type": "album", "images": 2, "videos": 1}),
    (
        {"kind": "choice", "id": "yes", "text": "Yes"},
        {"type": "choice", "message_id": None, "id": "yes", "text": "Yes"},
    ),
    (
        {
            "kind": "group_invite",
            "group": "120363000000000001",
            "subject": "Choir",
            "code": "AbCd",
            "expires_at": "2026-12-01T00:00:00Z",
        },
        {
            "type": "group_invite",
            "chat": "group:120363000000000001",
            "subject": "Choir",
            "code": "AbCd",
            "expires_at": "2026-12-01T00:00:00.000Z",
            "text": None,
        },
    ),
    ({"kind": "order"}, {"type": "unsupported", "kind": "orderMessage"}),
]

FILES: list[tuple[Json, Json]] = [
    (
        {"kind": "image", "media": {"mimetype": "image/jpeg", "size": 70_000}, "caption": "the door"},
        {"type": "image", "caption": "the door", "album": None},
    ),
    (
        {"kind": "video", "media": {"mimetype": "video/mp4", "size": 90_000}, "gif": True},
        {"type": "video", "caption": None, "gif": True, "album": None},
    ),
    ({"kind": "audio", "media": {"mimetype": "audio/mpeg", "size": 300}}, {"type": "audio"}),
    ({"kind": "voice", "media": {"mimetype": "audio/ogg; codecs=opus", "size": 300}}, {"type": "voice"}),
    (
        {"kind": "document", "media": {"mimetype": "text/html", "size": 30}, "file_name": "bill ü.html"},
        {"type": "document", "caption": None, "file_name": "bill ü.html"},
    ),
    ({"kind": "sticker", "media": {"mimetype": "image/webp", "size": 30}}, {"type": "sticker", "animated": False}),
]


def kind(value: Json) -> str:
    return str(value.get("kind", ""))


@every_chat
@pytest.mark.parametrize(("content", "expected"), PLAIN, ids=kind)
async def test_what_somebody_writes_is_told(stack: Stack, chat: str, content: Json, expected: Json) -> None:
    async with stack.api.events() as events:
        data, _ = await stack.written(events, content, chat)
    assert data["content"] == expected
    assert (data["sender"]["phone"], data["from_me"], data["view_once"]) == (ALICE, False, False)


@every_chat
@pytest.mark.parametrize(("content", "expected"), FILES, ids=kind)
async def test_a_file_is_told_and_had(stack: Stack, chat: str, content: Json, expected: Json) -> None:
    async with stack.api.events() as events:
        data, sha256 = await stack.written(events, content, chat)
    url = f"/v1/accounts/home/media/{data['message_id']}"
    media = content["media"]
    described = NO_MEDIA | {"mimetype": media["mimetype"], "size": media["size"], "sha256": sha256, "url": url}
    assert data["content"] == expected | {"media": described}
    status, headers, body = await stack.file(url)
    assert (status, hashlib.sha256(body).hexdigest()) == (200, sha256)
    assert headers["Content-Type"] == media["mimetype"]


@every_chat
async def test_reactions_edits_revocations_and_votes_name_their_message(stack: Stack, chat: str) -> None:
    addressing = "lid" if chat.endswith("lid") else "pn"
    to = stack.groups[addressing] if chat.startswith("in a group") else ALICE
    poll = {"type": "poll", "to": to, "question": "Which?", "options": ["A", "B"], "selectable": 1}
    message_id = (await stack.api("POST", "/v1/accounts/home/messages?wait=10", poll)).data["messageId"]
    await decrypted(stack, message_id)
    async with stack.api.events() as events:

        async def told(content: Json) -> Json:
            content_told: Json = (await stack.written(events, content, chat))[0]["content"]
            return content_told

        answer = {"kind": "poll_vote", "message_id": message_id, "options": ["B"]}
        assert await told(answer) == {"type": "poll_vote", "message_id": message_id, "options": ["B"]}
        reaction = {"kind": "reaction", "message_id": message_id, "emoji": "👍"}
        assert await told(reaction) == {"type": "reaction", "message_id": message_id, "author": None, "emoji": "👍"}
        own = (await stack.written(events, {"kind": "text", "text": "Hello"}, chat))[0]["message_id"]
        edit = {"kind": "edit", "message_id": own, "text": "Hallo"}
        assert await told(edit) == {"type": "edit", "message_id": own, "text": "Hallo"}
        assert await told({"kind": "revoke", "message_id": own}) == {"type": "revoke", "message_id": own}
        quote = {"message_id": message_id, "text": "Which?"}
        answered, _ = await stack.written(
            events, {"kind": "text", "text": "B!", "quote": quote, "forwarded": True}, chat
        )
        assert (answered["quote"], answered["forwarded"]) == (quote | {"author": None}, True)


@every_chat
@pytest.mark.parametrize("kind_of_file", ["image", "video", "voice"])
async def test_what_is_to_be_viewed_once_is_told_without_its_content(
    stack: Stack, chat: str, kind_of_file: str
) -> None:
    content = {"kind": kind_of_file, "media": {"mimetype": "image/jpeg", "size": 500}, "view_once": True}
    async with stack.api.events() as events:
        data, _ = await stack.written(events, content, chat)
    assert data["content"] == {"type": "unsupported", "kind": "viewOnceMessage"}
    assert (data["sender"]["phone"], data["view_once"]) == (ALICE, True)


@pytest.mark.parametrize("addressing", ["pn", "lid"])
async def test_a_status_post_is_told_and_its_file_had(stack: Stack, addressing: Addressing) -> None:
    content = {"kind": "image", "media": {"mimetype": "image/jpeg", "size": 500}, "caption": "the sea"}
    async with stack.api.events() as events:
        message_id, sha256 = await stack.simulator.contact_write(ALICE, content, addressing=addressing, status=True)
        data = (await events.until("message.received", message_id=message_id))["data"]
    assert (data["chat"], data["sender"]["phone"]) == ({"id": "status", "type": "status"}, ALICE)
    assert data["content"]["caption"] == "the sea"
    assert hashlib.sha256((await stack.file(data["content"]["media"]["url"]))[2]).hexdigest() == sha256


async def test_a_post_of_a_channel_is_told_and_its_file_had(stack: Stack) -> None:
    channel = await stack.simulator.add_channel("News")
    content = {"kind": "video", "media": {"mimetype": "video/mp4", "size": 900}, "caption": "it rains"}
    async with stack.api.events() as events:
        message_id, sha256 = await stack.simulator.channel_post(channel, content)
        data = (await events.until("message.received", message_id=message_id))["data"]
    assert data["chat"] == {"id": channel, "type": "channel"}
    assert data["sender"] == {"phone": None, "lid": None, "push_name": None}
    assert (data["content"]["type"], data["content"]["caption"]) == ("video", "it rains")
    assert hashlib.sha256((await stack.file(data["content"]["media"]["url"]))[2]).hexdigest() == sha256


@every_chat
async def test_a_message_that_comes_again_is_told_once(stack: Stack, chat: str) -> None:
    async with stack.api.events() as events:
        data, _ = await stack.written(events, {"kind": "text", "text": "once"}, chat)
        for same in (True, False):
            await stack.simulator.deliver_again(data["message_id"], same=same)
        message_id, _ = await stack.simulator.contact_write(ALICE, {"kind": "text", "text": "behind it"})
        assert (await events.next("message.received"))["data"]["message_id"] == message_id


async def decrypted(stack: Stack, message_id: str) -> None:
    async with asyncio.timeout(10):
        after = -1
        while True:
            for message in await stack.simulator.contact_messages(ALICE, after=after, wait=5):
                after = message.index
                if message.message_id == message_id:
                    return


async def test_a_part_of_a_file_and_a_file_that_is_known_already(stack: Stack) -> None:
    async with stack.api.events() as events:
        data, _ = await stack.written(events, {"kind": "document", "media": {"mimetype": "text/html", "size": 100}})
    url = data["content"]["media"]["url"]
    _, headers, body = await stack.file(url)
    assert (headers["Content-Disposition"], headers["X-Content-Type-Options"]) == (
        "attachment; filename*=UTF-8''file",
        "nosniff",
    )
    assert (await stack.file(url, Range="bytes=10-19"))[::2] == (206, body[10:20])
    assert (await stack.file(url, Range="bytes=500-"))[0] == 416


async def test_a_file_outlives_the_engine_and_the_gateway_and_is_fetched_once(stack: Stack) -> None:
    async with stack.api.events() as events:
        data, sha256 = await stack.written(events, {"kind": "image", "media": {"mimetype": "image/png", "size": 50}})
    url = data["content"]["media"]["url"]
    both = await asyncio.gather(stack.file(url), stack.file(url))
    assert {hashlib.sha256(body).hexdigest() for _, _, body in both} == {sha256}
    await stack.simulator.lose_media(data["message_id"], "gone everywhere")
    assert (await stack.file(url))[0] == 200


@pytest.mark.parametrize(
    ("state", "status", "code"), [("gone everywhere", 410, "media_gone"), ("damaged", 502, "media_damaged")]
)
async def test_a_file_that_cannot_be_had(stack: Stack, state: MediaLoss, status: int, code: str) -> None:
    async with stack.api.events() as events:
        data, _ = await stack.written(events, {"kind": "image", "media": {"mimetype": "image/png", "size": 50}})
    await stack.simulator.lose_media(data["message_id"], state)
    reply = await stack.api("GET", data["content"]["media"]["url"])
    assert (reply.status, reply.body["error_code"]) == (status, code)


async def test_a_file_over_the_quota_and_one_that_nobody_sent(stack: Stack) -> None:
    async with stack.api.events() as events:
        large = {"kind": "document", "media": {"mimetype": "text/plain", "size": 2 * 1024 * 1024}}
        data, _ = await stack.written(events, large)
    reply = await stack.api("GET", data["content"]["media"]["url"])
    assert (reply.status, reply.body["error_code"]) == (413, "media_too_large")
    reply = await stack.api("GET", "/v1/accounts/home/media/unknown")
    assert (reply.status, reply.body["error_code"]) == (404, "media_not_found")
    reply = await stack.api("GET", "/v1/accounts/nobody/media/unknown")
    assert (reply.status, reply.body["error_code"]) == (404, "account_not_found")


async def test_the_oldest_files_make_room(stack: Stack) -> None:
    folder = stack.bridge.data_dir / "received"
    async with stack.api.events() as events:
        for _ in range(4):
            document = {"kind": "document", "media": {"mimetype": "text/plain", "size": 400_000}}
            data, _ = await stack.written(events, document)
            assert (await stack.file(data["content"]["media"]["url"]))[0] == 200
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 1024 * 1024
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


async def test_without_a_connection_a_file_is_not_had_now(stack: Stack) -> None:
    async with stack.api.events() as events:
        data, _ = await stack.written(events, {"kind": "image", "media": {"mimetype": "image/png", "size": 50}})
    await stack.simulator.faults(refuse_connections=True, drop=True)
    await reaches(stack.api, "reconnecting")
    reply = await stack.api("GET", data["content"]["media"]["url"])
    assert (reply.status, reply.body["error_code"]) == (503, "not_connected")
    assert reply.headers["Retry-After"]
    await stack.simulator.clear_faults()
    await reaches(stack.api, "connected")
