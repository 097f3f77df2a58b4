"""Is this number on WhatsApp?"""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from whatsapp_bridge.api.answers import Answer
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ASKING, BODY, PHONE, failures
from whatsapp_bridge.api.recipient import Phone
from whatsapp_bridge.known_numbers import CheckedNumber
from whatsapp_bridge.phone_numbers import parse_phone_number

router = APIRouter(prefix="/v1/accounts/{account}/numbers", tags=["contacts"])


class NumberQuestion(BaseModel):
    """Phone numbers as people write them."""

    model_config = ConfigDict(extra="forbid")

    numbers: list[Annotated[Phone, StringConstraints(max_length=64)]] = Field(min_length=1, max_length=50)


class NumberAnswer(CheckedNumber):
    """A number as it was asked for, and what WhatsApp says of it."""

    number: str


class NumberAnswers(BaseModel):
    """In the order of the question."""

    numbers: list[NumberAnswer]


@router.post("", responses=failures(*ASKING, *BODY, *PHONE))
async def check_numbers(gateway: TheGateway, account: AccountId, body: NumberQuestion) -> Answer[NumberAnswers]:
    """Asks WhatsApp which numbers it knows; an answer is remembered for a day."""
    gateway.accounts.get(account)
    phones = [parse_phone_number(number, gateway.settings.country) for number in body.numbers]
    checked = await gateway.known_numbers.check(account, phones)
    numbers = [
        NumberAnswer(number=number, **answer.model_dump()) for number, answer in zip(body.numbers, checked, strict=True)
    ]
    return Answer(message="Numbers", data=NumberAnswers(numbers=numbers))
