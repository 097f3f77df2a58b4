"""Files that only the gateway's own user may read, written whole or not at all."""

import os
from pathlib import Path
import secrets

_OWNER_ONLY = 0o600


def make_private_folder(path: Path) -> None:
    """Makes a folder with its parents, closed to others. An existing one is left as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_private_file(path: Path, content: bytes) -> None:
    """Replaces a file atomically: after a power cut it holds the old content or the new one.

    Raises:
        OSError: the folder cannot be written to.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as file:  # noqa: PTH123
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def kept_secret(path: Path, make: bytes) -> bytes:
    """Returns a secret file's content; where there is none yet, keeps `make` in it and returns that."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        write_private_file(path, make)
        return make
    path.chmod(_OWNER_ONLY)
    return content
