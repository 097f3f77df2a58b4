"""Files that are to be sent: kept from when they come in until their message is settled."""

import asyncio
from collections.abc import AsyncIterable, Iterable, Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import secrets

from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.full_disk import is_full
from whatsapp_bridge.private_files import make_private_folder

_OWNER_ONLY = 0o600


class OutgoingFiles:
    """A folder of files with random names."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder.

        Raises:
            OSError: it cannot be made.
        """
        make_private_folder(folder)
        self._folder = folder

    def path(self, name: str) -> Path:
        """Returns where a file lies."""
        return self._folder / name

    def size(self, name: str) -> int:
        """Returns a file's bytes; 0 where it is gone."""
        try:
            return self.path(name).stat().st_size
        except FileNotFoundError:
            return 0

    def new(self, suffix: str = "") -> Path:
        """Returns a path that nothing lies at yet."""
        return self._folder / f"{secrets.token_hex(12)}{suffix}"

    def release(self, names: Iterable[str]) -> None:
        """Deletes files that nobody needs any more."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def release_all_but(self, names: set[str]) -> None:
        """Deletes, at the start, what an earlier run has left behind."""
        for path in self._folder.iterdir():
            if path.name not in names:
                path.unlink(missing_ok=True)


@contextmanager
def nothing_left_of(path: Path) -> Iterator[None]:
    """Deletes a file again where what makes it fails, or is cancelled."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def write_file(path: Path, chunks: AsyncIterable[bytes], limit: int) -> int:
    """Writes a new file of at most `limit` bytes and returns its size; nothing is left of one that could not be written whole.

    Raises:
        BridgeError: `media_too_large`, `media_empty`, `storage_full`; or whatever `chunks` raises.
    """
    size = 0
    file = await asyncio.to_thread(_new_file, path)
    with nothing_left_of(path):
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                await asyncio.to_thread(_write_all, file, chunk)
        except OSError as error:
            if is_full(error):
                raise BridgeError(ErrorCode.STORAGE_FULL, "The disk is full: nothing was accepted.") from error
            raise
        finally:
            os.close(file)
        if not size:
            raise BridgeError(ErrorCode.MEDIA_EMPTY, "The file is empty.")
    return size


def too_large(limit: int) -> BridgeError:
    """Returns the error for a file over a limit in bytes."""
    return BridgeError(ErrorCode.MEDIA_TOO_LARGE, f"The file is larger than {limit / (1 << 20):.0f} MiB.")


def _new_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)


def _write_all(file: int, chunk: bytes) -> None:
    """Writes the whole: where the disk has room for a part of it, the system writes that part and no more."""
    left = memoryview(chunk)
    while left:
        left = left[os.write(file, left) :]
