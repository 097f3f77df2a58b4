"""Questions to WhatsApp by REST, through the real engine and the simulator."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from tests.gateway.conftest import ALICE, BOB, Api
from tests.gateway.test_with_whatsapp import caller, link, reaches
from tests.simulator.client import Addressing, Simulator, running_simulator
from tests.stack.bridge import running_bridge

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBERS = "/v1/accounts/home/numbers"
GROUPS = "/v1/accounts/home/groups"
CONTACTS = "/v1/accounts/home/contacts"
CHATS = "/v1/accounts/home/chats"
READ = "/v1/accounts/home/read"
LIMIT = 20.0
CAROL = "+15551230003"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        await simulator.add_contact(BOB, "Bob")
        yield simulator
        assert (await simulator.state()).violations == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    folder = tmp_path_factory.mktemp("asking")
    async with running_bridge(folder, simulator, BRIDGE_COUNTRY="US") as bridge, caller(bridge) as api:
        await link(api, simulator)
        yield api


async def test_numbers_as_people_write_them_are_asked_for_once(simulator: Simulator, api: Api) -> None:
    before = (await simulator.state()).counts.get("usync", 0)
    for _ in range(2):
        reply = await api("POST", NUMBERS, {"numbers": ["(555) 123-0001", "+1 555 123-0002", "+15559990000"]})
        assert reply.data["numbers"] == [
            {"number": "(555) 123-0001", "phone": ALICE, "exists": True, "chat": ALICE},
            {"number": "+1 555 123-0002", "phone": BOB, "exists": True, "chat": BOB},
            {"number": "+15559990000", "phone": "+15559990000", "exists": False, "chat": None},
        ]
    assert (await simulator.state()).counts["usync"] == before + 1


@pytest.mark.parametrize("addressing", ["pn", "lid"])
async def test_a_group_is_listed_and_told_with_its_members(
    simulator: Simulator, api: Api, addressing: Addressing
) -> None:
    chat = await simulator.add_group(f"By {addressing}", [ALICE, BOB], addressing=addressing)
    [listed] = [group for group in (await api("GET", GROUPS)).data["groups"] if group["chat"] == chat]
    assert (listed["subject"], listed["size"], listed["announce"]) == (f"By {addressing}", 3, False)
    group = (await api("GET", f"{GROUPS}/{chat}")).data
    assert group["owner"] == simulator.phone
    assert [(member["chat"], member["role"]) for member in group["members"]] == [
        (simulator.phone, "owner"),
        (ALICE, "member"),
        (BOB, "member"),
    ]


async def test_people_are_listed_and_found(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        message_id = await simulator.contact_send(ALICE, "hello")
        await events.until("message.received", message_id=message_id)
    await api.send("hello", BOB, wait=20)
    contacts = (await api("GET", CONTACTS)).data["contacts"]
    [alice] = [contact for contact in contacts if contact["chat"] == ALICE]
    assert (alice["phone"], alice["push_name"], alice["name"]) == (ALICE, "Alice", None)
    assert alice["lid"]
    for search in ("alic", "555123-0001", "+1 555 123 0001", "(0555) 123 00 01"):
        found = (await api("GET", f"{CONTACTS}?{urlencode({'search': search})}")).data["contacts"]
        assert [contact["chat"] for contact in found] == [ALICE], search
    assert (await api("GET", f"{CONTACTS}?search=nobody")).data["contacts"] == []


async def test_chats_are_people_and_groups_whoever_wrote_last_first(simulator: Simulator, api: Api) -> None:
    group = await simulator.add_group("Climbing club", [ALICE, BOB])
    await api.send("hello", BOB, wait=20)
    async with api.events() as events:
        message_id = await simulator.contact_send(ALICE, "hello", group=group)
        await events.until("message.received", message_id=message_id)
    chats = (await api("GET", CHATS)).data["chats"]
    times = [chat["last_message_at"] or "" for chat in chats]
    assert times == sorted(times, reverse=True)
    by_id = {chat["chat"]: chat for chat in chats}
    assert by_id[group]["last_message_at"] >= by_id[BOB]["last_message_at"] > "2026"
    assert (by_id[group]["type"], by_id[group]["name"]) == ("group", "Climbing club")
    assert by_id[BOB]["type"] == "person"
    found = (await api("GET", f"{CHATS}?search=climb")).data["chats"]
    assert [chat["chat"] for chat in found] == [group]


@pytest.mark.parametrize("addressing", ["pn", "lid"])
@pytest.mark.parametrize("in_group", [False, True])
async def test_what_was_received_is_marked_as_read(
    simulator: Simulator, api: Api, addressing: Addressing, *, in_group: bool
) -> None:
    group = await simulator.add_group("Reading", [ALICE, BOB], addressing=addressing) if in_group else None
    async with api.events() as events:
        message_id = await simulator.contact_send(ALICE, "read this", group=group, addressing=addressing)
        received = (await events.until("message.received", message_id=message_id))["data"]
    body = {
        "to": received["chat"]["id"],
        "messages": [{"message_id": message_id, "author": received["sender"]["phone"]}],
    }
    assert (await api("POST", READ, body)).data == {}
    async with asyncio.timeout(LIMIT):
        while await simulator.message_read(message_id) != "read":
            await asyncio.sleep(0.02)


async def test_a_picture_is_asked_for_once_a_day(simulator: Simulator, api: Api) -> None:
    group = await simulator.add_group("Pictured", [ALICE])
    for chat, content in ((ALICE, b"\xff\xd8 Alice"), (group, b"\xff\xd8 a group")):
        await simulator.set_picture(chat, content)
        before = (await simulator.state()).counts.get("pictures asked for", 0)
        for _ in range(3):
            reply = await api("GET", f"{CHATS}/{chat}/picture")
            assert (reply.status, reply.body) == (200, content)
            assert reply.headers["Content-Type"] == "image/jpeg"
        assert (await simulator.state()).counts["pictures asked for"] == before + 1
        assert (await api("GET", f"{CHATS}/{chat}/picture?size=full")).body == content


async def test_no_picture(simulator: Simulator, api: Api) -> None:
    await simulator.set_picture(BOB, b"\xff\xd8", hidden=True)
    for _ in range(2):
        reply = await api("GET", f"{CHATS}/{BOB}/picture")
        assert (reply.status, reply.body["error_code"]) == (404, "picture_not_available")


@pytest.mark.parametrize("presence", ["typing", "recording"])
async def test_others_see_that_we_type_and_stop(simulator: Simulator, api: Api, presence: str) -> None:
    for shown, expected in ((presence, {ALICE: presence}), ("paused", {})):
        assert (await api("PUT", f"{CHATS}/{ALICE}/presence", {"presence": shown})).data == {}
        async with asyncio.timeout(LIMIT):
            while (await simulator.sees(ALICE))["typing"] != expected:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("addressing", ["pn", "lid"])
@pytest.mark.parametrize("in_group", [False, True])
async def test_who_comes_goes_and_types_is_an_event(
    simulator: Simulator, api: Api, addressing: Addressing, *, in_group: bool
) -> None:
    group = await simulator.add_group("Watching", [ALICE, BOB], addressing=addressing) if in_group else None
    chat = group or ALICE
    async with api.events() as events:
        assert (await api("POST", f"{CHATS}/{chat}/presence")).data == {}
        async with asyncio.timeout(LIMIT):
            while (await simulator.sees(ALICE))["presence"] != "available":
                await asyncio.sleep(0.02)
        for presence in ("available", "typing", "recording", "paused"):
            await simulator.show_presence(ALICE, presence, group=group, addressing=addressing)
            event = await events.next("presence.changed")
            assert event["data"] == {"chat": chat, "person": ALICE, "presence": presence, "last_seen": None}
        await simulator.show_presence(ALICE, "unavailable", group=group, addressing=addressing, last_seen=1764000000)
        event = await events.next("presence.changed")
        assert event["data"]["last_seen"] == "2025-11-24T16:00:00.000Z"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", NUMBERS, {"numbers": ["5551230001x"]}, 422, "invalid_phone_number"),
        ("POST", NUMBERS, {"numbers": []}, 422, "validation_error"),
        ("POST", NUMBERS, {"numbers": ["+15551230001"] * 51}, 422, "validation_error"),
        ("GET", f"{GROUPS}/group:120363999999999999", None, 404, "group_not_found"),
        ("GET", f"{GROUPS}/+15551230001", None, 422, "validation_error"),
        ("GET", "/v1/accounts/nobody/groups", None, 404, "account_not_found"),
        ("GET", "/v1/accounts/nobody/chats", None, 404, "account_not_found"),
        ("GET", f"{CHATS}/+15559990000/picture", None, 422, "recipient_not_on_whatsapp"),
        ("GET", f"{CHATS}/status/picture", None, 422, "validation_error"),
        ("GET", f"{CHATS}/nobody/picture", None, 422, "invalid_phone_number"),
        ("GET", f"{CHATS}/{ALICE}/picture?size=huge", None, 422, "validation_error"),
        ("PUT", f"{CHATS}/{ALICE}/presence", {"presence": "dancing"}, 422, "validation_error"),
        ("POST", READ, {"to": ALICE, "messages": []}, 422, "validation_error"),
        ("POST", READ, {"to": ALICE, "messages": [{"message_id": "?"}]}, 422, "validation_error"),
    ],
)
async def test_a_question_that_has_no_answer(
    api: Api, method: str, path: str, body: object, status: int, code: str
) -> None:
    reply = await api(method, path, body)
    assert (reply.status, reply.body["error_code"]) == (status, code)


async def test_without_a_connection_nothing_is_asked(simulator: Simulator, api: Api) -> None:
    known = (await api("GET", CHATS)).data["chats"]
    await simulator.faults(refuse_connections=True, drop=True)
    await reaches(api, "reconnecting")
    for method, path, body in [
        ("POST", NUMBERS, {"numbers": ["+15551239999"]}),
        ("GET", GROUPS, None),
        ("POST", f"{CONTACTS}/resync", None),
        ("POST", READ, {"to": ALICE, "messages": [{"message_id": "A"}]}),
        ("PUT", f"{CHATS}/{ALICE}/presence", {"presence": "typing"}),
        ("POST", f"{CHATS}/{ALICE}/presence", None),
        ("GET", f"{CHATS}/{CAROL}/picture", None),
    ]:
        reply = await api(method, path, body)
        assert (reply.status, reply.body["error_code"]) == (503, "not_connected")
        assert reply.headers["Retry-After"]
    assert {ALICE, BOB} < {chat["chat"] for chat in known}
    assert (await api("GET", CHATS)).data["chats"] == known, "who is known is told without it too"
    await simulator.clear_faults()
    await reaches(api, "connected")
