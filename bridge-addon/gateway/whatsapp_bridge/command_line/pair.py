"""`whatsapp-bridge pair`: links an account, with the QR code in the terminal or a code to type on the phone."""

import sys
import time
from typing import Any

from whatsapp_bridge.command_line.calling import Calling, CommandError

_PAUSE = 0.3
_CLEAR = "\x1b[2J\x1b[H"
_ENDED = {
    "failed": "The pairing has failed",
    "expired": "Nobody scanned in time",
    "cancelled": "The pairing was cancelled",
}
_PASSKEY = (
    "WhatsApp asks this account for a passkey, which needs a browser: link it in Home Assistant's dialog or by the API "
    "(docs/pairing.md)."
)


def pair(calling: Calling, account: str | None, phone: str | None) -> None:
    """Links an account; the first one is added where there is none.

    Raises:
        CommandError: it was not linked.
    """
    if account is None and not calling("GET", "/v1/accounts")["accounts"]:
        account = calling("POST", "/v1/accounts", {"name": "WhatsApp"})["id"]
    found = calling.account(account)
    path = f"/v1/accounts/{found['id']}"
    body = {"method": "qr"} if phone is None else {"method": "code", "phone": phone}
    calling("POST", f"{path}/pairing", body)
    try:
        _show_until_linked(calling, path)
    except BaseException:
        calling.raw("DELETE", f"{path}/pairing")
        raise


def _show_until_linked(calling: Calling, path: str) -> None:
    shown = None
    while True:
        account = calling("GET", path)
        pairing: dict[str, Any] = account["pairing"] or {}
        status = pairing.get("status")
        if account["state"] == "connected":
            sys.stdout.write(f"Linked: {account['phone']}\n")
            return
        if status in _ENDED:
            raise CommandError(f"{_ENDED[status]} ({pairing['error_code'] or status}).")
        if status in {"passkey_required", "confirmation_required"}:
            raise CommandError(_PASSKEY)
        code = pairing.get("qr") or pairing.get("code")
        if status == "waiting" and code and code != shown:
            _show(calling, path, pairing)
            shown = code
        time.sleep(_PAUSE)


def _show(calling: Calling, path: str, pairing: dict[str, Any]) -> None:
    if pairing["code"]:
        sys.stdout.write(f"Type this on the phone (Linked devices, Link with phone number): {pairing['code']}\n")
    else:
        status, _, drawing = calling.raw("GET", f"{path}/qr", accept="text/plain")
        if status != 200:  # noqa: PLR2004 - it went this moment; the next one comes
            return
        clear = _CLEAR if sys.stdout.isatty() else ""
        sys.stdout.write(f"{clear}{drawing.decode()}\nScan this with WhatsApp: Linked devices, Link a device.\n")
    sys.stdout.flush()
