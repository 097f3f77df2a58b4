"""Health in layers: gateway, engine, WhatsApp."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from whatsapp_bridge import __version__
from whatsapp_bridge.api.answers import Answer
from whatsapp_bridge.api.dependencies import TheGateway
from whatsapp_bridge.api.failures import failures
from whatsapp_bridge.engine import EngineState
from whatsapp_bridge.engine_protocol import AccountState
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.timestamps import Timestamp, now

router = APIRouter(prefix="/health", tags=["health"])


class EngineHealth(BaseModel):
    """The engine's process."""

    state: EngineState
    restarts: int
    checked_at: Timestamp | None
    """When it last answered: it is asked every five seconds, and never by who asks for the health."""


class Health(BaseModel):
    """How the gateway is. `baileys_server_healthy` is the engine, `baileys_connected` the default account."""

    status: Literal["healthy", "degraded"]
    baileys_server_healthy: bool
    baileys_connected: bool
    timestamp: Timestamp
    version: str
    engine: EngineHealth
    storage: str | None
    """The code of what keeps events and messages from being written now; None where nothing does."""
    accounts: dict[AccountState, int]


class Ready(BaseModel):
    """A message could be sent now."""

    ready: Literal[True] = True


@router.get("")
async def health(gateway: TheGateway) -> Health:
    """Answers while the gateway lives. `degraded`: the engine does not run, or an account is not connected."""
    states = gateway.accounts.states()
    engine_runs = gateway.engine.state is EngineState.RUNNING
    all_connected = states.total() == states[AccountState.CONNECTED]
    return Health(
        status="healthy" if engine_runs and all_connected and not gateway.database.fault else "degraded",
        baileys_server_healthy=engine_runs,
        baileys_connected=_default_is_connected(gateway),
        timestamp=now(),
        version=__version__,
        storage=gateway.database.fault,
        engine=EngineHealth(
            state=gateway.engine.state, restarts=gateway.engine.restarts, checked_at=gateway.engine.checked_at
        ),
        accounts={state: count for state, count in states.items() if count},
    )


@router.get("/ready", responses=failures(ErrorCode.NOT_READY))
async def ready(gateway: TheGateway) -> Answer[Ready]:
    """Answers 200 only if a message could be sent now."""
    if gateway.engine.state is not EngineState.RUNNING:
        raise BridgeError(ErrorCode.NOT_READY, "The WhatsApp engine is not running.")
    if not gateway.accounts.states()[AccountState.CONNECTED]:
        raise BridgeError(ErrorCode.NOT_READY, "No account is connected to WhatsApp.")
    return Answer(message="A message could be sent now", data=Ready())


def _default_is_connected(gateway: Gateway) -> bool:
    accounts = gateway.accounts.all()
    return bool(accounts) and accounts[0].state is AccountState.CONNECTED
