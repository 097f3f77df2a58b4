"""The gateway as a whole: what the page shows, and what a bug report has."""

import json

import pytest
from whatsapp_bridge.log import set_up_logging

from tests.gateway.conftest import ALICE, TOKEN, Running, eventually, golden
from tests.gateway.test_golden import shape

SECRET = "the code of the door is 4711"


async def test_it_shows_accounts_and_what_happened_without_contents(running: Running) -> None:
    await running.api.send(SECRET, wait=5)
    await eventually(lambda: any(event.type == "message.status" for event in running.gateway.events.recent.all()))
    overview = (await running.api("GET", "/v1/gateway")).data
    assert overview["engine"] == "running"
    assert [account["name"] for account in overview["accounts"]] == ["Home"]
    assert overview["recent"][0] == {
        "time": overview["recent"][0]["time"],
        "account": "home",
        "type": "message.status",
        "detail": "sent",
    }
    assert {"account.added", "account.state"} <= {event["type"] for event in overview["recent"]}
    told = json.dumps(overview["recent"])
    assert SECRET not in told
    assert ALICE not in told
    assert TOKEN not in json.dumps(overview)


async def test_no_more_than_fifty_events_are_shown(running: Running) -> None:
    for number in range(60):
        await running.api("PATCH", "/v1/accounts/home", {"name": f"Home {number}"})
    overview = (await running.api("GET", "/v1/gateway")).data
    assert len(overview["recent"]) == 50


async def test_a_report_has_neither_names_nor_numbers_nor_tokens(running: Running) -> None:
    await running.api("PATCH", "/v1/accounts/home", {"name": "Grandmother"})
    await running.api.send(SECRET, wait=5)
    reply = await running.api("GET", "/v1/gateway/report")
    assert reply.data["accounts"][0]["state"] == "connected"
    assert reply.data["settings"]["max_message_length"] == 4096
    assert reply.data["recent"]
    example = golden("answer-gateway-report")["data"]
    assert shape(reply.data | {"settings": {}}) == shape(example | {"settings": {}})
    told = json.dumps(reply.body)
    account = running.gateway.accounts.get("home")
    for private in (
        SECRET,
        ALICE,
        TOKEN,
        "Grandmother",
        "home",
        account.phone or "",
        str(running.gateway.settings.data_dir),
    ):
        assert private
        assert private not in told, private


async def test_the_log_level_changes_at_once(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("warning")
    await running.api.send("one")
    capsys.readouterr()
    assert (await running.api("PATCH", "/v1/gateway", {"log_level": "debug"})).data["log_level"] == "debug"
    await running.api.send("two", wait=5)
    assert '"level": "info"' in capsys.readouterr().out
    assert (await running.api("PATCH", "/v1/gateway", {"log_level": "error"})).data["log_level"] == "error"
    await running.api.send("three", wait=5)
    assert '"level": "info"' not in capsys.readouterr().out


@pytest.mark.parametrize("body", [{"log_level": "loud"}, {}, {"log_level": "info", "port": 1}, None])
async def test_a_change_that_is_none_is_refused(running: Running, body: object) -> None:
    assert (await running.api("PATCH", "/v1/gateway", body)).status == 422
