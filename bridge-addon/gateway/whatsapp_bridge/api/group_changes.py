"""Groups made, changed and left."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from whatsapp_bridge.api.answers import Answer, Nothing
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ASKING, BODY, PHONE, failures
from whatsapp_bridge.api.groups import GroupId
from whatsapp_bridge.engine_question import ask
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.group import Group, InviteLink, MemberResults
from whatsapp_bridge.phone_numbers import parse_recipient

router = APIRouter(prefix="/v1/accounts/{account}/groups", tags=["groups"])

_LIMIT = 60.0
_MOST_MEMBERS = 100
_CHANGING = (*ASKING, ErrorCode.GROUP_NOT_FOUND, ErrorCode.NOT_A_MEMBER)
_CREATING = (*ASKING, *BODY, *PHONE, ErrorCode.RECIPIENT_NOT_ON_WHATSAPP)
Subject = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Description = Annotated[str, StringConstraints(max_length=2048)]
People = Annotated[
    list[Annotated[str, StringConstraints(max_length=64)]], Field(min_length=1, max_length=_MOST_MEMBERS)
]


class NewGroup(BaseModel):
    """A group to be made; members are phone numbers or chat ids, without ourselves."""

    model_config = ConfigDict(extra="forbid")

    subject: Subject
    members: People


class GroupUpdate(BaseModel):
    """What is to be changed; an empty description takes it away."""

    model_config = ConfigDict(extra="forbid")

    subject: Subject | None = None
    description: Description | None = None
    announce: bool | None = None
    """Only admins write."""
    locked: bool | None = None
    """Only admins change it."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("there is nothing to change")
        return self


class MembersChange(BaseModel):
    """What is to be done with whom; members are phone numbers or chat ids."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["add", "remove", "promote", "demote"]
    members: People


@router.post("", status_code=201, responses=failures(*_CREATING))
async def create_group(gateway: TheGateway, account: AccountId, body: NewGroup) -> Answer[Group]:
    """Makes a group. Who does not let others add them to groups is not in it: send them the invite link."""
    gateway.accounts.get(account)
    order = {"account": account, "subject": body.subject, "members": _people(gateway, body.members)}
    made = Group.model_validate(await ask(gateway.engine, "group.create", order, _LIMIT))
    gateway.known_chats.groups_changed(account)
    return Answer(message="Group made", data=made)


@router.patch("/{group}", responses=failures(*_CHANGING, *BODY))
async def update_group(gateway: TheGateway, account: AccountId, group: GroupId, body: GroupUpdate) -> Answer[Group]:
    """Changes a group, one thing after the other: where WhatsApp refuses one, those before it are done."""
    gateway.accounts.get(account)
    for name, value in body.model_dump(exclude_none=True).items():
        await ask(gateway.engine, "group.update", {"account": account, "chat": group, name: value}, _LIMIT)
    found = await ask(gateway.engine, "group.get", {"account": account, "chat": group}, _LIMIT)
    return Answer(message="Group changed", data=Group.model_validate(found))


@router.post("/{group}/members", responses=failures(*_CHANGING, *BODY, *PHONE))
async def change_members(
    gateway: TheGateway, account: AccountId, group: GroupId, body: MembersChange
) -> Answer[MemberResults]:
    """Adds, removes, promotes or demotes members; each has a result of its own."""
    gateway.accounts.get(account)
    members = _people(gateway, body.members)
    order = {"account": account, "chat": group, "action": body.action, "members": members}
    results = MemberResults.model_validate(await ask(gateway.engine, "group.members", order, _LIMIT))
    return Answer(message="Members changed", data=results)


@router.get("/{group}/invite", responses=failures(*_CHANGING))
async def get_invite(gateway: TheGateway, account: AccountId, group: GroupId) -> Answer[InviteLink]:
    """Returns the link by which people join; only an admin has it."""
    return await _invite(gateway, account, group, renew=False)


@router.delete("/{group}/invite", responses=failures(*_CHANGING))
async def renew_invite(gateway: TheGateway, account: AccountId, group: GroupId) -> Answer[InviteLink]:
    """Makes the link invalid and returns the new one."""
    return await _invite(gateway, account, group, renew=True)


@router.delete("/{group}", responses=failures(*_CHANGING))
async def leave_group(gateway: TheGateway, account: AccountId, group: GroupId) -> Answer[Nothing]:
    """Leaves a group."""
    gateway.accounts.get(account)
    await ask(gateway.engine, "group.leave", {"account": account, "chat": group}, _LIMIT)
    gateway.known_chats.groups_changed(account)
    return Answer(message="Group left", data=Nothing())


async def _invite(gateway: Gateway, account: str, group: str, *, renew: bool) -> Answer[InviteLink]:
    gateway.accounts.get(account)
    order = {"account": account, "chat": group, "renew": renew}
    found = await ask(gateway.engine, "group.invite", order, _LIMIT)
    return Answer(message="Invite link", data=InviteLink.model_validate(found))


def _people(gateway: Gateway, named: list[str]) -> list[str]:
    """Returns the chat ids of people, each once.

    Raises:
        BridgeError: `invalid_phone_number`, `validation_error`.
    """
    chats = list(dict.fromkeys(parse_recipient(one, gateway.settings.country) for one in named))
    if not all(chat.startswith(("+", "lid:")) for chat in chats):
        raise BridgeError(ErrorCode.VALIDATION_ERROR, "members: only people are members of a group")
    return chats
