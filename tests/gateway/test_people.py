"""People who change, our own profile and whom we block, by REST through the real engine and the simulator."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.gateway.conftest import ALICE, BOB, Api
from tests.gateway.test_with_whatsapp import caller, link
from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import running_bridge

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOME = "/v1/accounts/home"
LIMIT = 20.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    async with running_simulator() as simulator:
        await simulator.add_contact(BOB, "Bob")
        yield simulator
        assert (await simulator.state()).violations == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_bridge(tmp_path_factory.mktemp("people"), simulator) as bridge, caller(bridge) as api:
        await link(api, simulator)
        async with api.events() as events:
            message_id = await simulator.contact_send(ALICE, "hello")
            await events.until("message.received", message_id=message_id)
        yield api


async def test_somebody_has_other_names(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        await simulator.rename(ALICE, "Ally")
        await simulator.contact_send(ALICE, "it is me")
        told = (await events.until("contact.changed", chat=ALICE, push_name="Ally"))["data"]
        assert (told["phone"], told["name"], told["picture_changed"]) == (ALICE, None, False)
        await simulator.enter_in_address_book(ALICE, "Alice Smith")
        await events.until("contact.changed", chat=ALICE, name="Alice Smith", push_name="Ally")
    [chat] = (await api("GET", f"{HOME}/chats?search=smith")).data["chats"]
    assert (chat["chat"], chat["name"]) == (ALICE, "Alice Smith")


async def test_names_and_groups_are_fetched_anew(simulator: Simulator, api: Api) -> None:
    await simulator.enter_in_address_book(ALICE, "Alice Jones")
    group = await simulator.add_group("Old name", [ALICE])
    known = (await api("GET", f"{HOME}/chats")).data["chats"]
    assert {"Old name"} < {chat["name"] for chat in known}
    await simulator.change_group(group, simulator.phone, "subject", value="New name")
    assert (await api("POST", f"{HOME}/contacts/resync")).data == {}

    async def names() -> dict[str, str | None]:
        return {chat["chat"]: chat["name"] for chat in (await api("GET", f"{HOME}/chats")).data["chats"]}

    async with asyncio.timeout(LIMIT):
        while (now := await names())[ALICE] != "Alice Jones":
            await asyncio.sleep(0.02)
    assert now[group] == "New name"


async def test_a_new_picture_is_told_and_fetched(simulator: Simulator, api: Api) -> None:
    async with api.events() as events:
        for content in (b"\xff\xd8 one", b"\xff\xd8 two"):
            await simulator.set_picture(ALICE, content)
            await events.until("contact.changed", chat=ALICE, picture_changed=True)
            assert (await api("GET", f"{HOME}/chats/{ALICE}/picture")).body == content
        await simulator.set_picture(ALICE, None)
        await events.until("contact.changed", chat=ALICE, picture_changed=True)
        assert (await api("GET", f"{HOME}/chats/{ALICE}/picture")).status == 404


async def test_our_profile_is_told_and_changed(simulator: Simulator, api: Api) -> None:
    before = (await api("GET", f"{HOME}/profile")).data
    assert (before["phone"], before["name"], before["about"]) == (simulator.phone, "Owner", "")
    changed = (await api("PATCH", f"{HOME}/profile", {"name": "The house", "about": "At home"})).data
    assert changed == before | {"name": "The house", "about": "At home"}
    assert {"name": "The house", "about": "At home"}.items() <= (await simulator.profile()).items()
    await simulator.rename_owner("My house")
    async with asyncio.timeout(LIMIT):
        while (await api("GET", f"{HOME}/profile")).data["name"] != "My house":
            await asyncio.sleep(0.02)


async def test_who_is_blocked_cannot_write(simulator: Simulator, api: Api) -> None:
    assert (await api("GET", f"{HOME}/blocked")).data == {"chats": []}
    async with api.events() as events:
        assert (await api("PUT", f"{HOME}/blocked/{ALICE}")).data == {"chats": [ALICE]}
        assert (await api("GET", f"{HOME}/blocked")).data == {"chats": [ALICE]}
        await simulator.contact_send(ALICE, "can you hear me?")
        await simulator.contact_send(BOB, "me you can")
        assert (await events.next("message.received"))["data"]["content"]["text"] == "me you can"
        assert (await api("DELETE", f"{HOME}/blocked/{ALICE}")).data == {"chats": []}
        await simulator.contact_send(ALICE, "and now?")
        assert (await events.next("message.received"))["data"]["content"]["text"] == "and now?"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PATCH", "/profile", {}, 422, "validation_error"),
        ("PATCH", "/profile", {"name": " "}, 422, "validation_error"),
        ("PATCH", "/profile", {"about": "x" * 140}, 422, "validation_error"),
        ("PUT", "/blocked/group:1", None, 422, "validation_error"),
        ("PUT", "/blocked/nobody", None, 422, "invalid_phone_number"),
        ("PUT", "/blocked/+15559990000", None, 422, "recipient_not_on_whatsapp"),
        ("PUT", "/blocked/lid:123456789", None, 422, "refused_by_whatsapp"),
    ],
)
async def test_what_cannot_be_done(api: Api, method: str, path: str, body: object, status: int, code: str) -> None:
    reply = await api(method, HOME + path, body)
    assert (reply.status, reply.body["error_code"]) == (status, code)
