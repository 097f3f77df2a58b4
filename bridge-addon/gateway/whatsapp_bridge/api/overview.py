"""The gateway as a whole, for the people who run it: what the web page shows and what a bug report needs."""

import platform
import sys
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from whatsapp_bridge import __version__
from whatsapp_bridge.account import Account
from whatsapp_bridge.api.answers import Answer
from whatsapp_bridge.api.dependencies import TheGateway
from whatsapp_bridge.api.failures import BODY, failures
from whatsapp_bridge.engine import EngineState
from whatsapp_bridge.engine_protocol import AccountState
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.log import set_log_level
from whatsapp_bridge.recent_events import RecentEvent
from whatsapp_bridge.timestamps import Timestamp, now

router = APIRouter(prefix="/v1/gateway", tags=["gateway"])

LogLevel = Literal["debug", "info", "warning", "error"]

type Figure = bool | int | float | None


class Overview(BaseModel):
    """All that the web page shows but the waiting messages."""

    version: str
    time: Timestamp
    log_level: LogLevel
    engine: EngineState
    engine_restarts: int
    storage: str | None
    waiting: int
    consumers: int
    accounts: list[Account]
    recent: list[RecentEvent]


class Change(BaseModel):
    """What can be changed while it runs, until the next start."""

    model_config = ConfigDict(extra="forbid")

    log_level: LogLevel


class AccountReport(BaseModel):
    """An account without what says whose it is."""

    number: int
    state: AccountState
    reason: str | None
    since: Timestamp
    linked: bool


class Report(BaseModel):
    """What a bug report needs. No token, name, phone number, address or text is in it."""

    version: str
    time: Timestamp
    python: str
    machine: str
    settings: dict[str, Figure]
    """Limits and switches alone: what is a text may be private."""
    log_level: LogLevel
    engine: EngineState
    engine_restarts: int
    storage: str | None
    waiting: int
    consumers: int
    accounts: list[AccountReport]
    recent: list[RecentEvent]


@router.get("", responses=failures())
async def get_overview(gateway: TheGateway) -> Answer[Overview]:
    """Returns how the gateway is."""
    return Answer(message="Gateway", data=_overview(gateway))


@router.patch("", responses=failures(*BODY))
async def change_gateway(gateway: TheGateway, body: Change) -> Answer[Overview]:
    """Sets how much the log tells, until the next start."""
    set_log_level(body.log_level)
    gateway.log_level = body.log_level
    return Answer(message="Changed until the next start", data=_overview(gateway))


@router.get("/report", responses=failures())
async def get_report(gateway: TheGateway) -> Answer[Report]:
    """Returns what a bug report needs."""
    numbers = {account.id: number for number, account in enumerate(gateway.accounts.all(), start=1)}
    report = Report(
        python=sys.version.split()[0],
        machine=f"{platform.system()} {platform.machine()}",
        settings={name: value for name, value in gateway.settings if isinstance(value, Figure.__value__)},
        accounts=[
            AccountReport(
                number=numbers[account.id],
                state=account.state,
                reason=account.reason,
                since=account.since,
                linked=account.phone is not None,
            )
            for account in gateway.accounts.all()
        ],
        # an account's id is made of its name
        recent=[
            event.model_copy(update={"account": str(numbers.get(event.account, 0))})
            for event in gateway.events.recent.all()
        ],
        **_figures(gateway),
    )
    return Answer(message="Report", data=report)


def _overview(gateway: Gateway) -> Overview:
    return Overview(
        accounts=gateway.accounts.all(),
        recent=gateway.events.recent.all(),
        **_figures(gateway),
    )


def _figures(gateway: Gateway) -> dict[str, Any]:
    return {
        "version": __version__,
        "time": now(),
        "log_level": gateway.log_level,
        "engine": gateway.engine.state,
        "engine_restarts": gateway.engine.restarts,
        "storage": gateway.database.fault,
        "waiting": gateway.outbox.waiting(),
        "consumers": gateway.events.consumers,
    }
