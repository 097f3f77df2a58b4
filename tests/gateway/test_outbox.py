"""A message accepted is a message delivered once, or reported failed."""

import asyncio
import os
import signal

import pytest
from whatsapp_bridge import message_store, outbox

from tests.gateway.conftest import ALICE, BOB, LIMIT, Api, RunGateway, Running, children, eventually


async def test_an_acknowledged_message_is_answered_with_200_and_whatsapps_time(api: Api) -> None:
    reply = await api.send("hello", wait=5)
    assert reply.status == 200
    assert reply.data["status"] == "sent"
    assert reply.data["messageId"].startswith("3EB0")
    assert len(reply.data["messageId"]) == 22
    assert reply.data["to"] == reply.data["chat"] == ALICE


async def test_without_wait_it_is_queued_and_can_be_followed(api: Api) -> None:
    async with api.events() as events:
        reply = await api.send("hello")
        assert reply.status == 202
        event = await events.until("message.status", messageId=reply.data["messageId"])
    assert event["data"]["status"] == "sent"
    assert event["data"]["recipient"] == ALICE
    assert (await api.message(reply.data["messageId"]))["status"] == "sent"


async def test_the_simple_call_sends_on_the_oldest_account(running: Running) -> None:
    reply = await running.api("POST", "/send", {"phone": ALICE, "message": "hello"})
    assert reply.status == 200
    assert reply.data["messageId"] == running.sent()[0]["message_id"]
    assert running.sent()[0]["content"] == {"type": "text", "text": "hello"}


@pytest.mark.parametrize("cause", ["not_connected", "acknowledgement_timeout"])
async def test_an_unknown_fate_is_resent_with_the_same_id(running: Running, cause: str) -> None:
    reply = await running.api.send(f"error {cause}", wait=10)
    assert reply.status == 200
    assert [params["message_id"] for params in running.sent()] == [reply.data["messageId"]] * 2


async def test_an_engine_that_dies_while_sending_is_restarted_and_gets_the_same_id(running: Running) -> None:
    reply = await running.api.send("crash", wait=10)
    assert reply.status == 200
    assert [params["message_id"] for params in running.sent()] == [reply.data["messageId"]] * 2
    assert running.gateway.engine.restarts == 1


async def test_a_message_accepted_while_the_engine_is_dead_is_sent_when_it_is_back(running: Running) -> None:
    running.script(states=["connecting"])
    [engine] = children()
    os.kill(engine, signal.SIGKILL)
    await eventually(lambda: running.gateway.accounts.get("home").reason == "engine_unavailable")
    running.script()
    reply = await running.api.send("later")
    assert reply.status == 202
    await eventually(lambda: len(running.sent()) > 0 or restart_if_connecting(running))
    await settles(running, reply.data["messageId"])
    assert [params["message_id"] for params in running.sent()] == [reply.data["messageId"]]


async def settles(running: Running, message_id: str, status: str = "sent") -> None:
    async with asyncio.timeout(LIMIT):
        while (await running.gateway.outbox.get("home", message_id)).status != status:
            await asyncio.sleep(0.01)


def restart_if_connecting(running: Running) -> bool:
    """The engine may have been started with the script of before."""
    if running.gateway.accounts.get("home").state == "connecting":
        for pid in children():
            os.kill(pid, signal.SIGKILL)
    return False


async def test_a_receipt_ends_the_wait_for_an_acknowledgement_that_was_lost(running: Running) -> None:
    reply = await running.api.send("lost-acknowledgement", wait=10)
    assert reply.status == 200
    assert reply.data["status"] == "delivered"
    assert len(running.sent()) == 1


async def test_receipts_raise_the_status_and_are_told_once(api: Api) -> None:
    async with api.events() as events:
        reply = await api.send("read", wait=5)
        told = [(await events.next("message.status"))["data"]["status"] for _ in range(3)]
    assert told == ["sent", "delivered", "read"]
    assert (await api.message(reply.data["messageId"]))["status"] == "read"


async def test_a_queued_message_expires_and_the_sender_is_told(run_gateway: RunGateway) -> None:
    async with run_gateway({"states": ["connecting"]}, message_ttl=0.3) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        async with running.api.events() as events:
            reply = await running.api.send("never", wait=5)
            event = await events.until("message.status", status="expired")
    assert (reply.status, reply.body["error_code"]) == (504, "message_expired")
    assert reply.body["data"]["messageId"] == event["data"]["messageId"]
    assert event["data"]["error_code"] == "message_expired"
    assert running.sent() == []


async def test_a_message_that_is_never_acknowledged_expires(run_gateway: RunGateway) -> None:
    async with run_gateway(message_ttl=1.0) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        reply = await running.api.send("always-error not_connected", wait=10)
    assert (reply.status, reply.body["error_code"]) == (504, "message_expired")
    assert len({params["message_id"] for params in running.sent()}) == 1


