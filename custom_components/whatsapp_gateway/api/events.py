"""The frames of the gateway's event stream."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from .changes import CallChanged, ContactChanged, GroupChanged, PresenceChanged
from .errors import GatewayApiVersionError
from .fields import Fields, fields, items, number, optional, text
from .models import Account, IncomingMessage, MessageStatusChanged, Pairing, QueueChanged

API_VERSIONS = frozenset({1})
"""The versions of the gateway's API that this client speaks."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame: the state of all accounts after the event number `sequence` of the log `log`."""

    gateway_version: str
    gateway_id: str
    """Tells the gateway from others: an account's id is its gateway's only."""
    log: str
    sequence: int
    accounts: tuple[Account, ...]
    waiting: Mapping[str, int]
    """How many messages wait to be sent, of each account that has some."""
    storage: str | None
    """The code of what keeps the gateway from writing events and messages."""

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks decoded JSON.

        Raises:
            GatewayApiVersionError: the gateway speaks another version.
            GatewayAnswerError: it is no hello.
        """
        data = fields(value)
        if (version := number(data, "api_version")) not in API_VERSIONS:
            raise GatewayApiVersionError(version)
        waiting = fields(data.get("waiting"))
        return cls(
            gateway_version=text(data, "gateway_version"),
            gateway_id=text(data, "gateway_id"),
            log=text(data, "log"),
            sequence=number(data, "sequence"),
            accounts=tuple(Account.parse(item) for item in items(data, "accounts")),
            waiting={account: number(waiting, account) for account in waiting},
            storage=optional(text, data, "storage"),
        )

    def identity(self, account_id: str) -> str:
        """Returns what names an account of this gateway among all accounts of all gateways."""
        return f"{self.gateway_id}_{account_id}"

    def account(self, account_id: str) -> Account | None:
        """Returns one account, None if the gateway has none of that id."""
        return next((account for account in self.accounts if account.id == account_id), None)


type Happening = (
    Account
    | Pairing
    | QueueChanged
    | IncomingMessage
    | MessageStatusChanged
    | CallChanged
    | PresenceChanged
    | GroupChanged
    | ContactChanged
    | None
)
"""What an event tells; None for a kind that we don't know, which a newer gateway of the same version may send."""


NOT_KEPT = frozenset({"pairing.update", "presence.changed", "queue.changed"})
"""Kinds of events that only who listens gets; their number is that of the newest kept one."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event, with its number in the log and the account that it is about."""

    sequence: int
    account: str
    type: str
    data: Happening

    @property
    def kept(self) -> bool:
        """Whether the gateway keeps it for who does not listen, under a number of its own."""
        return self.type not in NOT_KEPT

    @property
    def backlog(self) -> bool:
        """Whether it waited at WhatsApp's servers while the gateway was away."""
        return isinstance(self.data, IncomingMessage | CallChanged | GroupChanged) and self.data.backlog

    @classmethod
    def parse(cls, value: object) -> Self:
        """Checks decoded JSON.

        Raises:
            GatewayAnswerError: it is no event.
        """
        data = fields(value)
        kind = text(data, "type")
        parse = _PARSERS.get(kind)
        return cls(
            sequence=number(data, "sequence"),
            account=text(data, "account"),
            type=kind,
            data=None if parse is None else parse(fields(data.get("data"))),
        )


_PARSERS: dict[str, Callable[[Fields], Happening]] = {
    "account.state": Account.parse,
    "account.added": Account.parse,
    "account.changed": Account.parse,
    "account.removed": Account.parse,
    "pairing.update": Pairing.parse,
    "queue.changed": QueueChanged.parse,
    "message.received": IncomingMessage.parse,
    "message.status": MessageStatusChanged.parse,
    "call.changed": CallChanged.parse,
    "presence.changed": PresenceChanged.parse,
    "group.changed": GroupChanged.parse,
    "contact.changed": ContactChanged.parse,
}
