"""A copy of what is needed to go on elsewhere, made while the gateway runs; and what takes such a copy over at a start.

A backup that copies the data folder file by file would catch databases in the middle of a change. It leaves them out (the app's
config.yaml names them) and has these copies instead, whose names are others on purpose.
"""

import asyncio
import os
from pathlib import Path
import shutil

from whatsapp_bridge.accounts import Accounts
from whatsapp_bridge.database import Database
from whatsapp_bridge.engine import Engine
from whatsapp_bridge.engine_connection import EngineError
from whatsapp_bridge.engine_protocol import AccountState, EngineErrorCode
from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.full_disk import is_full
from whatsapp_bridge.log import logger
from whatsapp_bridge.private_files import make_private_folder

_FOLDER = "backup"
_DRAFT = "backup.new"
_DATABASE = "gateway.copy"
_SESSION = ".session"
_FILES = "files"
_ENGINE_LIMIT = 60.0


class Backups:
    """The copy in the data folder; there is one at most."""

    def __init__(self, data_dir: Path, accounts: Accounts, engine: Engine, database: Database) -> None:
        self._data_dir = data_dir
        self._accounts = accounts
        self._engine = engine
        self._database = database
        self._making = asyncio.Lock()

    async def make(self) -> int:
        """Makes a copy in the place of the last one: whole, or the last one stays. Returns its size in bytes.

        Raises:
            BridgeError: `engine_unavailable`, `storage_full`, `storage_unusable`, `internal_error`.
        """
        async with self._making:
            draft = self._data_dir / _DRAFT
            await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)
            make_private_folder(draft)
            make_private_folder(draft / _FILES)
            try:
                await self._database.read(
                    lambda connection: connection.execute("VACUUM INTO ?", (str(draft / _DATABASE),))
                )
                for account in self._accounts.all():
                    await self._copy_session(account.id, draft / f"{account.id}{_SESSION}")
                return await asyncio.to_thread(self._finish, draft)
            except OSError as error:
                code = ErrorCode.STORAGE_FULL if is_full(error) else ErrorCode.STORAGE_UNUSABLE
                raise BridgeError(code, "The copy cannot be written.") from error
            finally:
                await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)

    async def remove(self) -> None:
        """Removes the copy, if there is one."""
        async with self._making:
            await asyncio.to_thread(shutil.rmtree, self._data_dir / _FOLDER, ignore_errors=True)

    async def _copy_session(self, account: str, path: Path) -> None:
        try:
            await self._engine.call("account.backup", {"account": account, "path": str(path.resolve())}, _ENGINE_LIMIT)
        except EngineError as error:
            failed = self._accounts.get(account).state is AccountState.FAILED
            if error.error_code == EngineErrorCode.STORE_UNUSABLE or (
                failed and error.error_code == EngineErrorCode.ACCOUNT_NOT_STARTED
            ):
                # it would be of no use elsewhere either, and must not cost the others their backup
                logger().warning("account_not_backed_up", account=account, error_code=error.error_code)
                return
            raise BridgeError(
                ErrorCode.INTERNAL_ERROR, "The engine could not copy a session; its log says why."
            ) from error

    def _finish(self, draft: Path) -> int:
        for file in (self._data_dir / "outgoing").iterdir():
            # what has been sent meanwhile is gone, and not needed
            try:
                os.link(file, draft / _FILES / file.name)
            except FileNotFoundError:
                continue
        folder = self._data_dir / _FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def take_over_backup(data_dir: Path) -> None:
    """Puts a copy in its place where the data folder was restored from a backup: then the databases themselves are missing.

    The gateway's own database goes last: if this is cut off, the next start does the rest.

    Raises:
        OSError: the files cannot be moved.
    """
    folder = data_dir / _FOLDER
    if not (folder / _DATABASE).is_file() or (data_dir / "gateway.db").exists():
        return
    for session in folder.glob(f"*{_SESSION}"):
        place = data_dir / "engine/accounts" / session.name.removesuffix(_SESSION)
        make_private_folder(place)
        session.replace(place / "session.db")
    if (folder / _FILES).is_dir():
        make_private_folder(data_dir / "outgoing")
        for file in (folder / _FILES).iterdir():
            file.replace(data_dir / "outgoing" / file.name)
    (folder / _DATABASE).replace(data_dir / "gateway.db")
    shutil.rmtree(folder, ignore_errors=True)
    logger().warning("backup_taken_over")
