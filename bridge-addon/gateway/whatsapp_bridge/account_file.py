"""The list of accounts on disk. Keys and sessions are the engine's and not in it."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.engine_protocol import ACCOUNT_ID
from whatsapp_bridge.private_files import write_private_file
from whatsapp_bridge.timestamps import Timestamp


class AccountEntry(BorderModel):
    """What is kept of an account."""

    id: Annotated[str, Field(pattern=ACCOUNT_ID)]
    name: str
    created_at: Timestamp
    phone: str | None = None
    """The number that it is, or was last, linked to: no other may be linked again."""


_ENTRIES = TypeAdapter(list[AccountEntry])


class AccountFileError(Exception):
    """The file is there and cannot be used: starting without it would lose the accounts."""


class AccountFile:
    """`accounts.json` in the data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "accounts.json"

    def read(self) -> list[AccountEntry]:
        """Returns the accounts, oldest first.

        Raises:
            AccountFileError: the file is damaged.
        """
        try:
            return _ENTRIES.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            raise AccountFileError(f"cannot use {self._path}: {type(error).__name__}") from error

    def write(self, entries: list[AccountEntry]) -> None:
        """Replaces the list.

        Raises:
            OSError: it cannot be written.
        """
        write_private_file(self._path, _ENTRIES.dump_json(entries, indent=2))
