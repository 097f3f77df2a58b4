"""The groups that an account is in."""

from typing import Annotated

from fastapi import APIRouter, Path

from whatsapp_bridge.api.answers import Answer
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ASKING, failures
from whatsapp_bridge.engine_question import ask
from whatsapp_bridge.errors import ErrorCode
from whatsapp_bridge.group import Group, GroupList

router = APIRouter(prefix="/v1/accounts/{account}/groups", tags=["groups"])

_LIMIT = 30.0
GroupId = Annotated[str, Path(pattern=r"^group:[0-9-]{1,64}$", description="A group's chat id")]


@router.get("", responses=failures(*ASKING))
async def list_groups(gateway: TheGateway, account: AccountId) -> Answer[GroupList]:
    """Lists the groups, as WhatsApp tells them now."""
    gateway.accounts.get(account)
    found = await ask(gateway.engine, "group.list", {"account": account}, _LIMIT)
    return Answer(message="Groups", data=GroupList.model_validate(found))


@router.get("/{group}", responses=failures(*ASKING, ErrorCode.GROUP_NOT_FOUND, ErrorCode.NOT_A_MEMBER))
async def get_group(gateway: TheGateway, account: AccountId, group: GroupId) -> Answer[Group]:
    """Returns a group with its members."""
    gateway.accounts.get(account)
    found = await ask(gateway.engine, "group.get", {"account": account, "chat": group}, _LIMIT)
    return Answer(message="Group", data=Group.model_validate(found))