@pytest.mark.parametrize(
    ("text", "status", "error_code", "whatsapp_code"),
    [
        ("error recipient_not_on_whatsapp", 422, "recipient_not_on_whatsapp", None),
        ("error message_rejected 463", 422, "message_rejected", 463),
        ("error internal_error", 500, "internal_error", None),
        ("error something_new", 500, "internal_error", None),
    ],
)
async def test_what_whatsapp_refuses_fails_at_once(
    running: Running, text: str, status: int, error_code: str, whatsapp_code: int | None
) -> None:
    async with running.api.events() as events:
        reply = await running.api.send(text, wait=5)
        event = await events.next("message.status")
    assert (reply.status, reply.body["error_code"]) == (status, error_code)
    assert reply.body["data"]["whatsapp_code"] == whatsapp_code
    assert (event["data"]["status"], event["data"]["error_code"]) == ("failed", error_code)
    assert len(running.sent()) == 1


@pytest.mark.parametrize(
    ("state", "error_code"),
    [
        ("pairing", "account_not_paired"),
        ("logged_out not_paired", "account_not_paired"),
        ("logged_out unlinked", "account_logged_out"),
        ("replaced replaced", "account_replaced"),
        ("blocked banned", "account_blocked"),
        ("failed client_rejected", "account_failed"),
    ],
)
async def test_where_somebody_must_act_first_a_message_is_refused(
    run_gateway: RunGateway, state: str, error_code: str
) -> None:
    async with run_gateway({"states": [state]}) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches(state.partition(" ")[0])
        reply = await running.api.send("hello")
    assert (reply.status, reply.body["error_code"]) == (409, error_code)
    assert "data" not in reply.body
    assert running.gateway.outbox._messages == {}


async def test_what_is_queued_fails_when_the_account_is_logged_out(running: Running) -> None:
    waiting = asyncio.create_task(running.api.send("error not_connected", wait=10))
    await eventually(lambda: len(running.sent()) == 1)
    assert (await running.api.send("state logged_out unlinked", BOB, wait=5)).status == 200
    reply = await waiting
    assert (reply.status, reply.body["error_code"]) == (409, "account_logged_out")
    assert reply.body["data"]["status"] == "failed"


async def test_a_chats_messages_keep_their_order_while_others_overtake(running: Running) -> None:
    api = running.api
    slow = await api.send("slow 0.3")
    second = await api.send("second")
    other = await api.send("other", BOB, wait=5)
    assert other.status == 200
    assert (await api.message(slow.data["messageId"]))["status"] == "sending"
    assert (await api.message(second.data["messageId"]))["status"] == "queued"
    await settles(running, second.data["messageId"])
    to_alice = [params["content"]["text"] for params in running.sent() if params["to"] == ALICE]
    assert to_alice == ["slow 0.3", "second"]


async def test_the_same_idempotency_key_sends_once(running: Running) -> None:
    first, again = [await running.api.send("once", wait=5, Idempotency_Key="key-1") for _ in range(2)]
    assert first.body == again.body
    assert len(running.sent()) == 1


async def test_two_calls_at_once_with_one_key_send_once(running: Running) -> None:
    replies = await asyncio.gather(*(running.api.send("once", wait=5, Idempotency_Key="key-1") for _ in range(8)))
    assert len({reply.data["messageId"] for reply in replies}) == 1
    assert len(running.sent()) == 1


async def test_an_idempotency_key_is_not_for_another_message(running: Running) -> None:
    await running.api.send("one", wait=5, Idempotency_Key="key-1")
    reply = await running.api.send("two", wait=5, Idempotency_Key="key-1")
    assert (reply.status, reply.body["error_code"]) == (409, "idempotency_conflict")
    reply = await running.api.send("one", BOB, wait=5, Idempotency_Key="key-1")
    assert (reply.status, reply.body["error_code"]) == (409, "idempotency_conflict")
    assert len(running.sent()) == 1


async def test_a_queued_message_can_be_taken_back(run_gateway: RunGateway) -> None:
    async with run_gateway({"states": ["connecting"]}) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        waiting = asyncio.create_task(running.api.send("never mind", wait=10))
        await eventually(lambda: running.gateway.outbox.waiting() == 1)
        [message_id] = [message_id for _, message_id in running.gateway.outbox._messages]
        path = f"/v1/accounts/home/messages/{message_id}"
        for _ in range(2):
            taken = await running.api("DELETE", path)
            assert (taken.status, taken.data["status"]) == (200, "cancelled")
        reply = await waiting
    assert (reply.status, reply.body["error_code"]) == (409, "message_cancelled")
    assert running.sent() == []


async def test_what_was_tried_can_not_be_taken_back(running: Running) -> None:
    sent = await running.api.send("hello", wait=5)
    reply = await running.api("DELETE", f"/v1/accounts/home/messages/{sent.data['messageId']}")
    assert (reply.status, reply.body["error_code"]) == (409, "message_already_sent")


