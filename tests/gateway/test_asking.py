"""Questions to WhatsApp by REST, through the real engine and the simulator."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.gateway.conftest import ALICE, BOB, Api
from tests.gateway.test_with_whatsapp import caller, link, reaches
from tests.simulator.client import Addressing, Simulator, running_simulator
from tests.stack.bridge import running_bridge

pytestmark = pytest.mark.asyncio(loop_scope="module")
NUMBERS = "/v1/accounts/home/numbers"
GROUPS = "/v1/accounts/home/groups"


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


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", NUMBERS, {"numbers": ["5551230001x"]}, 422, "invalid_phone_number"),
        ("POST", NUMBERS, {"numbers": []}, 422, "validation_error"),
        ("POST", NUMBERS, {"numbers": ["+15551230001"] * 51}, 422, "validation_error"),
        ("GET", f"{GROUPS}/group:120363999999999999", None, 404, "group_not_found"),
        ("GET", f"{GROUPS}/+15551230001", None, 422, "validation_error"),
        ("GET", "/v1/accounts/nobody/groups", None, 404, "account_not_found"),
    ],
)
async def test_a_question_that_has_no_answer(
    api: Api, method: str, path: str, body: object, status: int, code: str
) -> None:
    reply = await api(method, path, body)
    assert (reply.status, reply.body["error_code"]) == (status, code)


async def test_without_a_connection_nothing_is_asked(simulator: Simulator, api: Api) -> None:
    await simulator.faults(refuse_connections=True, drop=True)
    await reaches(api, "reconnecting")
    for method, path, body in [("POST", NUMBERS, {"numbers": ["+15551239999"]}), ("GET", GROUPS, None)]:
        reply = await api(method, path, body)
        assert (reply.status, reply.body["error_code"]) == (503, "not_connected")
        assert reply.headers["Retry-After"]
    await simulator.clear_faults()
    await reaches(api, "connected")
