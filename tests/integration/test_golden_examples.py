"""The client reads every golden example, which the gateway is tested against too; and says so when an answer is another."""

import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import pytest

from custom_components.whatsapp_gateway.api.client import GatewayClient
from custom_components.whatsapp_gateway.api.errors import GatewayAnswerError, GatewayRequestError
from custom_components.whatsapp_gateway.api.events import Event, Hello
from custom_components.whatsapp_gateway.api.models import Account, IncomingMessage, MessageStatusChanged, Pairing
from tests.integration.scripted_gateway import GOLDEN, ScriptedGateway, golden

EVENTS = sorted(path.stem for path in GOLDEN.glob("event-*.json") if path.stem != "event-hello")
ERRORS = sorted(path.stem for path in GOLDEN.glob("error-*.json") if path.stem != "error-unauthorized")


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_is_understood(name: str) -> None:
    example = golden(name)
    event = Event.parse(example)
    assert (event.sequence, event.account, event.type) == (example["sequence"], example["account"], example["type"])
    kinds = {
        "account": Account,
        "pairing": Pairing,
        "message.received": IncomingMessage,
        "message.status": MessageStatusChanged,
    }
    for prefix, kind in kinds.items():
        if example["type"].startswith(prefix):
            assert isinstance(event.data, kind)


def test_the_hello_is_understood() -> None:
    hello = Hello.parse(golden("event-hello"))
    assert [account.id for account in hello.accounts] == ["home"]


@pytest.mark.parametrize("name", ERRORS)
async def test_every_error_is_understood(hass: HomeAssistant, gateway: ScriptedGateway, name: str) -> None:
    gateway.answer("GET", "/v1/accounts/home", (409, golden(name)))
    client = GatewayClient(async_get_clientsession(hass), gateway.url, gateway.token)
    with pytest.raises(GatewayRequestError) as refused:
        await client.account("home")
    assert refused.value.code == golden(name)["error_code"]


@pytest.mark.parametrize(
    "body", [None, [], "text", {}, {"success": True}, {"success": True, "message": "", "data": {"id": 7}}]
)
async def test_another_answer_is_an_error_and_no_crash(
    hass: HomeAssistant, gateway: ScriptedGateway, body: Any
) -> None:
    gateway.answer("GET", "/v1/accounts/home", (200, body))
    client = GatewayClient(async_get_clientsession(hass), gateway.url, gateway.token)
    with pytest.raises(GatewayAnswerError):
        await client.account("home")


def test_no_golden_example_is_forgotten() -> None:
    assert len(EVENTS) > 10
    assert len(ERRORS) > 10
    for path in Path(GOLDEN).glob("*.json"):
        json.loads(path.read_text())
