"""Both borders against their golden examples: what is read in and spelled out again is the same."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
import pytest
from whatsapp_bridge.account import Account
from whatsapp_bridge.api.accounts import AccountList, AccountName, Removal
from whatsapp_bridge.api.answers import Answer, Failure, Nothing
from whatsapp_bridge.api.backup import Backup
from whatsapp_bridge.api.chats import PresenceBody, ReadBody
from whatsapp_bridge.api.event_frames import event_frame
from whatsapp_bridge.api.events import Acknowledgement, Hello
from whatsapp_bridge.api.group_changes import GroupUpdate, MembersChange, NewGroup
from whatsapp_bridge.api.health import Health, Ready
from whatsapp_bridge.api.message_bodies import message_body
from whatsapp_bridge.api.messages import MessageList
from whatsapp_bridge.api.numbers import NumberAnswers, NumberQuestion
from whatsapp_bridge.api.overview import Change, Overview, Report
from whatsapp_bridge.api.pairing import Confirmation, PairingRequest, ShownQr
from whatsapp_bridge.api.profile import ProfileUpdate
from whatsapp_bridge.api.simple_calls import SimpleImage, SimpleText
from whatsapp_bridge.contact import ChatList, ContactList
from whatsapp_bridge.engine_connection import _engine_error
from whatsapp_bridge.engine_protocol import (
    EraseResult,
    InitializeResult,
    Pairing,
    SendResult,
    read_notification,
)
from whatsapp_bridge.errors import ErrorCode, http_status
from whatsapp_bridge.group import Group, GroupList, InviteLink, MemberResults
from whatsapp_bridge.message import Message
from whatsapp_bridge.pairing import PasskeyAssertion
from whatsapp_bridge.profile import BlockedChats, Profile

from tests.gateway.conftest import ALICE, GOLDEN, Running, eventually, golden

API_EXAMPLES = sorted((GOLDEN / "api").glob("*.json"))
NOTIFICATIONS = sorted((GOLDEN / "engine").glob("*.notification.*.json"))


RESULTS: dict[str, type[BaseModel]] = {
    "initialize.result": InitializeResult,
    "account.erase.result": EraseResult,
    "message.send.result": SendResult,
    "contact.list.result": ContactList,
    "group.members.result": MemberResults,
    "group.invite.result": InviteLink,
    "profile.get.result": Profile,
    "block.list.result": BlockedChats,
}
ANSWERS: dict[str, type[BaseModel]] = {
    "answer-health": Health,
    "answer-ready": Answer[Ready],
    "answer-accounts": Answer[AccountList],
    "answer-backup": Answer[Backup],
    "answer-gateway": Answer[Overview],
    "answer-gateway-report": Answer[Report],
    "answer-account-removed": Answer[Removal],
    "answer-unlinked": Answer[Removal],
    "answer-account": Answer[Account],
    "answer-status": Answer[Account],
    "answer-pairing-started": Answer[Pairing],
    "answer-pairing-cancelled": Answer[Nothing],
    "answer-pairing-passkey": Answer[Nothing],
    "answer-pairing-confirmed": Answer[Nothing],
    "answer-qr": Answer[ShownQr],
    "answer-message": Answer[Message],
    "answer-messages": Answer[MessageList],
    "answer-numbers": Answer[NumberAnswers],
    "answer-groups": Answer[GroupList],
    "answer-group": Answer[Group],
    "answer-group-members": Answer[MemberResults],
    "answer-group-invite": Answer[InviteLink],
    "answer-contacts": Answer[ContactList],
    "answer-chats": Answer[ChatList],
    "answer-nothing": Answer[Nothing],
    "answer-profile": Answer[Profile],
    "answer-blocked": Answer[BlockedChats],
    "event-hello": Hello,
    "error": Failure,
}
REQUESTS: dict[str, TypeAdapter[Any]] = {
    "request-gateway-change": TypeAdapter(Change),
    "request-account": TypeAdapter(AccountName),
    "request-pairing": TypeAdapter(PairingRequest),
    "request-pairing-passkey": TypeAdapter(PasskeyAssertion),
    "request-pairing-confirmation": TypeAdapter(Confirmation),
    "request-message": message_body,
    "request-group-create": TypeAdapter(NewGroup),
    "request-group-change": TypeAdapter(GroupUpdate),
    "request-group-members": TypeAdapter(MembersChange),
    "request-profile": TypeAdapter(ProfileUpdate),
    "request-read": TypeAdapter(ReadBody),
    "request-presence": TypeAdapter(PresenceBody),
    "request-numbers": TypeAdapter(NumberQuestion),
    "request-send": TypeAdapter(SimpleText),
    "request-send-image-url": TypeAdapter(SimpleImage),
    "request-events-ack": TypeAdapter(Acknowledgement),
}


def read(path: Path) -> dict[str, Any]:
    example: dict[str, Any] = json.loads(path.read_text())
    return example


def longest_match[Value](name: str, table: dict[str, Value]) -> Value:
    return table[max((key for key in table if name.startswith(key)), key=len)]


@pytest.mark.parametrize("path", API_EXAMPLES, ids=lambda path: path.stem)
def test_an_example_of_the_api_is_what_the_gateway_speaks(path: Path) -> None:
    example = read(path)
    if path.stem.startswith("request-"):
        adapter = longest_match(path.stem, REQUESTS)
        assert adapter.dump_python(adapter.validate_python(example), mode="json", exclude_unset=True) == example
    elif path.stem.startswith("event-") and path.stem != "event-hello":
        assert set(example) == {"sequence", "account", "type", "time", "late", "data"}
        assert event_frame.dump_python(event_frame.validate_python(example), mode="json") == example
    else:
        answer: type[BaseModel] = longest_match(path.stem, ANSWERS)
        said = answer.model_validate(example).model_dump(mode="json")
        if answer is Failure:
            assert http_status(ErrorCode(example["error_code"])) >= 400
            said = {key: value for key, value in said.items() if key in example}
        assert said == example


@pytest.mark.parametrize("path", NOTIFICATIONS, ids=lambda path: path.stem)
def test_a_notification_of_the_engine_is_understood_whole(path: Path) -> None:
    example = read(path)
    method = path.stem.partition(".notification")[0]
    notification = read_notification(method, example)
    assert notification is not None
    assert notification.model_dump(mode="json", exclude_unset=True) == example


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_of_the_engine_is_understood_whole(name: str) -> None:
    example = read(GOLDEN / f"engine/{name}.json")
    assert RESULTS[name].model_validate(example).model_dump(mode="json") == example


@pytest.mark.parametrize(
    ("name", "error_code", "whatsapp_code"),
    [("error.not-connected", "not_connected", None), ("error.rejected", "message_rejected", 463)],
)
def test_an_error_of_the_engine_is_understood(name: str, error_code: str, whatsapp_code: int | None) -> None:
    example = read(GOLDEN / f"engine/{name}.json")
    error = _engine_error(example["code"], example["data"])
    assert (error.error_code, error.whatsapp_code) == (error_code, whatsapp_code)


def shape(value: object) -> object:
    """A body without its values: which keys there are, at every level."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return None