async def test_a_full_queue_says_when_to_come_back(run_gateway: RunGateway) -> None:
    async with run_gateway({"states": ["connecting"]}, queue_limit=3) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        replies = [await running.api.send(f"{number}") for number in range(4)]
    assert [reply.status for reply in replies] == [202, 202, 202, 429]
    assert replies[3].body["error_code"] == "queue_full"
    assert int(replies[3].headers["Retry-After"]) > 0


async def test_a_burst_goes_out_at_once_and_the_rest_at_the_pace(run_gateway: RunGateway) -> None:
    loop = asyncio.get_running_loop()
    async with run_gateway(messages_per_second=10) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        started = loop.time()
        for number in range(8):
            await running.api.send(f"{number}")
        await eventually(lambda: len(running.sent()) == 8)
        took = loop.time() - started
    assert 0.3 <= took < 2.0
    assert [params["content"]["text"] for params in running.sent()] == [f"{number}" for number in range(8)]


async def rows(running: Running, columns: str) -> list[tuple[object, ...]]:
    """Returns what the database has of the messages."""
    query = f"SELECT {columns} FROM messages ORDER BY position"  # noqa: S608 - the test's own
    found: list[tuple[object, ...]] = await running.gateway.database.read(lambda db: db.execute(query).fetchall())
    return found


async def test_settled_messages_are_forgotten_beyond_a_bound(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_store, "SETTLED_MESSAGES", 3)
    monkeypatch.setattr(outbox, "_TIDY_EVERY", 1)
    first = await running.api.send("0", wait=5, Idempotency_Key="first")
    for number in range(1, 6):
        await running.api.send(f"{number}", wait=5)
    await eventually(lambda: running.gateway.outbox._messages == {})
    assert len(await rows(running, "message_id")) == 3
    reply = await running.api("GET", f"/v1/accounts/home/messages/{first.data['messageId']}")
    assert (reply.status, reply.body["error_code"]) == (404, "message_not_found")


async def test_contents_do_not_outlive_their_delivery(running: Running) -> None:
    await running.api.send("secret", wait=5)
    await eventually(lambda: running.gateway.outbox._messages == {})
    assert await rows(running, "status, request, files") == [("sent", None, "[]")]


async def test_the_messages_are_listed_newest_first(running: Running) -> None:
    for text in ("one", "error recipient_not_on_whatsapp", "two"):
        await running.api.send(text, wait=5)
    listed = (await running.api("GET", "/v1/accounts/home/messages")).data["messages"]
    assert [message["status"] for message in listed] == ["sent", "failed", "sent"]
    failed = (await running.api("GET", "/v1/accounts/home/messages?status=failed&limit=1")).data["messages"]
    assert [message["error_code"] for message in failed] == ["recipient_not_on_whatsapp"]


async def test_removing_an_account_cancels_its_messages_and_forgets_them(running: Running) -> None:
    waiting = asyncio.create_task(running.api.send("silent", wait=10))
    await eventually(lambda: len(running.sent()) == 1)
    assert (await running.api("DELETE", "/v1/accounts/home")).data == {"unlinked": True}
    reply = await waiting
    assert (reply.status, reply.body["error_code"]) == (409, "message_cancelled")
    await eventually(lambda: running.gateway.outbox._messages == {})
    assert running.gateway.outbox.waiting() == 0


async def test_a_receipt_for_a_message_of_an_earlier_run_is_told(api: Api) -> None:
    async with api.events() as events:
        await api.send("receipt 3EB0C431C91A2B3C4D5E6F", wait=5)
        event = await events.until("message.status", messageId="3EB0C431C91A2B3C4D5E6F")
    assert (event["data"]["status"], event["data"]["to"], event["data"]["recipient"]) == ("read", ALICE, ALICE)


async def test_in_a_group_each_recipients_receipt_is_told(running: Running) -> None:
    async with running.api.events() as events:
        reply = await running.api.send(f"group-receipts {ALICE} {BOB}", "group:120363001234567890", wait=5)
        told = [(await events.next("message.status"))["data"] for _ in range(5)]
    assert [(event["status"], event["recipient"]) for event in told] == [
        ("sent", "group:120363001234567890"),
        ("delivered", ALICE),
        ("read", ALICE),
        ("delivered", BOB),
        ("read", BOB),
    ]
    assert (await running.api.message(reply.data["messageId"]))["status"] == "read"


@pytest.mark.parametrize("code", [None, "something_new"])
async def test_a_failure_that_is_told_late_is_a_failure(running: Running, code: str | None) -> None:
    """Also where the engine gives no reason, or one that this gateway does not know."""
    reply = await running.api.send(f"fails-later {code or ''}".strip(), wait=5)
    assert (reply.status, reply.body["error_code"]) == (422, "message_rejected")
    assert reply.body["data"]["status"] == "failed"


async def test_a_sent_message_that_whatsapp_fails_afterwards_is_told(running: Running) -> None:
    async with running.api.events() as events:
        reply = await running.api.send("fails-after")
        told = [(await events.next("message.status"))["data"]["status"] for _ in range(2)]
    assert told == ["sent", "failed"]
    assert (await running.api.message(reply.data["messageId"]))["error_code"] == "message_rejected"
