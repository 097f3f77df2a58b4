"""Whether it is for want of room that something cannot be written."""

from contextlib import suppress
import errno
import os
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The disk is full, the user's quota is used up, or a file may not be larger."""

_PROBED = 4096


def is_full(error: OSError) -> bool:
    """Says whether an error of the operating system means that there is no room."""
    return error.errno in _FULL


def has_no_room(file: Path) -> bool:
    """Looks whether a file could grow, by writing as far behind its end beside it: SQLite tells of a failed write, and not why it failed."""
    probe = file.with_name(f"{file.name}.probe")
    try:
        with probe.open("wb") as written:
            written.seek(file.stat().st_size)
            written.write(bytes(_PROBED))
            written.flush()
            os.fsync(written.fileno())
    except OSError as error:
        return is_full(error)
    else:
        return False
    finally:
        with suppress(OSError):
            probe.unlink()
