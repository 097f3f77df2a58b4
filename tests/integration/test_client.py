"""The client against the golden examples that the gateway is tested against too, and against answers that are not the gateway's."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from custom_components.whatsapp_gateway.api import stream
from custom_components.whatsapp_gateway.api.changes import CallChanged, ContactChanged, GroupChanged, PresenceChanged
from custom_components.whatsapp_gateway.api.client import GatewayClient
from custom_components.whatsapp_gateway.api.errors import (
    GatewayAnswerError,
    GatewayApiVersionError,
    GatewayAuthError,
    GatewayConnectionError,
    GatewayError,
    GatewayRequestError,
)
from custom_components.whatsapp_gateway.api.events import Event, Hello
from custom_components.whatsapp_gateway.api.models import (
    Account,
    AccountState,
    IncomingMessage,
    MessageStatus,
    MessageStatusChanged,
    Pairing,
    PairingStatus,
    QueueChanged,
)
from custom_components.whatsapp_gateway.api.stream import Position, follow_events
from tests.integration.dialog import until
from tests.integration.scripted_gateway import GOLDEN, ScriptedGateway, golden

EVENT_DATA = {
    "account.state": Account,
    "account.added": Account,
    "account.changed": Account,
    "account.removed": Account,
    "pairing.update": Pairing,
    "message.received": IncomingMessage,
    "message.status": MessageStatusChanged,
    "presence.changed": PresenceChanged,
    "call.changed": CallChanged,
    "group.changed": GroupChanged,
    "contact.changed": ContactChanged,
    "queue.changed": QueueChanged,
}


def examples(pattern: str) -> list[str]:
    return sorted(path.stem for path in GOLDEN.glob(f"{pattern}.json"))


@pytest.fixture
async def client(gateway: ScriptedGateway) -> AsyncIterator[GatewayClient]:
    async with aiohttp.ClientSession() as session:
        yield GatewayClient(session, gateway.url, gateway.token)


@pytest.mark.parametrize("name", [name for name in examples("event-*") if name != "event-hello"])
def test_every_event_is_understood(name: str) -> None:
    example = golden(name)
    event = Event.parse(example)
    assert (event.sequence, event.account, event.type) == (example["sequence"], example["account"], example["type"])
    assert isinstance(event.data, EVENT_DATA[event.type])


def test_the_hello_is_understood() -> None:
    hello = Hello.parse(golden("event-hello"))
    account = hello.account("home")
    assert account is not None
    assert (hello.log, hello.sequence, hello.gateway_version) == ("5f1c9a3e7b2d4c60", 6, "0.1.0")
    assert (account.phone, account.state, account.linked) == ("+15550001000", AccountState.CONNECTED, True)
    assert hello.account("nobody") is None


def test_an_event_of_an_unknown_kind_is_passed_over() -> None:
    assert Event.parse(golden("event-message-received") | {"type": "moon.phase", "data": 7}).data is None


@pytest.mark.parametrize("name", examples("answer-account-[!r]*"))
async def test_every_account_is_understood(client: GatewayClient, gateway: ScriptedGateway, name: str) -> None:
    gateway.answer("GET", "/v1/accounts/home", (200, golden(name)))
    assert (await client.account("home")).id == "home"


@pytest.mark.parametrize("name", examples("answer-message-*"))
async def test_every_message_is_understood(client: GatewayClient, gateway: ScriptedGateway, name: str) -> None:
    gateway.answer("POST", "/v1/accounts/home/messages", (200, golden(name)))
    message = await client.send("home", {"type": "text", "to": "+15551230001", "text": "x"}, key="k", wait=0)
    assert message.status is MessageStatus(golden(name)["data"]["status"])


async def test_pairing_and_accounts(client: GatewayClient) -> None:
    assert (await client.begin_pairing("home")).status is PairingStatus.WAITING
    await client.cancel_pairing("home")
    assert not (await client.add_account("Home")).linked
    assert await client.remove_account("home") is True


@pytest.mark.parametrize("name", [name for name in examples("error-*") if name != "error-unauthorized"])
async def test_every_refusal_carries_its_code(client: GatewayClient, gateway: ScriptedGateway, name: str) -> None:
    gateway.answer("GET", "/v1/accounts/home", (422, golden(name)))
    with pytest.raises(GatewayRequestError) as refused:
        await client.account("home")
    assert refused.value.code == golden(name)["error_code"]


async def test_requests_are_the_golden_ones(client: GatewayClient, gateway: ScriptedGateway) -> None:
    example = golden("request-message-text")
    await client.send("home", example, key="k", wait=10)
    await client.begin_pairing("home")
    sent, paired = gateway.requests
    assert (sent.body, sent.key, sent.query) == (example, "k", {"wait": "10"})
    assert paired.body == golden("request-pairing-qr")


async def test_a_wrong_token_is_told_apart_on_both_ways(client: GatewayClient, gateway: ScriptedGateway) -> None:
    gateway.token = "another"
    with pytest.raises(GatewayAuthError):
        await client.account("home")
    with pytest.raises(GatewayAuthError):
        await client.hello()


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"success": True}),
        (200, {"success": True, "data": []}),
        (200, ["no", "object"]),
        (200, golden("answer-account") | {"data": golden("answer-account")["data"] | {"state": "dancing"}}),
        (200, golden("answer-account") | {"data": golden("answer-account")["data"] | {"since": "yesterday"}}),
        (200, golden("answer-account") | {"data": golden("answer-account")["data"] | {"since": "2026-11-24T08:15:30"}}),
        (200, golden("answer-account") | {"data": golden("answer-account")["data"] | {"name": 5}}),
        (404, {"message": "no such page"}),
        (502, None),
        (200, b"\xff\xfe no text"),
        (200, b"<html>another server</html>"),
    ],
)
async def test_what_is_not_the_gateways_answer_is_said_to_be_so(
    client: GatewayClient, gateway: ScriptedGateway, answer: tuple[int, object]
) -> None:
    gateway.answer("GET", "/v1/accounts/home", answer)
    with pytest.raises(GatewayAnswerError):
        await client.account("home")


async def test_another_api_version_is_named(client: GatewayClient, gateway: ScriptedGateway) -> None:
    gateway.hello = {"type": "hello", "api_version": 2, "everything_else": "is different"}
    with pytest.raises(GatewayApiVersionError) as refused:
        await client.hello()
    assert refused.value.version == 2


async def test_nobody_there() -> None:
    async with aiohttp.ClientSession() as session:
        client = GatewayClient(session, "http://127.0.0.1:9", "token")
        with pytest.raises(GatewayConnectionError):
            await client.account("home")
        with pytest.raises(GatewayConnectionError):
            await client.hello()


class Listener:
    """Remembers what the stream brings."""

    consumer = "listener"

    def __init__(self) -> None:
        self.position: Position | None = None
        self.heard: asyncio.Queue[Hello | Event | GatewayError] = asyncio.Queue()

    def connected(self, hello: Hello) -> None:
        self.heard.put_nowait(hello)

    def received(self, event: Event) -> int | None:
        self.position = Position("5f1c9a3e7b2d4c60", event.sequence)
        self.heard.put_nowait(event)
        return event.sequence

    def lost(self, error: GatewayError) -> None:
        self.heard.put_nowait(error)

    async def next(self) -> Hello | Event | GatewayError:
        async with asyncio.timeout(10):
            return await self.heard.get()


@pytest.fixture
async def listener(client: GatewayClient) -> AsyncIterator[Listener]:
    """A listener to a stream that is followed."""
    listener = Listener()
    following = asyncio.create_task(follow_events(client, listener))
    yield listener
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following


async def test_what_an_event_sets_off_has_its_turn_before_it_is_acknowledged(
    gateway: ScriptedGateway, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway keeps what was acknowledged no longer: who is killed in between must get it again."""
    monkeypatch.setattr("custom_components.whatsapp_gateway.api.stream.ACKNOWLEDGE_AFTER", 3600)
    assert isinstance(await listener.next(), Hello)
    await gateway.listeners()
    await gateway.send(golden("event-message-received"))
    assert isinstance(await listener.next(), Event)
    await gateway.drop()
    assert isinstance(await listener.next(), GatewayConnectionError)
    assert gateway.acknowledged == []


