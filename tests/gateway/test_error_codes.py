"""Errors that no other test provokes. `--every-error-code` says which codes nothing has provoked."""

import sqlite3

import pytest

from tests.gateway.conftest import RunGateway, Running


@pytest.mark.parametrize(
    ("engine_code", "status", "code"),
    [
        ("media_upload_failed", 502, "media_upload_failed"),
        ("media_unreadable", 422, "media_unreadable"),
        ("message_not_kept", 422, "message_not_kept"),
        ("not_possible_here", 422, "not_possible_here"),
        ("invalid_params", 422, "validation_error"),
        ("what_is_that", 500, "internal_error"),
    ],
)
async def test_what_the_engine_says_of_a_message_is_told(
    running: Running, engine_code: str, status: int, code: str
) -> None:
    reply = await running.api.send(f"error {engine_code}", wait=5)
    assert (reply.status, reply.body["error_code"]) == (status, code)


@pytest.mark.parametrize(
    ("engine_code", "status", "code"),
    [
        ("group_not_found", 404, "group_not_found"),
        ("not_a_member", 403, "not_a_member"),
        ("not_connected", 503, "not_connected"),
        ("message_rejected", 422, "refused_by_whatsapp"),
        ("account_not_started", 503, "engine_unavailable"),
        ("what_is_that", 500, "internal_error"),
    ],
)
async def test_what_the_engine_says_of_a_question_is_told(
    run_gateway: RunGateway, engine_code: str, status: int, code: str
) -> None:
    async with run_gateway({"refuses": {"group.get": engine_code}}) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        reply = await running.api("GET", "/v1/accounts/home/groups/group:123")
        assert (reply.status, reply.body["error_code"]) == (status, code)


@pytest.mark.parametrize(("code", "status"), [("media_download_failed", 502), ("storage_full", 507)])
async def test_a_received_file_that_cannot_be_had(run_gateway: RunGateway, code: str, status: int) -> None:
    async with run_gateway({"refuses": {"media.download": code}}) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        async with running.api.events() as events:
            await running.api.send("receive-file")
            received = await events.next("message.received")
        reply = await running.api("GET", received["data"]["content"]["media"]["url"])
        assert (reply.status, reply.body["error_code"]) == (status, code)


async def test_a_database_that_cannot_be_written_is_told_and_recovers(running: Running) -> None:
    database = running.gateway.database
    await database.read(lambda db: db.execute("PRAGMA query_only = ON"))
    reply = await running.api.send("hello")
    assert (reply.status, reply.body["error_code"]) == (500, "storage_unusable")
    assert (await running.api("GET", "/health")).body["storage"] == "storage_unusable"

    def writable(db: sqlite3.Connection) -> None:
        db.execute("PRAGMA query_only = OFF")

    await database.read(writable)
    assert (await running.api.send("hello", wait=5)).status == 200
