"""Reads fields of decoded JSON, each with the type that the API promises."""

from collections.abc import Callable, Mapping
from datetime import datetime

from .errors import GatewayAnswerError

type Fields = Mapping[str, object]


def fields(value: object) -> Fields:
    """Returns a JSON object.

    Raises:
        GatewayAnswerError: it is something else.
    """
    if not isinstance(value, dict):
        raise GatewayAnswerError(f"expected an object, got {type(value).__name__}")
    return value


def text(data: Fields, name: str) -> str:
    """Returns a string field."""
    value = data.get(name)
    if not isinstance(value, str):
        raise _wrong(name, value)
    return value


def number(data: Fields, name: str) -> int:
    """Returns an integer field."""
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, value)
    return value


def truth(data: Fields, name: str) -> bool:
    """Returns a boolean field."""
    value = data.get(name)
    if not isinstance(value, bool):
        raise _wrong(name, value)
    return value


def moment(data: Fields, name: str) -> datetime:
    """Returns a time field (RFC 3339, with its offset)."""
    try:
        value = datetime.fromisoformat(text(data, name))
    except ValueError:
        raise GatewayAnswerError(f"field {name!r} is no time") from None
    if value.tzinfo is None:
        raise GatewayAnswerError(f"field {name!r} has no time zone")
    return value


def choice[Choice: str](choices: type[Choice], data: Fields, name: str) -> Choice:
    """Returns a field that is one of an enumeration's values."""
    try:
        return choices(text(data, name))
    except ValueError:
        raise GatewayAnswerError(f"field {name!r} has an unknown value") from None


def optional[Value](read: Callable[[Fields, str], Value], data: Fields, name: str) -> Value | None:
    """Returns a field that may be null, read by one of the functions above."""
    return None if data.get(name) is None else read(data, name)


def items(data: Fields, name: str) -> list[object]:
    """Returns a list field."""
    value = data.get(name)
    if not isinstance(value, list):
        raise _wrong(name, value)
    return value


def texts(data: Fields, name: str) -> tuple[str, ...]:
    """Returns a list of strings."""
    found = items(data, name)
    if not all(isinstance(item, str) for item in found):
        raise GatewayAnswerError(f"field {name!r} must hold strings")
    return tuple(str(item) for item in found)


def _wrong(name: str, value: object) -> GatewayAnswerError:
    return GatewayAnswerError(f"field {name!r} must not be {type(value).__name__}")
