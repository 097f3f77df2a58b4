"""Accounts: added, renamed, removed, and found again after a restart."""

from datetime import UTC, datetime
from pathlib import Path
import stat

import pytest
from whatsapp_bridge.account_file import AccountFile, AccountFileError
from whatsapp_bridge.engine_protocol import AccountState, AccountStateChanged

from tests.gateway.conftest import ALICE, Api, RunGateway, Running, eventually


async def test_an_account_that_was_just_added_waits_to_be_paired(run_gateway: RunGateway) -> None:
    async with run_gateway({"states": ["logged_out not_paired"]}) as running:
        reply = await running.api("POST", "/v1/accounts", {"name": "  Home  "})
        assert (reply.status, reply.data["id"], reply.data["name"]) == (201, "home", "Home")
        assert reply.data["state"] in {"starting", "logged_out"}
        await running.reaches("logged_out")
        assert running.gateway.accounts.get("home").reason == "not_paired"


@pytest.mark.parametrize(
    ("name", "account_id"),
    [
        ("Family", "family"),
        ("Müller & Söhne", "muller-sohne"),
        ("家", "account"),
        ("+49 170 1234567", "account"),
        ("170-123-4567 work", "account"),
        ("a" * 64, "a" * 24),
    ],
)
async def test_an_id_is_recognised_and_never_a_phone_number(api: Api, name: str, account_id: str) -> None:
    assert (await api("POST", "/v1/accounts", {"name": name})).data["id"] == account_id


async def test_ids_are_unique_and_the_oldest_account_is_the_default(api: Api) -> None:
    added = [(await api("POST", "/v1/accounts", {"name": "Home"})).data["id"] for _ in range(3)]
    assert added == ["home-2", "home-3", "home-4"]
    assert (await api("GET", "/status")).data["id"] == "home"


async def test_accounts_are_told_of_as_they_come_and_go(api: Api) -> None:
    async with api.events() as events:
        await api("POST", "/v1/accounts", {"name": "Work"})
        assert (await events.next("account.added"))["data"]["name"] == "Work"
        await api("PATCH", "/v1/accounts/work", {"name": "Office"})
        changed = await events.next("account.changed")
        assert (changed["account"], changed["data"]["name"]) == ("work", "Office")
        await api("DELETE", "/v1/accounts/work")
        assert (await events.next("account.removed"))["account"] == "work"
    assert [account["id"] for account in (await api("GET", "/v1/accounts")).data["accounts"]] == ["home"]


