"""The token that callers of the API must know."""

from pathlib import Path
import secrets

from whatsapp_bridge.private_files import kept_secret

_TOKEN_BYTES = 32


def api_token(data_dir: Path, given: str | None) -> str:
    """Returns the token that was set, or the one kept in the data folder, which is made at first use.

    Raises:
        OSError: the data folder cannot be read or written.
    """
    if given is not None:
        return given
    made = secrets.token_urlsafe(_TOKEN_BYTES).encode()
    return kept_secret(data_dir / "api-token", made).decode().strip()