async def test_what_the_engine_is_sent_has_the_form_of_the_example(running: Running) -> None:
    await running.api.send("hello", wait=5)
    example = read(GOLDEN / "engine/message.send.params.text.json")
    assert shape(running.sent()[0]) == shape(example)


async def test_the_answers_of_the_routes_have_the_form_of_the_examples(running: Running) -> None:
    api = running.api
    sent = (await api.send("hello", wait=5)).body
    message_id = sent["data"]["messageId"]
    answers = {
        "answer-message-sent": sent,
        "answer-message-queued": (await api.send("hello")).body,
        "answer-accounts": (await api("GET", "/v1/accounts")).body,
        "answer-gateway": (await api("GET", "/v1/gateway")).body,
        "answer-gateway-changed": (await api("PATCH", "/v1/gateway", {"log_level": "debug"})).body,
        "answer-account": (await api("GET", "/v1/accounts/home")).body,
        "answer-account-restarted": (await api("POST", "/v1/accounts/home/restart")).body,
        "answer-unlinked": (await api("POST", "/v1/accounts/home/unlink")).body,
        "answer-account-changed": (await api("PATCH", "/v1/accounts/home", {"name": "Family"})).body,
        "answer-status": (await api("GET", "/status")).body,
        "answer-health": (await api("GET", "/health")).body,
        "answer-ready": (await api("GET", "/health/ready")).body,
        "answer-pairing-started": (await api("POST", "/v1/accounts/home/pairing", {"method": "qr"})).body,
        "answer-pairing-cancelled": (await api("DELETE", "/v1/accounts/home/pairing")).body,
        "error-unauthorized": (await api("GET", "/status", Authorization="Bearer wrong")).body,
        "error-validation": (await api("POST", "/send", {})).body,
        "error-account-not-found": (await api("GET", "/v1/accounts/nobody")).body,
        "error-recipient-not-on-whatsapp": (await api.send("error recipient_not_on_whatsapp", wait=5)).body,
    }
    await eventually(lambda: running.gateway.accounts.get("home").pairing is not None)
    answers["answer-qr"] = (await api("GET", "/v1/accounts/home/qr")).body
    answers["answer-message-failed"] = (await api("GET", f"/v1/accounts/home/messages/{message_id}")).body
    answers["answer-account-added"] = (await api("POST", "/v1/accounts", {"name": "Work"})).body
    answers["answer-account-removed"] = (await api("DELETE", "/v1/accounts/home")).body
    for name, answer in answers.items():
        assert shape(answer) == shape(golden(name)), name


async def test_the_events_have_the_form_of_the_examples(running: Running) -> None:
    async with running.api.events() as events:
        assert shape(events.hello) == shape(golden("event-hello"))
        await running.api.send("receive 1", ALICE)
        for kind, name in (("message.received", "event-message-received"), ("message.status", "event-message-sent")):
            assert shape(await events.next(kind)) == shape(golden(name))
        await running.api("POST", "/v1/accounts/home/pairing", {"method": "code", "phone": "+15550001000"})
        assert shape(await events.next("pairing.update")) == shape(golden("event-pairing-waiting-code"))
        await running.api("PATCH", "/v1/accounts/home", {"name": "Family"})
        changed = await events.next("account.changed")
        assert changed["data"]["pairing"]["code"] == "K7Q2M9XD"
        await running.api("DELETE", "/v1/accounts/home")
        assert (await events.next("account.removed"))["data"]["name"] == "Family"
