"""An account's session in a file, sealed with a passphrase: whoever can open it is the linked device.

Scrypt (RFC 7914) makes the key of the passphrase, AES-256-GCM seals; the head is authenticated too.
"""

import json
import secrets
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import ValidationError

from whatsapp_bridge.account_file import AccountEntry

_HEAD = b"whatsapp-bridge session 1\n"
_SALT, _NONCE, _KEY = 16, 12, 32
_COST, _BLOCK, _PARALLEL = 2**16, 8, 1
"""64 MiB and about a fifth of a second for each passphrase that somebody tries."""

SHORTEST_PASSPHRASE = 12


class SessionFileError(Exception):
    """The file cannot be opened; the message says why."""


class ExportedSession(NamedTuple):
    """What is in it: the account as the list of accounts has it, and the engine's store."""

    account: AccountEntry
    store: bytes


def seal(session: ExportedSession, passphrase: str) -> bytes:
    """Returns the file."""
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    content = session.account.model_dump_json().encode() + b"\n" + session.store
    return _HEAD + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, content, _HEAD)


def unseal(file: bytes, passphrase: str) -> ExportedSession:
    """Returns what is in the file.

    Raises:
        SessionFileError: it is none, it was changed, or the passphrase is wrong.
    """
    if not file.startswith(_HEAD):
        raise SessionFileError("this is no exported session, or one of a newer version")
    salt, rest = file[len(_HEAD) : len(_HEAD) + _SALT], file[len(_HEAD) + _SALT :]
    try:
        content = AESGCM(_key(passphrase, salt)).decrypt(rest[:_NONCE], rest[_NONCE:], _HEAD)
        account, _, store = content.partition(b"\n")
        return ExportedSession(AccountEntry.model_validate(json.loads(account)), store)
    except (InvalidTag, ValueError, ValidationError) as error:
        raise SessionFileError("the passphrase is wrong, or the file was changed") from error


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=_KEY, n=_COST, r=_BLOCK, p=_PARALLEL).derive(passphrase.encode())
