"""How well the accounts stay connected, for the metrics."""

from collections import Counter
from datetime import datetime

from whatsapp_bridge.account import Account
from whatsapp_bridge.engine_protocol import AccountState


class ConnectionRecord:
    """Hears each change of an account's state."""

    def __init__(self) -> None:
        self.reconnects: Counter[str] = Counter()
        """How often a connection was lost and is tried again, by the reason."""
        self._seconds = 0.0
        self._connected_since: dict[str, datetime] = {}

    def changed(self, account: Account, moment: datetime) -> None:
        """Notes the state that an account has now."""
        since = self._connected_since.pop(account.id, None)
        if since is not None:
            self._seconds += (moment - since).total_seconds()
            if account.state is AccountState.RECONNECTING:
                self.reconnects[account.reason or "unknown"] += 1
        if account.state is AccountState.CONNECTED:
            self._connected_since[account.id] = moment

    def removed(self, account_id: str, moment: datetime) -> None:
        """Notes that an account is gone."""
        if (since := self._connected_since.pop(account_id, None)) is not None:
            self._seconds += (moment - since).total_seconds()

    def connected_seconds(self, moment: datetime) -> float:
        """Returns how long accounts were connected, all together."""
        return self._seconds + sum((moment - since).total_seconds() for since in self._connected_since.values())
