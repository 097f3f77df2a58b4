"""`whatsapp-bridge export` and `import`: an account moves to another gateway without a new scan."""

import asyncio
import getpass
import os
from pathlib import Path
import sys

from whatsapp_bridge.account_file import AccountEntry, AccountFile, AccountFileError
from whatsapp_bridge.command_line.calling import Calling, CommandError
from whatsapp_bridge.command_line.session_file import (
    SHORTEST_PASSPHRASE,
    ExportedSession,
    SessionFileError,
    seal,
    unseal,
)
from whatsapp_bridge.database import Database, DatabaseError
from whatsapp_bridge.private_files import make_private_folder, write_private_file

_OWNER_ONLY = 0o600


def export_account(calling: Calling, account: str | None, file: Path) -> None:
    """Writes an account's session, of the running gateway, into a new file.

    Raises:
        CommandError: it cannot be copied, or the file is there already.
    """
    found = calling.account(account)
    entry = AccountEntry.model_validate({key: found[key] for key in ("id", "name", "created_at", "phone")})
    passphrase = _passphrase(again=True)
    calling("POST", "/v1/gateway/backup")
    try:
        store = (calling.settings.data_dir / "backup" / f"{entry.id}.session").read_bytes()
    except OSError as error:
        raise CommandError(f"the engine made no copy of {entry.id}: its log says why") from error
    finally:
        calling("DELETE", "/v1/gateway/backup")
    try:
        with open(file, "xb", opener=lambda path, flags: os.open(path, flags, _OWNER_ONLY)) as out:
            out.write(seal(ExportedSession(entry, store), passphrase))
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error
    sys.stdout.write(
        f"{entry.id} is in {file}. Stop this gateway, or remove the account here, before it is used elsewhere: "
        "two that use one link push each other out.\n"
    )


def import_account(data_dir: Path, file: Path) -> None:
    """Adds an account of such a file to the data folder of a gateway that does not run now.

    Raises:
        CommandError: the gateway runs, has such an account, or the file cannot be opened.
    """
    try:
        session = unseal(file.read_bytes(), _passphrase(again=False))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except SessionFileError as error:
        raise CommandError(f"{file}: {error}") from error
    entry = session.account
    try:
        make_private_folder(data_dir)
        database = Database(data_dir / "gateway.db")
    except (OSError, DatabaseError) as error:
        raise CommandError(str(error)) from error
    try:
        accounts = AccountFile(data_dir)
        entries = accounts.read()
        folder = data_dir / "engine/accounts" / entry.id
        if folder.exists() or any(entry.id == one.id for one in entries):
            raise CommandError(f"there is an account {entry.id} already: remove it first")
        for parent in (data_dir / "engine", folder.parent, folder):
            make_private_folder(parent)
        write_private_file(folder / "session.db", session.store)
        accounts.write([*entries, entry])
    except (OSError, AccountFileError) as error:
        raise CommandError(str(error)) from error
    finally:
        asyncio.run(database.close())
    sys.stdout.write(f"{entry.id} was added; it connects when the gateway is started.\n")


def _passphrase(*, again: bool) -> str:
    """Asks for the passphrase, or reads it as the first line of the input: it stands on no command line.

    Raises:
        CommandError: it is too short, or was typed differently the second time.
    """
    if not sys.stdin.isatty():
        passphrase = sys.stdin.readline().rstrip("\n")
    else:
        passphrase = getpass.getpass("Passphrase: ")
        if again and passphrase != getpass.getpass("Once more: "):
            raise CommandError("the two differ")
    if again and len(passphrase) < SHORTEST_PASSPHRASE:
        raise CommandError(
            f"a passphrase has at least {SHORTEST_PASSPHRASE} characters: whoever has the file can try many"
        )
    return passphrase
