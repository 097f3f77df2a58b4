"""Each kind of message, by REST through the real engine: what the simulated phones decrypt is what was asked, field by field."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.gateway.conftest import ALICE, BOB, Api
from tests.gateway.media_samples import film, moving_picture, picture, sound
from tests.gateway.test_with_whatsapp import caller, link
from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import Bridge, running_bridge

CAROL = "+15551230003"
LIMIT = 30.0
type Json = dict[str, Any]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Stack:
    """A linked account, and the chats that it writes to."""

    simulator: Simulator
    bridge: Bridge
    api: Api
    chats: dict[str, str]

    async def arrives(self, chat: str, body: Json, /, **expected: object) -> Json:
        """Sends a message and compares what Alice's (or Carol's) phone decrypted; returns the API's Message."""
        reply = await self.api("POST", "/v1/accounts/home/messages?wait=30", {"to": self.chats[chat]} | body)
        assert reply.status == 200, reply.body
        await self.decrypted(chat, reply.data["messageId"], **expected)
        return dict(reply.data)

    async def decrypted(self, chat: str, message_id: str, /, **expected: object) -> Json:
        """Compares what was decrypted under an id."""
        phone = CAROL if chat == "person by LID" else ALICE
        async with asyncio.timeout(LIMIT):
            after = -1
            while True:
                for message in await self.simulator.contact_messages(phone, after=after, wait=5):
                    after = message.index
                    if message.message_id == message_id:
                        assert expected.items() <= message.content.items(), message.content
                        return message.content

    async def upload(self, chat: str, body: Json, content: bytes, mimetype: str, name: str) -> tuple[int, Json]:
        """Sends a message with a file in a multipart body."""
        form = aiohttp.FormData()
        form.add_field("message", json.dumps({"to": self.chats[chat]} | body), content_type="application/json")
        form.add_field("file", content, filename=name, content_type=mimetype)
        url = f"{self.api.url}/v1/accounts/home/messages?wait=30"
        headers = {"Authorization": f"Bearer {self.api.token}"}
        async with self.api.session.post(url, data=form, headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contract")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(folder: Path) -> AsyncIterator[Stack]:
    async with running_simulator() as simulator:
        await simulator.add_contact(BOB, "Bob")
        carol_lid = await simulator.add_contact(CAROL, "Carol", addressing="lid")
        async with running_bridge(folder, simulator) as bridge, caller(bridge) as api:
            await link(api, simulator)
            chats = {
                "person by number": ALICE,
                "person by LID": f"lid:{carol_lid.split('@')[0]}",
                "group by number": await simulator.add_group("By number", [ALICE, BOB]),
                "group by LID": await simulator.add_group("By LID", [ALICE, BOB], addressing="lid"),
            }
            yield Stack(simulator, bridge, api, chats)
        assert (await simulator.state()).violations == []


CHATS = ["person by number", "person by LID", "group by number", "group by LID"]
every_chat = pytest.mark.parametrize("chat", CHATS)


def data(content: bytes, **fields: object) -> Json:
    return {"data": base64.b64encode(content).decode()} | fields


@every_chat
async def test_a_text(stack: Stack, chat: str) -> None:
    await stack.arrives(chat, {"type": "text", "text": "hello ü 🎉"}, kind="text", text="hello ü 🎉")


@every_chat
async def test_a_text_in_markdown(stack: Stack, chat: str) -> None:
    body = {"type": "text", "text": "# News\n\n**Washing** is _done_.", "markdown": True}
    await stack.arrives(chat, body, kind="text", text="*News*\n\n*Washing* is _done_.")


@pytest.mark.parametrize("chat", ["group by number", "group by LID"])
async def test_a_mention_an_answer_and_a_forward_mark(stack: Stack, chat: str) -> None:
    message_id = await stack.simulator.contact_send(ALICE, "dinner?", group=stack.chats[chat])
    await stack.arrives(
        chat,
        {
            "type": "text",
            "text": f"yes @{BOB}",
            "mentions": ["+1 555 123-0002"],
            "quote": {"message_id": message_id, "author": ALICE, "text": "dinner?"},
            "forwarded": True,
        },
        kind="text",
        mentions=[BOB],
        quote={"message_id": message_id, "author": ALICE, "text": "dinner?", "kind": "conversation"},
        forwarded=1,
    )


@every_chat
async def test_a_picture(stack: Stack, chat: str) -> None:
    content = picture()
    message = await stack.arrives(
        chat,
        {"type": "image", "media": data(content), "caption": "the door", "view_once": True},
        kind="image",
        view_once=True,
    )
    seen = (await stack.decrypted(chat, message["messageId"], caption="the door"))["media"]
    assert (seen["mimetype"], seen["width"], seen["height"]) == ("image/jpeg", 320, 240)
    assert seen["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(base64.b64decode(seen["thumbnail"])) <= 24 * 1024


@every_chat
async def test_a_png_becomes_a_jpeg_that_every_phone_shows(stack: Stack, chat: str) -> None:
    message = await stack.arrives(chat, {"type": "image", "media": data(picture("PNG"))}, kind="image")
    assert (await stack.decrypted(chat, message["messageId"]))["media"]["mimetype"] == "image/jpeg"


@every_chat
async def test_a_film_and_a_gif(stack: Stack, chat: str, folder: Path) -> None:
    content = film(folder)
    status, answer = await stack.upload(
        chat, {"type": "video", "media": {}, "caption": "x"}, content, "video/mp4", "a.mp4"
    )
    assert status == 200
    seen = await stack.decrypted(chat, answer["data"]["messageId"], kind="video", gif=False, caption="x")
    assert seen["media"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert (seen["media"]["width"], seen["media"]["height"], round(seen["media"]["seconds"])) == (320, 180, 2)
    body = {"type": "video", "media": data(moving_picture()), "gif": True}
    message = await stack.arrives(chat, body, kind="video", gif=True)
    assert (await stack.decrypted(chat, message["messageId"]))["media"]["mimetype"] == "video/mp4"


@every_chat
async def test_a_sound_and_a_voice_note(stack: Stack, chat: str, folder: Path) -> None:
    content = sound(folder)
    message = await stack.arrives(chat, {"type": "audio", "media": data(content)}, kind="audio")
    assert (await stack.decrypted(chat, message["messageId"]))["media"]["mimetype"] == "audio/mp4"
    message = await stack.arrives(chat, {"type": "voice", "media": data(content)}, kind="voice")
    seen = (await stack.decrypted(chat, message["messageId"]))["media"]
    assert (seen["mimetype"], round(seen["seconds"])) == ("audio/ogg; codecs=opus", 3)
    bars = base64.b64decode(seen["waveform"])
    assert len(bars) == 64
    assert bars[4] < bars[32] < bars[60] <= 100


@every_chat
async def test_a_document(stack: Stack, chat: str) -> None:
    content = b"%PDF-1.7\n" + b"x" * 5000
    body = {"type": "document", "media": {}, "file_name": 'Bill "May" ü.pdf', "caption": "please pay"}
    status, answer = await stack.upload(chat, body, content, "application/pdf", "b.pdf")
    assert status == 200
    expected = {"kind": "document", "file_name": 'Bill "May" ü.pdf', "caption": "please pay"}
    seen = (await stack.decrypted(chat, answer["data"]["messageId"], **expected))["media"]
    assert (seen["mimetype"], seen["sha256"]) == ("application/pdf", hashlib.sha256(content).hexdigest())


@every_chat
async def test_a_sticker(stack: Stack, chat: str) -> None:
    for content, animated in ((picture("PNG"), False), (moving_picture(), True)):
        message = await stack.arrives(
            chat, {"type": "sticker", "media": data(content)}, kind="sticker", animated=animated
        )
        seen = (await stack.decrypted(chat, message["messageId"]))["media"]
        assert (seen["mimetype"], seen["width"], seen["height"]) == ("image/webp", 512, 512)


@every_chat
async def test_a_place(stack: Stack, chat: str) -> None:
    place = {"latitude": 52.5163, "longitude": 13.3777, "name": "Gate", "address": "Pariser Platz"}
    await stack.arrives(chat, {"type": "location"} | place, kind="location", **place)


@every_chat
async def test_contact_cards(stack: Stack, chat: str) -> None:
    cards = [
        {"name": "Doctor; Who", "phones": [BOB], "organization": "Tardis", "email": "who@example.org"},
        {"name": "Plumber", "phones": [ALICE, BOB], "organization": None, "email": None},
    ]
    for sent in (cards, cards[:1]):
        await stack.arrives(chat, {"type": "contact", "contacts": sent}, kind="contacts", contacts=sent)


@every_chat
async def test_a_poll(stack: Stack, chat: str) -> None:
    poll = {"question": "Pizza?", "options": ["yes", "no"], "selectable": 1}
    await stack.arrives(chat, {"type": "poll"} | poll, kind="poll", **poll)


@every_chat
async def test_an_event(stack: Stack, chat: str) -> None:
    body = {
        "type": "event",
        "name": "Party",
        "start": "2026-12-31T20:00:00+01:00",
        "end": "2027-01-01T02:00:00+01:00",
        "description": "bring cake",
        "location": {"latitude": 52.5163, "longitude": 13.3777, "name": "Gate", "address": "Pariser Platz"},
    }
    told: Json = {
        "kind": "event",
        "start": "2026-12-31T19:00:00.000Z",
        "end": "2027-01-01T01:00:00.000Z",
        "cancelled": False,
    }
    same = ("name", "description", "location")
    await stack.arrives(chat, body, **told | {field: body[field] for field in same})


@every_chat
async def test_a_reaction_an_edit_and_a_revocation(stack: Stack, chat: str) -> None:
    message_id = (await stack.arrives(chat, {"type": "text", "text": "frist"}))["messageId"]
    own = {"message_id": message_id, "author": stack.simulator.phone}
    body = {"type": "reaction", "message_id": message_id}
    for emoji in ("👍", ""):
        await stack.arrives(chat, body | {"emoji": emoji}, kind="reaction", emoji=emoji, **own)
    edit = {"message_id": message_id, "text": "first"}
    await stack.arrives(chat, {"type": "edit"} | edit, kind="edit", of="text", **edit)
    await stack.arrives(chat, {"type": "forward", "message_id": message_id}, kind="text", text="first", forwarded=1)
    await stack.arrives(chat, {"type": "revoke", "message_id": message_id}, kind="revoke", **own)


@every_chat
async def test_a_reaction_to_what_somebody_else_wrote(stack: Stack, chat: str) -> None:
    writer = CAROL if chat == "person by LID" else ALICE
    group = stack.chats[chat] if chat.startswith("group") else None
    async with stack.api.events() as events:
        message_id = await stack.simulator.contact_send(writer, "ready?", group=group)
        await events.until("message.received", message_id=message_id)
    named = {"message_id": message_id, "author": writer}
    await stack.arrives(chat, {"type": "reaction", "emoji": "✅"} | named, kind="reaction", emoji="✅", **named)


@every_chat
async def test_a_film_and_a_voice_note_to_be_seen_and_heard_once(stack: Stack, chat: str, folder: Path) -> None:
    for body in (
        {"type": "video", "media": data(film(folder)), "view_once": True},
        {"type": "voice", "media": data(sound(folder)), "view_once": True},
    ):
        await stack.arrives(chat, body, kind=body["type"], view_once=True)


@every_chat
async def test_a_cancelled_event_and_a_poll_of_any_number_of_answers(stack: Stack, chat: str) -> None:
    poll = {"question": "Which?", "options": ["a", "b", "c"], "selectable": 0}
    await stack.arrives(chat, {"type": "poll"} | poll, kind="poll", **poll)


@every_chat
async def test_an_album(stack: Stack, chat: str) -> None:
    items = [{"type": "image", "media": data(picture(color=color)), "caption": color} for color in ("red", "green")]
    message = await stack.arrives(chat, {"type": "album", "items": items}, kind="album", images=2, videos=0)
    assert len(message["items"]) == 2
    for item, color in zip(message["items"], ("red", "green"), strict=True):
        await stack.decrypted(chat, item["messageId"], kind="image", caption=color, album=message["messageId"])


async def test_a_status_post_of_each_kind(stack: Stack, folder: Path) -> None:
    posts: list[tuple[Json, Json]] = [
        ({"type": "text", "text": "on holiday"}, {"kind": "text", "text": "on holiday"}),
        ({"type": "image", "media": data(picture()), "caption": "sea"}, {"kind": "image", "caption": "sea"}),
        ({"type": "video", "media": data(film(folder))}, {"kind": "video", "caption": None}),
        ({"type": "voice", "media": data(sound(folder))}, {"kind": "voice"}),
    ]
    for body, expected in posts:
        reply = await stack.api(
            "POST", "/v1/accounts/home/messages?wait=30", body | {"to": "status", "audience": [ALICE]}
        )
        assert reply.status == 200, reply.body
        await stack.decrypted("person by number", reply.data["messageId"], **expected)


async def test_a_channel_post_of_each_kind_edited_and_revoked(stack: Stack, folder: Path) -> None:
    channel = await stack.simulator.add_channel("News")
    content = picture()

    async def post(body: Json) -> str:
        reply = await stack.api("POST", "/v1/accounts/home/messages?wait=30", body | {"to": channel})
        assert reply.status == 200, reply.body
        return str(reply.data["messageId"])

    text = await post({"type": "text", "text": "News"})
    await post({"type": "image", "media": data(content), "caption": "seen"})
    await post({"type": "video", "media": data(film(folder))})
    await post({"type": "edit", "message_id": text, "text": "Good news"})
    await post({"type": "revoke", "message_id": text})
    posts = [one.content for one in await stack.simulator.channel_messages(channel)]
    assert [one["kind"] for one in posts] == ["text", "image", "video", "edit", "revoke"]
    assert (posts[0]["text"], posts[1]["caption"], posts[3]["text"]) == ("News", "seen", "Good news")
    assert posts[1]["media"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert (posts[3]["message_id"], posts[4]["message_id"]) == (text, text)


@every_chat
async def test_sent_delivered_read_and_played(stack: Stack, chat: str, folder: Path) -> None:
    """Each receipt is told with who gave it, in its order, and the message says the highest."""
    reader = CAROL if chat == "person by LID" else ALICE
    named = stack.chats[chat] if chat == "person by LID" else reader
    await stack.simulator.behaviour(reader, receipts="delivery")
    async with stack.api.events() as events:
        body = {"type": "voice", "to": stack.chats[chat], "media": data(sound(folder))}
        reply = await stack.api("POST", "/v1/accounts/home/messages?wait=30", body)
        message_id = reply.data["messageId"]
        ours = {"messageId": message_id, "chat": stack.chats[chat]}
        await events.until("message.status", status="sent", **ours)
        delivered = await events.until("message.status", status="delivered", **ours)
        if not chat.startswith("group"):
            assert delivered["data"]["recipient"] == named
        await stack.decrypted(chat, message_id, kind="voice")
        for played, status in ((False, "read"), (True, "played")):
            await stack.simulator.read(reader, message_id, played=played)
            told = (await events.until("message.status", status=status, **ours))["data"]
            assert told["recipient"] in {named, reader}
            assert told["timestamp"]
    assert (await stack.api.message(message_id))["status"] == "played"


@pytest.mark.parametrize("kind", ["buttons", "list"])
async def test_what_a_linked_device_cannot_send_is_refused(stack: Stack, kind: str) -> None:
    body = {"type": kind, "to": ALICE, "buttons": ["a"]}
    reply = await stack.api("POST", "/v1/accounts/home/messages", body)
    assert (reply.status, reply.body["error_code"]) == (422, "not_possible_here")
    assert "poll" in reply.body["detail"]


async def test_an_unknown_message_is_not_edited(stack: Stack) -> None:
    body = {"type": "edit", "to": ALICE, "message_id": "3EB0AAAAAAAAAAAAAAAAAA", "text": "x"}
    reply = await stack.api("POST", "/v1/accounts/home/messages?wait=30", body)
    assert (reply.status, reply.body["error_code"]) == (422, "message_not_kept")


async def test_files_do_not_outlive_their_delivery(stack: Stack, folder: Path) -> None:
    await stack.arrives("person by number", {"type": "image", "media": data(picture())}, kind="image")
    async with asyncio.timeout(LIMIT):
        while list(folder.rglob("outgoing/*")):
            await asyncio.sleep(0.02)


async def test_the_simple_calls(stack: Stack) -> None:
    form = aiohttp.FormData()
    form.add_field("phone", ALICE)
    form.add_field("caption", "from curl")
    form.add_field("file", picture(), filename="x.jpg", content_type="image/jpeg")
    headers = {"Authorization": f"Bearer {stack.api.token}"}
    async with stack.api.session.post(f"{stack.api.url}/send-file", data=form, headers=headers) as answer:
        assert answer.status == 200
        message_id = (await answer.json())["data"]["messageId"]
    await stack.decrypted("person by number", message_id, kind="image", caption="from curl")
    refused = await stack.api("POST", "/send-image-url", {"phone": ALICE, "imageUrl": "http://127.0.0.1:1/x.jpg"})
    assert (refused.status, refused.body["error_code"]) == (422, "media_url_forbidden")
