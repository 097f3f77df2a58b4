"""A copy for backups, made while the gateway runs."""

from fastapi import APIRouter
from pydantic import BaseModel

from whatsapp_bridge.api.answers import Answer, Nothing
from whatsapp_bridge.api.dependencies import TheGateway
from whatsapp_bridge.api.failures import ENGINE, STORAGE, failures

router = APIRouter(prefix="/v1/gateway/backup", tags=["gateway"])


class Backup(BaseModel):
    """The copy in the data folder's `backup`."""

    size: int


@router.post("", responses=failures(*ENGINE, *STORAGE))
async def make_backup(gateway: TheGateway) -> Answer[Backup]:
    """Makes a copy of sessions, queue and event log in the data folder: a backup of the folder's files then has all that is needed."""
    return Answer(message="Copy made", data=Backup(size=await gateway.backups.make()))


@router.delete("", responses=failures())
async def remove_backup(gateway: TheGateway) -> Answer[Nothing]:
    """Removes the copy, when the backup has it."""
    await gateway.backups.remove()
    return Answer(message="Copy removed", data=Nothing())
