"""What a webhook is, and how its calls are signed (https://www.standardwebhooks.com)."""

from base64 import b64decode, b64encode
import binascii
import hashlib
import hmac
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    StringConstraints,
    field_validator,
)

from whatsapp_bridge.events import EventType

_PREFIX = "whsec_"
_SHORTEST_SECRET = 16
KEPT_TYPES = frozenset(EventType) - {EventType.PAIRING_UPDATE, EventType.PRESENCE_CHANGED, EventType.QUEUE_CHANGED}
"""What the event log keeps. The others are of the moment, and codes that link a phone are shown, never sent about."""


def _kept(kind: EventType) -> EventType:
    if kind not in KEPT_TYPES:
        raise ValueError("is not kept, and so comes over the WebSocket alone")
    return kind


class Webhook(BaseModel):
    """Where events are sent, in order, each until it is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]
    """What its place in the event log is kept by: a webhook that has another URL later goes on where it was."""
    url: HttpUrl
    """Chosen by the gateway's owner, so it may be in the local network. A redirect is not followed."""
    secret: SecretStr
    """What the calls are signed with: `whsec_` and base64, or any text of 16 characters and more."""
    events: list[Annotated[EventType, AfterValidator(_kept)]] = Field(default_factory=lambda: sorted(KEPT_TYPES))
    """The types of events that are sent."""

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if len(signing_key(secret.get_secret_value())) < _SHORTEST_SECRET:
            raise ValueError(f"has at least {_SHORTEST_SECRET} characters or bytes")
        return secret


def signing_key(secret: str) -> bytes:
    """Returns the bytes that a secret stands for.

    Raises:
        ValueError: it begins with `whsec_` and no base64 follows.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("whsec_ is followed by base64") from None


def signed_headers(secret: str, delivery: str, moment: int, body: bytes) -> dict[str, str]:
    """Returns the headers of a call: which delivery it is, when it is made (Unix seconds), and the signature of all that."""
    signed = b".".join((delivery.encode(), str(moment).encode(), body))
    signature = b64encode(hmac.digest(signing_key(secret), signed, hashlib.sha256)).decode()
    return {"webhook-id": delivery, "webhook-timestamp": str(moment), "webhook-signature": f"v1,{signature}"}