async def test_accounts_outlive_the_gateway_and_are_started_again(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        for name in ("Home", "Work"):
            await running.api("POST", "/v1/accounts", {"name": name})
        before = (await running.api("GET", "/v1/accounts/work")).data["created_at"]
    async with run_gateway() as running:
        for account in ("home", "work"):
            await running.reaches("connected", account)
        assert (await running.api("GET", "/v1/accounts/work")).data["created_at"] == before
        assert (await running.api("GET", "/v1/accounts/work")).data["phone"] == "+15550001000"


async def test_before_the_engine_is_up_an_account_is_starting(
    run_gateway: RunGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whatsapp_bridge.engine_process._CLOSE_LIMIT", 0.1)
    async with run_gateway() as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
    async with run_gateway({"hangs_at": ["initialize"]}) as running:
        assert (await running.api("GET", "/v1/accounts/home")).data["state"] == "starting"
        assert (await running.api("GET", "/health")).body["engine"]["state"] == "starting"
        assert (await running.api("POST", "/v1/accounts", {"name": "Work"})).data["state"] == "starting"
        assert (await running.api("GET", "/health/ready")).body["error_code"] == "not_ready"


async def test_secrets_in_the_data_folder_are_the_owners_alone(run_gateway: RunGateway, tmp_path: Path) -> None:
    async with run_gateway(api_token=None) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"}, Authorization=f"Bearer {running.gateway.token}")
        token = running.gateway.token
    files = [path for path in (tmp_path / "data").iterdir() if path.is_file()]
    assert {path.name for path in files} == {"accounts.json", "api-token", "gateway-id", "log-key", "gateway.db"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    async with run_gateway(api_token=None) as running:
        assert running.gateway.token == token


async def test_a_state_that_is_reported_again_is_no_event(running: Running) -> None:
    change = AccountStateChanged(
        account="home",
        state=AccountState.RECONNECTING,
        reason="connection_lost",
        phone=None,
        lid=None,
        name=None,
        since=datetime(2026, 11, 24, tzinfo=UTC),
        retry_at=None,
    )
    await running.gateway.events.flush()
    before = running.gateway.events.sequence
    for _ in range(3):
        running.gateway.accounts.state_changed(change)
    await running.gateway.events.flush()
    assert running.gateway.events.sequence == before + 1


def test_a_damaged_list_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "accounts.json").write_text('[{"id": "home"')
    with pytest.raises(AccountFileError):
        AccountFile(tmp_path).read()


async def test_a_list_that_can_not_be_written_adds_no_account(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("whatsapp_bridge.account_file.write_private_file", full)
    reply = await running.api("POST", "/v1/accounts", {"name": "Work"})
    assert (reply.status, reply.body["error_code"]) == (500, "internal_error")
    reply = await running.api("PATCH", "/v1/accounts/home", {"name": "Work"})
    assert (reply.status, reply.body["error_code"]) == (500, "internal_error")
    await eventually(lambda: [account.name for account in running.gateway.accounts.all()] == ["Home"])


async def test_ready_only_when_a_message_could_be_sent(running: Running) -> None:
    assert (await running.api("GET", "/health/ready")).data == {"ready": True}
    await running.api.send("state reconnecting connection_lost", wait=5)
    reply = await running.api("GET", "/health/ready")
    assert (reply.status, reply.body["error_code"]) == (503, "not_ready")
    assert (await running.api("GET", "/health")).body["accounts"] == {"reconnecting": 1}


async def test_an_account_that_the_engine_cannot_erase_stays(run_gateway: RunGateway) -> None:
    async with run_gateway({"refuses": {"account.erase": "account_locked"}}) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        reply = await running.api("DELETE", "/v1/accounts/home")
        assert (reply.status, reply.body["error_code"]) == (500, "internal_error")
        assert (await running.api("GET", "/v1/accounts/home")).data["state"] == "connected"


async def test_a_restart_stops_the_account_and_starts_it_again(running: Running) -> None:
    starts = len(running.started())
    await running.api.send("state replaced replaced", wait=5)
    await running.reaches("replaced")
    reply = await running.api("POST", "/v1/accounts/home/restart")
    assert reply.status == 202
    await running.reaches("connected")
    assert len(running.started()) == starts + 1
    assert (await running.api("POST", "/v1/accounts/nobody/restart")).status == 404


async def test_an_account_that_was_not_started_can_be_restarted_all_the_same(run_gateway: RunGateway) -> None:
    async with run_gateway({"refuses": {"account.stop": "account_not_started"}}) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        assert (await running.api("POST", "/v1/accounts/home/restart")).status == 202


async def test_an_unlinked_account_stays_and_its_deliveries_count_anew(running: Running) -> None:
    async with running.api.events() as events:
        await running.api.send("deliver 7", ALICE)
        await events.next("message.received")
        await eventually(lambda: "home" in running.gateway.events.deliveries)
        reply = await running.api("POST", "/v1/accounts/home/unlink")
        assert reply.data == {"unlinked": True}
        await running.reaches("connected")
        assert running.started()[-1]["delivery"] == 0
        assert [account.id for account in running.gateway.accounts.all()] == ["home"]
        await running.api.send("deliver 1", ALICE)
        await events.next("message.received")


async def test_each_gateway_has_an_id_that_stays(run_gateway: RunGateway) -> None:
    async with run_gateway() as running, running.api.events() as events:
        first = events.hello["gateway_id"]
    assert len(first) == 16
    async with run_gateway() as running, running.api.events() as events:
        assert events.hello["gateway_id"] == first


async def test_how_many_messages_wait_is_told_when_it_changes(running: Running) -> None:
    await running.api.send("state reconnecting connection_lost", wait=5)
    await running.reaches("reconnecting")
    async with running.api.events() as events:
        assert events.hello["waiting"] == {}
        for _ in range(3):
            await running.api.send("later")
        assert (await events.next("queue.changed"))["data"] == {"waiting": 3}
        async with running.api.events() as later:
            assert later.hello["waiting"] == {"home": 3}
            assert later.hello["storage"] is None
        await running.api("POST", "/v1/accounts/home/restart")
        assert (await events.next("queue.changed"))["data"] == {"waiting": 0}
