"""Which phone numbers are on WhatsApp: asked in one question, and remembered for a day, since WhatsApp limits who asks much."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.engine import Engine
from whatsapp_bridge.engine_question import ask
from whatsapp_bridge.timestamps import now

REMEMBERED_FOR = timedelta(days=1)
_REMEMBERED = 10_000
_LIMIT = 60.0


class CheckedNumber(BorderModel):
    """A number, and its chat id, which WhatsApp may spell otherwise; None where it is not on WhatsApp."""

    phone: str
    exists: bool
    chat: str | None


class CheckedNumbers(BorderModel):
    """Answer to `number.check`."""

    numbers: list[CheckedNumber]


class KnownNumbers:
    """The answers of the last day; who is on WhatsApp is the same for all accounts."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = now) -> None:
        self._engine = engine
        self._clock = clock
        self._known: OrderedDict[str, tuple[datetime, CheckedNumber]] = OrderedDict()

    async def check(self, account: str, phones: Sequence[str]) -> list[CheckedNumber]:
        """Returns what WhatsApp says of numbers (E.164), in their order.

        Raises:
            BridgeError: `not_connected`, `engine_unavailable`.
        """
        moment = self._clock()
        found = {
            phone: known[1]
            for phone in phones
            if (known := self._known.get(phone)) is not None and moment - known[0] < REMEMBERED_FOR
        }
        if unknown := [phone for phone in dict.fromkeys(phones) if phone not in found]:
            question = {"account": account, "phones": unknown}
            answer = CheckedNumbers.model_validate(await ask(self._engine, "number.check", question, _LIMIT))
            found |= {number.phone: number for number in answer.numbers}
            self._remember(moment, answer.numbers)
        return [found[phone] for phone in phones]

    def _remember(self, moment: datetime, numbers: Sequence[CheckedNumber]) -> None:
        for number in numbers:
            self._known[number.phone] = (moment, number)
            self._known.move_to_end(number.phone)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
