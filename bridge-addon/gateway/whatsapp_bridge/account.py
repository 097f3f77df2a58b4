"""What an account is to every surface: API, events, metrics."""

from datetime import datetime

from whatsapp_bridge.border_model import BorderModel
from whatsapp_bridge.engine_protocol import AccountState, Pairing
from whatsapp_bridge.timestamps import Timestamp

ENGINE_UNAVAILABLE = "engine_unavailable"
"""Reason of `reconnecting` while the engine is being restarted."""


class Account(BorderModel):
    """A linked WhatsApp number, or one that is to be linked."""

    id: str
    name: str
    phone: str | None = None
    """E.164; stays when the link is lost, None until there was one."""
    state: AccountState = AccountState.STARTING
    reason: str | None = None
    since: Timestamp
    retry_at: Timestamp | None = None
    created_at: Timestamp
    pairing: Pairing | None = None

    def in_state(self, state: AccountState, since: datetime, reason: str | None = None) -> Account:
        """Returns it in another state."""
        return self.model_copy(update={"state": state, "reason": reason, "since": since, "retry_at": None})

    def without_codes(self) -> Account:
        """Returns it as it may be kept: what links a phone is shown, never stored."""
        if self.pairing is None:
            return self
        return self.model_copy(
            update={"pairing": self.pairing.model_copy(update={"qr": None, "code": None, "passkey": None})}
        )
