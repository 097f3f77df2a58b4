"""Accounts: list, add, inspect, rename, unlink."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from whatsapp_bridge.account import Account
from whatsapp_bridge.api.answers import Answer
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ACCOUNT, BODY, ENGINE, failures
from whatsapp_bridge.api.unicode_text import encodable

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])


class AccountName(BaseModel):
    """A name for people."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), AfterValidator(encodable)
    ]


class AccountList(BaseModel):
    """All accounts, oldest first."""

    accounts: list[Account]


class Removal(BaseModel):
    """Whether WhatsApp could be told; if not, the phone still lists the linked device."""

    unlinked: bool


@router.get("", responses=failures())
async def list_accounts(gateway: TheGateway) -> Answer[AccountList]:
    """Lists the accounts."""
    return Answer(message="Accounts", data=AccountList(accounts=gateway.accounts.all()))


@router.post("", status_code=201, responses=failures(*BODY))
async def add_account(gateway: TheGateway, body: AccountName) -> Answer[Account]:
    """Adds an account, which then can be paired."""
    return Answer(message="Account added", data=await gateway.accounts.add(body.name))


@router.get("/{account}", responses=failures(*ACCOUNT))
async def get_account(gateway: TheGateway, account: AccountId) -> Answer[Account]:
    """Returns an account."""
    return Answer(message="Account", data=gateway.accounts.get(account))


@router.patch("/{account}", responses=failures(*ACCOUNT, *BODY))
async def change_account(gateway: TheGateway, account: AccountId, body: AccountName) -> Answer[Account]:
    """Gives an account another name."""
    return Answer(message="Account changed", data=await gateway.accounts.rename(account, body.name))


@router.post("/{account}/restart", status_code=202, responses=failures(*ACCOUNT, *ENGINE))
async def restart_account(gateway: TheGateway, account: AccountId) -> Answer[Account]:
    """Connects anew, also where somebody else has replaced the link or it has failed."""
    return Answer(message="Account restarted", data=await gateway.accounts.restart(account))


@router.post("/{account}/unlink", responses=failures(*ACCOUNT, *ENGINE))
async def unlink_account(gateway: TheGateway, account: AccountId) -> Answer[Removal]:
    """Unlinks an account at WhatsApp. It stays, to be linked anew."""
    return Answer(message="Account unlinked", data=Removal(unlinked=await gateway.accounts.unlink(account)))


@router.delete("/{account}", responses=failures(*ACCOUNT, *ENGINE))
async def remove_account(gateway: TheGateway, account: AccountId) -> Answer[Removal]:
    """Unlinks an account at WhatsApp and erases it."""
    return Answer(message="Account removed", data=Removal(unlinked=await gateway.accounts.remove(account)))
