"""Bad input at every border: a clear error with its code, a translated sentence in Home Assistant, and nothing lost."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import ALICE, House
from tests.stack.bridge import Bridge
from tests.stack.home_assistant import CommandFailedError, HomeAssistant

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("token", "not the token", "invalid_auth"),
        ("url", "http://127.0.0.1:9", "cannot_connect"),
        ("url", "not an address", "invalid_url"),
    ],
)
async def test_the_dialog_says_what_is_wrong_and_goes_on_when_it_is_right(
    home_assistant: HomeAssistant, bridge: Bridge, field: str, value: str, error: str
) -> None:
    right = {"url": bridge.url, "token": bridge.token}
    step = await home_assistant.start_flow()
    step = await home_assistant.answer_flow(step["flow_id"], **right | {field: value})
    assert step["type"] == "form"
    assert error in step["errors"].values()
    step = await home_assistant.answer_flow(step["flow_id"], **right)
    assert step["type"] == "progress" or step["step_id"] != "user"
    await home_assistant.request("DELETE", f"/api/config/config_entries/flow/{step['flow_id']}")


@dataclass(frozen=True)
class Refusal:
    """An action that must fail, and the sentence that Home Assistant must show."""

    data: dict[str, Any]
    translation_key: str
    sentence: str


REFUSALS = {
    "letters": Refusal({"target": "+49 CALL ME", "message": "x"}, "invalid_phone_number", "phone number"),
    "empty": Refusal({"target": ALICE, "message": ""}, "message_empty", "empty"),
    "too long": Refusal({"target": ALICE, "message": "x" * 5000}, "message_too_long", "too long"),
    "no target": Refusal({"message": "x"}, "no_target", "target"),
    "not on WhatsApp": Refusal({"target": "+15559990000", "message": "x"}, "recipient_not_on_whatsapp", "WhatsApp"),
    "unknown account": Refusal(
        {"target": ALICE, "message": "x", "data": {"account": "nobody"}}, "account_unknown", "account"
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_the_action_fails_with_a_sentence_and_the_next_one_works(house: House, case: str) -> None:
    refusal = REFUSALS[case]
    async with house.home_assistant.socket() as socket:
        with pytest.raises(CommandFailedError) as refused:
            await socket.command("call_service", domain="notify", service="whatsapp", service_data=refusal.data)
    assert refused.value.translation_key == refusal.translation_key
    assert refusal.sentence in str(refused.value)

    seen = await house.simulator.contact_messages(ALICE)
    await house.home_assistant.call("notify.whatsapp", message=f"after: {case}", target=ALICE)
    messages = await house.simulator.contact_messages(ALICE, after=seen[-1].index if seen else -1, wait=10)
    assert [message.text for message in messages] == [f"after: {case}"]
