"""Calls to an account."""

from typing import Annotated

from fastapi import APIRouter, Path

from whatsapp_bridge.api.answers import Answer, Nothing
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ASKING, failures
from whatsapp_bridge.engine_question import ask
from whatsapp_bridge.errors import ErrorCode

router = APIRouter(prefix="/v1/accounts/{account}/calls", tags=["calls"])

_LIMIT = 30.0
CallId = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$", description="As the event `call.changed` names it")]


@router.post("/{call_id}/reject", responses=failures(*ASKING, ErrorCode.CALL_NOT_FOUND))
async def reject_call(gateway: TheGateway, account: AccountId, call_id: CallId) -> Answer[Nothing]:
    """Rejects a call that rings."""
    gateway.accounts.get(account)
    await ask(gateway.engine, "call.reject", {"account": account, "call_id": call_id}, _LIMIT)
    return Answer(message="Call rejected", data=Nothing())