async def test_a_stream_that_breaks_is_resumed_where_it_was(gateway: ScriptedGateway, listener: Listener) -> None:
    assert isinstance(await listener.next(), Hello)
    await gateway.listeners()
    await gateway.send(golden("event-message-received"))
    assert isinstance(await listener.next(), Event)
    await until(lambda: gateway.acknowledged == [11], "it is acknowledged")
    await gateway.drop()
    assert isinstance(await listener.next(), GatewayConnectionError)
    assert isinstance(await listener.next(), Hello)
    first, second = gateway.requested("GET", "/v1/events")
    assert (first.query, second.query) == (
        {"consumer": "listener"},
        {"since": "11", "log": "5f1c9a3e7b2d4c60", "consumer": "listener"},
    )


async def test_nonsense_in_the_stream_is_said_and_survived(gateway: ScriptedGateway, listener: Listener) -> None:
    assert isinstance(await listener.next(), Hello)
    await gateway.listeners()
    await gateway.send({"sequence": "eleven"})
    assert isinstance(await listener.next(), GatewayAnswerError)
    assert isinstance(await listener.next(), Hello)


async def test_a_stream_that_is_not_text_is_not_the_gateways(client: GatewayClient, gateway: ScriptedGateway) -> None:
    async with client.events() as connection:
        await gateway.listeners()
        await gateway.sockets[0].send_bytes(b"\x00")
        with pytest.raises(GatewayAnswerError):
            await connection.next()


async def test_acknowledging_on_a_lost_connection_says_so(client: GatewayClient, gateway: ScriptedGateway) -> None:
    async with client.events() as connection:
        await gateway.listeners()
        await gateway.drop()
        with pytest.raises(GatewayConnectionError):
            await connection.next()
        with pytest.raises(GatewayConnectionError):
            await connection.acknowledge(7)


async def test_pauses_grow_up_to_a_limit(
    client: GatewayClient, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            gateway.token = "another"

    monkeypatch.setattr(f"{stream.__name__}.asyncio.sleep", sleep)
    monkeypatch.setattr(f"{stream.__name__}.random.uniform", lambda _low, high: high)
    gateway.answer("GET", "/v1/events", (500, {}), (500, {}))
    with pytest.raises(GatewayAuthError):
        await follow_events(client, Listener())
    assert pauses[:4] == [0.2, 0.4, 0.8, 1.6]
    assert pauses[-1] == 30.0


@pytest.mark.parametrize("message_id", ["../messages", "..", "a/b", "?since=1", "%2e%2e"])
async def test_what_is_in_a_path_stays_in_its_place(
    client: GatewayClient, gateway: ScriptedGateway, message_id: str
) -> None:
    path = f"/v1/accounts/home/media/{message_id}"
    gateway.answer("GET", path, (404, {"detail": "", "error_code": "media_not_found", "timestamp": ""}))
    with pytest.raises(GatewayRequestError):
        async with client.media("home", message_id):
            pass
    assert [request.path for request in gateway.requests] == [path]
