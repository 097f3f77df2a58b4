"""What others are told of an account, and whom it has blocked."""

from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from whatsapp_bridge.api.answers import Answer
from whatsapp_bridge.api.chats import ChatId
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ASKING, BODY, PHONE, failures
from whatsapp_bridge.engine_question import ask
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.phone_numbers import parse_recipient
from whatsapp_bridge.profile import BlockedChats, Profile

router = APIRouter(prefix="/v1/accounts/{account}", tags=["profile"])

_LIMIT = 30.0


class ProfileUpdate(BaseModel):
    """What is to be changed; an empty `about` takes it away."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=25)] | None = None
    about: Annotated[str, StringConstraints(max_length=139)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("there is nothing to change")
        return self


@router.get("/profile", responses=failures(*ASKING))
async def get_profile(gateway: TheGateway, account: AccountId) -> Answer[Profile]:
    """Returns what others are told of this account."""
    gateway.accounts.get(account)
    return Answer(message="Profile", data=await _profile(gateway, account))


@router.patch("/profile", responses=failures(*ASKING, *BODY))
async def update_profile(gateway: TheGateway, account: AccountId, body: ProfileUpdate) -> Answer[Profile]:
    """Changes what others are told of this account, here and on the phone."""
    gateway.accounts.get(account)
    for name, value in body.model_dump(exclude_none=True).items():
        await ask(gateway.engine, "profile.set", {"account": account, name: value}, _LIMIT)
    return Answer(message="Profile changed", data=await _profile(gateway, account))


@router.get("/blocked", responses=failures(*ASKING))
async def list_blocked(gateway: TheGateway, account: AccountId) -> Answer[BlockedChats]:
    """Lists whom this account has blocked."""
    gateway.accounts.get(account)
    return Answer(message="Blocked", data=await _blocked(gateway, account))


@router.put("/blocked/{chat}", responses=failures(*ASKING, *PHONE, ErrorCode.RECIPIENT_NOT_ON_WHATSAPP))
async def block(gateway: TheGateway, account: AccountId, chat: ChatId) -> Answer[BlockedChats]:
    """Blocks somebody: their messages and calls no longer come, on the phone neither."""
    return await _set_blocked(gateway, account, chat, blocked=True)


@router.delete("/blocked/{chat}", responses=failures(*ASKING, *PHONE, ErrorCode.RECIPIENT_NOT_ON_WHATSAPP))
async def unblock(gateway: TheGateway, account: AccountId, chat: ChatId) -> Answer[BlockedChats]:
    """Lets somebody write again."""
    return await _set_blocked(gateway, account, chat, blocked=False)


async def _profile(gateway: Gateway, account: str) -> Profile:
    return Profile.model_validate(await ask(gateway.engine, "profile.get", {"account": account}, _LIMIT))


async def _blocked(gateway: Gateway, account: str) -> BlockedChats:
    return BlockedChats.model_validate(await ask(gateway.engine, "block.list", {"account": account}, _LIMIT))


async def _set_blocked(gateway: Gateway, account: str, text: str, *, blocked: bool) -> Answer[BlockedChats]:
    gateway.accounts.get(account)
    chat = parse_recipient(text, gateway.settings.country)
    if not chat.startswith(("+", "lid:")):
        raise BridgeError(ErrorCode.VALIDATION_ERROR, "chat: only people can be blocked")
    await ask(gateway.engine, "block.set", {"account": account, "chat": chat, "blocked": blocked}, _LIMIT)
    return Answer(message="Blocked" if blocked else "Not blocked", data=await _blocked(gateway, account))
