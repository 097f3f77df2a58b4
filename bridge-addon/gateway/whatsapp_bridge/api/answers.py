"""The shapes that every answer has."""

from typing import Any, Literal

from pydantic import BaseModel

from whatsapp_bridge.timestamps import Timestamp


class Answer[Data](BaseModel):
    """A success."""

    success: Literal[True] = True
    message: str
    data: Data


class Failure(BaseModel):
    """A failure. `error_code` is stable, `detail` a sentence; `data` is what is known of a message that failed."""

    detail: str
    error_code: str
    timestamp: Timestamp
    data: dict[str, Any] | None = None


class Nothing(BaseModel):
    """No more than that it was done."""
