"""`whatsapp-bridge send` and `whatsapp-bridge accounts`."""

import json
import mimetypes
from pathlib import Path
import secrets
import sys
from typing import Any

from whatsapp_bridge.api.simple_calls import file_kind
from whatsapp_bridge.command_line.calling import Calling, CommandError


def send(calling: Calling, account: str | None, to: str, text: str, file: Path | None, wait: float) -> None:
    """Sends a text, or a file with the text as its caption, and says what became of it. The text `-` is read from the input.

    Raises:
        CommandError: it was not accepted, or has failed.
    """
    if text == "-":
        text = sys.stdin.read().rstrip("\n")
    path = f"/v1/accounts/{calling.account(account)['id']}/messages?wait={wait:g}"
    if file is None:
        message = calling("POST", path, {"type": "text", "to": to, "text": text})
    else:
        message = calling("POST", path, content=_with_file(to, text, file))
    sys.stdout.write(f"{message['messageId']} {message['status']}\n")


def _with_file(to: str, caption: str, file: Path) -> tuple[str, bytes]:
    """Returns a multipart body (RFC 7578) and its type."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    mimetype = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    body: dict[str, Any] = {"type": file_kind(mimetype, has_caption=bool(caption)), "to": to, "media": {}}
    body["media"]["file_name"] = file.name
    if caption:
        body["caption"] = caption
    boundary = secrets.token_hex(16)
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="message"\r\nContent-Type: application/json\r\n\r\n{json.dumps(body)}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\nContent-Type: {mimetype}\r\n\r\n'
    )
    return f"multipart/form-data; boundary={boundary}", parts.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def list_accounts(calling: Calling, *, as_json: bool) -> None:
    """Lists the accounts with their state.

    Raises:
        CommandError: the gateway does not answer.
    """
    accounts = calling("GET", "/v1/accounts")["accounts"]
    if as_json:
        sys.stdout.write(json.dumps(accounts, ensure_ascii=False, indent=2) + "\n")
        return
    rows = [("ID", "NAME", "NUMBER", "STATE", "REASON")]
    rows += [(one["id"], one["name"], one["phone"] or "-", one["state"], one["reason"] or "-") for one in accounts]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(f"{line.rstrip()}\n")
