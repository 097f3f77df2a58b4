"""Structured logs: one JSON object a line, with neither contents nor phone numbers in it."""

import hashlib
import hmac
import logging
from pathlib import Path
import re
import secrets
import sys
import traceback
from typing import Any, TextIO, cast, override

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from whatsapp_bridge.log_file import LogFile
from whatsapp_bridge.private_files import kept_secret

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_NUMBER_LIKE = re.compile(r"(?<![0-9A-Za-z])\+?[0-9]{7,20}(?![0-9A-Za-z])")
_HASH_DIGITS = 12


class ChatHash:
    """Turns chat ids into names that are the same in every line and say nothing of the number.

    The key stays in the data folder: without it the few thousand million phone numbers could simply be tried.
    """

    def __init__(self, data_dir: Path) -> None:
        self._key = kept_secret(data_dir / "log-key", secrets.token_bytes(32))

    def __call__(self, chat: str) -> str:
        """Returns the name of a chat in the log."""
        return hmac.new(self._key, chat.encode(), hashlib.sha256).hexdigest()[:_HASH_DIGITS]


def without_numbers(text: str) -> str:
    """Masks everything that could be a phone number in a text that others wrote."""
    return _NUMBER_LIKE.sub("…", text)


def _frames_only(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """An exception's text may quote what a user wrote: its type and its place are logged, its text is not."""
    if error := event.pop("exc_info", None):
        if error is True:
            error = sys.exception()
        elif isinstance(error, tuple):
            error = error[1]
        if isinstance(error, BaseException):
            event["exception"] = type(error).__name__
            frames = traceback.extract_tb(error.__traceback__)
            event["frames"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def set_up_logging(level: str, file: LogFile | None = None) -> None:
    """Sends all logs, those of libraries too, to stdout, or to a file as well. `level` is a key of `LEVELS`."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _frames_only,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout if file is None else cast("TextIO", file)),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Forwarding()], level=logging.WARNING, force=True)


def set_log_level(level: str) -> None:
    """Tells more or less from now on. `level` is a key of `LEVELS`."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]))


def logger() -> FilteringBoundLogger:
    """Returns the logger."""
    return cast("FilteringBoundLogger", structlog.get_logger())


class _Forwarding(logging.Handler):
    """Carries what libraries log with `logging` over, first line only: the rest may quote data."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        message = without_numbers(record.getMessage().partition("\n")[0])
        details: dict[str, Any] = {"source": record.name, "message": message}
        if record.exc_info:
            details["exc_info"] = record.exc_info
        logger().log(record.levelno, "library", **details)
