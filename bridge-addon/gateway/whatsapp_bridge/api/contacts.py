"""The people whom an account knows."""

from typing import Annotated

from fastapi import APIRouter, Query

from whatsapp_bridge.api.answers import Answer, Nothing
from whatsapp_bridge.api.dependencies import AccountId, TheGateway
from whatsapp_bridge.api.failures import ASKING, failures
from whatsapp_bridge.contact import ContactList

router = APIRouter(prefix="/v1/accounts/{account}/contacts", tags=["contacts"])

Search = Annotated[str, Query(max_length=100, description="A part of the name, or of the number")]


@router.post("/resync", responses=failures(*ASKING))
async def resync_contacts(gateway: TheGateway, account: AccountId) -> Answer[Nothing]:
    """Asks WhatsApp for the phone's address book and for the groups anew: where names are missing, or old. It tells of changes by itself."""
    gateway.accounts.get(account)
    await gateway.known_chats.resync(account)
    return Answer(message="Contacts and groups fetched", data=Nothing())


@router.get("", responses=failures(*ASKING))
async def list_contacts(gateway: TheGateway, account: AccountId, search: Search = "") -> Answer[ContactList]:
    """Lists people that this link has met, or that the phone's address book has told; by name."""
    gateway.accounts.get(account)
    contacts = await gateway.known_chats.contacts(account, search)
    return Answer(message="Contacts", data=ContactList(contacts=contacts))
