"""Bad input: a clear error with its code, and nothing sent."""

from collections.abc import AsyncIterator

import pytest

from tests.gateway.conftest import ALICE, TOKEN, Api, Running

MESSAGES = "/v1/accounts/home/messages"


def text(**fields: object) -> dict[str, object]:
    return {"type": "text", "to": ALICE, "text": "hello"} | fields


@pytest.mark.parametrize(
    ("body", "status", "error_code"),
    [
        (text(text=""), 422, "message_empty"),
        (text(text=" \n\t\u200b\u2800"), 422, "message_empty"),
        (text(text="x" * 5000), 422, "message_too_long"),
        (text(text="😀" * 4097), 422, "message_too_long"),
        (text(to="+49 CALL ME"), 422, "invalid_phone_number"),
        (text(to=""), 422, "invalid_phone_number"),
        (text(to="0170 1234567"), 422, "invalid_phone_number"),
        (text(to="15551230001@s.whatsapp.net"), 422, "invalid_phone_number"),
        (text(to="group:../../etc"), 422, "invalid_phone_number"),
        (text(to=15551230001), 422, "validation_error"),
        (text(text=None), 422, "validation_error"),
        (text(text=["x"]), 422, "validation_error"),
        (text(type="fax"), 422, "validation_error"),
        (text(wait=5), 422, "validation_error"),
        ({}, 422, "validation_error"),
        ([], 422, "validation_error"),
        (None, 422, "validation_error"),
    ],
)
async def test_a_message_that_can_not_be_sent_is_refused(
    running: Running, body: object, status: int, error_code: str
) -> None:
    reply = await running.api("POST", MESSAGES, body)
    assert (reply.status, reply.body["error_code"]) == (status, error_code)
    assert set(reply.body) == {"detail", "error_code", "timestamp"}
    assert running.sent() == []


async def test_4096_characters_are_sent_whole(running: Running) -> None:
    assert (await running.api.send("😀" * 4096, wait=5)).status == 200
    assert running.sent()[0]["content"]["text"] == "😀" * 4096


@pytest.mark.parametrize("to", ["+1 (555) 123-0001", "+1.555.123.0001", "001 555 123 0001", " +15551230001 "])
async def test_how_a_number_is_written_does_not_matter(running: Running, to: str) -> None:
    reply = await running.api.send("hello", to, wait=5)
    assert reply.data["to"] == running.sent()[0]["to"] == ALICE


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"type": "text", "to": "\\ud800"', b""])
async def test_a_body_that_is_no_json(api: Api, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    async with api.session.post(api.url + MESSAGES, data=body, headers=headers) as answer:
        failure = await answer.json()
    assert answer.status in {400, 422}
    assert failure["error_code"] in {"invalid_json", "validation_error"}


@pytest.mark.parametrize("field", ['"text": "\\ud800"', '"text": "x", "\\ud800": 1'])
async def test_half_a_character_is_refused(api: Api, field: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    body = f'{{"type": "text", "to": "+15551230001", {field}}}'
    async with api.session.post(api.url + MESSAGES, data=body, headers=headers) as answer:
        failure = await answer.json()
    assert (answer.status, failure["error_code"]) == (422, "validation_error")


async def test_a_huge_body_is_refused(api: Api) -> None:
    reply = await api("POST", "/send", {"phone": ALICE, "message": "x" * (1 << 19)})
    assert (reply.status, reply.body["error_code"]) == (413, "body_too_large")


async def test_a_huge_body_of_untold_size_is_refused(api: Api) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"x" * (1 << 16)

    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    async with api.session.post(f"{api.url}/send", data=body(), headers=headers) as answer:
        assert (answer.status, (await answer.json())["error_code"]) == (413, "body_too_large")


@pytest.mark.parametrize("wait", ["-1", "61", "nan", "soon"])
async def test_an_impossible_wait(api: Api, wait: str) -> None:
    reply = await api("POST", f"{MESSAGES}?wait={wait}", text())
    assert (reply.status, reply.body["error_code"]) == (422, "validation_error")
    assert "wait" in reply.body["detail"]


@pytest.mark.parametrize("key", ["", "with space", "x" * 256])
async def test_an_impossible_idempotency_key(api: Api, key: str) -> None:
    reply = await api.send("hello", Idempotency_Key=key)
    assert (reply.status, reply.body["error_code"]) == (422, "validation_error")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("POST", "/pairing", {"method": "qr"}),
        ("DELETE", "/pairing", None),
        ("GET", "/qr", None),
        ("POST", "/messages", text()),
        ("GET", "/messages/3EB0", None),
        ("DELETE", "/messages/3EB0", None),
    ],
)
async def test_an_unknown_account(api: Api, method: str, path: str, body: object) -> None:
    reply = await api(method, f"/v1/accounts/nobody{path}", body)
    assert (reply.status, reply.body["error_code"]) == (404, "account_not_found")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unknown_message(api: Api, method: str) -> None:
    reply = await api(method, f"{MESSAGES}/3EB0C431C91A2B3C4D5E6F")
    assert (reply.status, reply.body["error_code"]) == (404, "message_not_found")


async def test_an_unknown_route_and_method(api: Api) -> None:
    assert (await api("GET", "/nope")).body["error_code"] == "not_found"
    reply = await api("PUT", "/status")
    assert (reply.status, reply.body["error_code"], reply.headers["Allow"]) == (405, "method_not_allowed", "GET")


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, None, 5])
async def test_an_impossible_account_name(api: Api, name: object) -> None:
    reply = await api("POST", "/v1/accounts", {"name": name})
    assert (reply.status, reply.body["error_code"]) == (422, "validation_error")


@pytest.mark.parametrize(
    ("body", "error_code"),
    [
        ({"method": "code", "phone": "+49 CALL ME"}, "invalid_phone_number"),
        ({"method": "code"}, "validation_error"),
        ({"method": "qr", "phone": ALICE}, "validation_error"),
        ({"method": "carrier pigeon"}, "validation_error"),
        ({}, "validation_error"),
    ],
)
async def test_an_impossible_pairing(api: Api, body: object, error_code: str) -> None:
    reply = await api("POST", "/v1/accounts/home/pairing", body)
    assert (reply.status, reply.body["error_code"]) == (422, error_code)


async def test_a_refusal_does_not_quote_what_was_written(api: Api) -> None:
    reply = await api("POST", MESSAGES, text(text=["my secret"], to=5))
    assert "secret" not in str(reply.body)


@pytest.mark.parametrize("query", ["since=-1", "since=x", f"since=1&log={'x' * 65}"])
async def test_an_impossible_resumption_is_refused_before_the_upgrade(api: Api, query: str) -> None:
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    async with api.session.get(f"{api.url}/v1/events?{query}", headers=headers) as answer:
        body = await answer.json()
    assert (answer.status, body["error_code"]) == (422, "validation_error")
