"""Times as they cross every border: RFC 3339, UTC, milliseconds (`2026-11-24T08:15:30.123Z`)."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, PlainSerializer


def format_timestamp(moment: datetime) -> str:
    """Spells a moment."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Timestamp = Annotated[
    AwareDatetime,
    AfterValidator(_in_utc),
    PlainSerializer(format_timestamp, return_type=str, when_used="json-unless-none"),
]


def now() -> datetime:
    """Returns this moment."""
    return datetime.now(UTC)
