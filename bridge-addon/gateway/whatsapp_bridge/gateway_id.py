"""What tells this gateway from others: its accounts' ids are its own only."""

from pathlib import Path
import secrets

from whatsapp_bridge.private_files import kept_secret

_BYTES = 8


def gateway_id(data_dir: Path) -> str:
    """Returns the id that is kept in the data folder, which is made at first use. It is no secret, and moves with the data.

    Raises:
        OSError: the data folder cannot be read or written.
    """
    return kept_secret(data_dir / "gateway-id", secrets.token_hex(_BYTES).encode()).decode().strip()
