"""Groups by REST through the real engine and the simulator: made, changed, managed and left; and what others do to them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.gateway.conftest import ALICE, BOB, Api
from tests.gateway.test_with_whatsapp import caller, link
from tests.simulator.client import Addressing, Simulator, running_simulator
from tests.stack.bridge import running_bridge

pytestmark = pytest.mark.asyncio(loop_scope="module")
GROUPS = "/v1/accounts/home/groups"
CHATS = "/v1/accounts/home/chats"
CAROL = "+15551230003"
STRANGER = "+15559990000"
LIMIT = 20.0
by_both = pytest.mark.parametrize("addressing", ["pn", "lid"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        await simulator.add_contact(BOB, "Bob")
        await simulator.add_contact(CAROL, "Carol")
        yield simulator
        assert (await simulator.state()).violations == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    folder = tmp_path_factory.mktemp("groups")
    async with running_bridge(folder, simulator, BRIDGE_COUNTRY="US") as bridge, caller(bridge) as api:
        await link(api, simulator)
        yield api


async def listed(api: Api) -> set[str]:
    return {chat["chat"] for chat in (await api("GET", CHATS)).data["chats"]}


async def test_a_group_is_made_and_written_to(simulator: Simulator, api: Api) -> None:
    await simulator.behaviour(CAROL, groups="refused")
    body = {"subject": "Family", "members": ["(555) 123-0001", BOB, CAROL]}
    async with api.events() as events:
        reply = await api("POST", GROUPS, body)
        assert reply.status == 201
        chat = reply.data["chat"]
        told = (await events.until("group.changed", chat=chat))["data"]
    assert (told["change"], told["actor"], told["value"]) == ("created", simulator.phone, "Family")
    assert [member["chat"] for member in reply.data["members"]] == [simulator.phone, ALICE, BOB]
    assert set((await simulator.group(chat))["members"]) == {simulator.phone, ALICE, BOB}
    assert chat in await listed(api)
    sent = await api.send("hello", chat, wait=20)
    assert sent.status == 200
    await simulator.behaviour(CAROL, groups="ok")


@by_both
async def test_a_group_is_changed(simulator: Simulator, api: Api, addressing: Addressing) -> None:
    chat = await simulator.add_group("Old", [ALICE, BOB], addressing=addressing)
    changes: dict[str, Any] = {"subject": "New", "description": "About", "announce": True, "locked": True}
    async with api.events() as events:
        changed = (await api("PATCH", f"{GROUPS}/{chat}", changes)).data
        for change in changes:
            told = (await events.until("group.changed", chat=chat, change=change))["data"]
            assert told["actor"] == simulator.phone
    assert changes.items() <= changed.items()
    assert changes.items() <= (await simulator.group(chat)).items()
    without = (await api("PATCH", f"{GROUPS}/{chat}", {"description": "", "announce": False})).data
    assert (without["description"], without["announce"], without["locked"]) == (None, False, True)


@by_both
async def test_members_are_managed(simulator: Simulator, api: Api, addressing: Addressing) -> None:
    chat = await simulator.add_group("Members", [ALICE], addressing=addressing)

    async def manage(action: str, *members: str) -> object:
        return (await api("POST", f"{GROUPS}/{chat}/members", {"action": action, "members": members})).data["results"]

    assert await manage("add", BOB, STRANGER, ALICE) == [
        {"chat": BOB, "done": True, "whatsapp_code": None},
        {"chat": STRANGER, "done": False, "whatsapp_code": 404},
        {"chat": ALICE, "done": False, "whatsapp_code": 409},
    ]
    for action, role in (("promote", "admin"), ("demote", "member"), ("remove", None)):
        assert await manage(action, BOB) == [{"chat": BOB, "done": True, "whatsapp_code": None}]
        assert (await simulator.group(chat))["members"].get(BOB) == role


@by_both
async def test_the_link_a_new_one_and_leaving(simulator: Simulator, api: Api, addressing: Addressing) -> None:
    chat = await simulator.add_group("Link", [ALICE], addressing=addressing)
    for method in ("GET", "DELETE"):
        url = (await api(method, f"{GROUPS}/{chat}/invite")).data["url"]
        assert url == f"https://chat.whatsapp.com/{(await simulator.group(chat))['invite']}"
    assert chat in await listed(api)
    assert (await api("DELETE", f"{GROUPS}/{chat}")).data == {}
    assert simulator.phone not in (await simulator.group(chat))["members"]
    assert chat not in await listed(api)
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/invite")):
        reply = await api(method, f"{GROUPS}/{chat}{path}")
        assert (reply.status, reply.body["error_code"]) == (403, "not_a_member")


@by_both
async def test_what_others_do_is_told(simulator: Simulator, api: Api, addressing: Addressing) -> None:
    async with api.events() as events:
        chat = await simulator.add_group("Alice's", [ALICE, BOB], addressing=addressing, by=ALICE)
        await events.until("group.changed", chat=chat, change="created", actor=ALICE)
        assert chat in await listed(api)
        await simulator.change_group(chat, ALICE, "subject", value="Renamed")
        told = (await events.until("group.changed", chat=chat, change="subject"))["data"]
        assert (told["actor"], told["value"], told["members"]) == (ALICE, "Renamed", [])
        await simulator.change_group(chat, CAROL, "join")
        await events.until("group.changed", chat=chat, change="joined", actor=CAROL, members=[CAROL])
        await simulator.change_group(chat, ALICE, "promote", members=[simulator.phone])
        await events.until("group.changed", chat=chat, change="promoted", members=[simulator.phone])
        await simulator.change_group(chat, BOB, "leave")
        await events.until("group.changed", chat=chat, change="left", members=[BOB])
        await simulator.change_group(chat, ALICE, "remove", members=[simulator.phone])
        await events.until("group.changed", chat=chat, change="removed", members=[simulator.phone])
    async with asyncio.timeout(LIMIT):
        while chat in await listed(api):
            await asyncio.sleep(0.02)
    reply = await api("GET", f"{GROUPS}/{chat}")
    assert (reply.status, reply.body["error_code"]) == (403, "not_a_member")


async def test_a_new_picture_of_a_group_is_told_and_fetched(simulator: Simulator, api: Api) -> None:
    chat = await simulator.add_group("Pictured", [ALICE])
    async with api.events() as events:
        for content in (b"\xff\xd8 one", b"\xff\xd8 two"):
            await simulator.set_picture(chat, content)
            await events.until("group.changed", chat=chat, change="picture", value="changed")
            assert (await api("GET", f"{CHATS}/{chat}/picture")).body == content


async def test_what_only_an_admin_may_is_refused(simulator: Simulator, api: Api) -> None:
    chat = await simulator.add_group("Alice's", [ALICE, BOB], by=ALICE)
    for method, path, body in [
        ("PATCH", "", {"announce": True}),
        ("POST", "/members", {"action": "remove", "members": [BOB]}),
        ("GET", "/invite", None),
    ]:
        reply = await api(method, f"{GROUPS}/{chat}{path}", body)
        assert (reply.status, reply.body["error_code"]) == (422, "refused_by_whatsapp")
        assert reply.body["data"]["whatsapp_code"] in {401, 403}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", GROUPS, {"subject": "", "members": [ALICE]}, 422, "validation_error"),
        ("POST", GROUPS, {"subject": "x", "members": []}, 422, "validation_error"),
        ("POST", GROUPS, {"subject": "x", "members": ["group:1"]}, 422, "validation_error"),
        ("POST", GROUPS, {"subject": "x", "members": ["x"]}, 422, "invalid_phone_number"),
        ("POST", GROUPS, {"subject": "x", "members": [STRANGER]}, 422, "recipient_not_on_whatsapp"),
        ("PATCH", f"{GROUPS}/group:120363999999999999", {"subject": "x"}, 404, "group_not_found"),
        ("PATCH", f"{GROUPS}/group:120363999999999999", {}, 422, "validation_error"),
        ("DELETE", f"{GROUPS}/group:120363999999999999", None, 404, "group_not_found"),
    ],
)
async def test_what_cannot_be_done(api: Api, method: str, path: str, body: object, status: int, code: str) -> None:
    reply = await api(method, path, body)
    assert (reply.status, reply.body["error_code"]) == (status, code)
