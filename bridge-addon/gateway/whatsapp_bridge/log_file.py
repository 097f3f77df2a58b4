"""A file that the log is also written to, for those whose service manager keeps none."""

from logging import LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
import os
from pathlib import Path
import sys
from typing import TextIO, override


class _OwnFile(RotatingFileHandler):
    """Rotated by size, and readable by its owner alone."""

    @override
    def _open(self) -> TextIO:  # type: ignore[override]
        return open(self.baseFilename, "a", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600))

    @override
    def handleError(self, record: LogRecord) -> None:
        """Says nothing: where it would be said is this log."""


class LogFile:
    """Where log lines go: stdout and a file. A file that cannot be written any more costs the lines in it, not the gateway."""

    def __init__(self, path: Path, size: int, count: int) -> None:
        """Opens it. `size` is in bytes; `count` older files are kept.

        Raises:
            OSError: it cannot be opened.
        """
        self._file = _OwnFile(path, maxBytes=size, backupCount=count)

    def write(self, text: str) -> int:
        """Writes a line."""
        self._file.handle(makeLogRecord({"msg": text.rstrip("\n")}))
        return sys.stdout.write(text)

    def flush(self) -> None:
        """Writes out what is held."""
        sys.stdout.flush()
