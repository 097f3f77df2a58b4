"""An engine that does on command what a real one should never do. It speaks the engine protocol and has no WhatsApp behind it.

Commands are the texts of messages: each is obeyed the first time that its message id comes, and acknowledged when it comes
again, as WhatsApp drops what it has; those that begin with `always-` are obeyed each time. `ENGINE_SCRIPT_DIR` holds `start.json` (how it starts, read once) and gets `sent.jsonl`
(each `message.send`); while there is a file `locked-<account>` in it, that account's store is another's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
import json
import os
from pathlib import Path
import sys
import threading
import time
from typing import Any

FOLDER = Path(os.environ["ENGINE_SCRIPT_DIR"])
SENT = FOLDER / "sent.jsonl"
START: dict[str, Any] = json.loads((FOLDER / "start.json").read_text()) if (FOLDER / "start.json").exists() else {}
PHONE = "+15550001000"
NOTED = {"account.start", "event.acknowledge"}
_writing = threading.Lock()


def moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(message: dict[str, Any]) -> None:
    write_line(json.dumps({"jsonrpc": "2.0", **message}))


def write_line(line: str) -> None:
    with _writing:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def notify(method_name: str, **params: object) -> None:
    write({"method": method_name, "params": params})


def answer(number: int, result: object) -> None:
    write({"id": number, "result": result})


def refuse(number: int, error_code: str, whatsapp_code: int | None = None) -> None:
    data = {"error_code": error_code} | ({"whatsapp_code": whatsapp_code} if whatsapp_code is not None else {})
    write({"id": number, "error": {"code": -32000, "message": error_code, "data": data}})


def state(account: str, name: str, reason: str | None = None) -> None:
    notify(
        "account.state",
        account=account,
        state=name,
        reason=reason,
        phone=PHONE if name == "connected" else None,
        lid=None,
        name=None,
        since=moment(),
        retry_at=None,
    )


def status(
    account: str,
    message_id: str,
    chat: str,
    name: str,
    recipient: str | None = None,
    *,
    error_code: str | None = None,
) -> None:
    notify(
        "message.status",
        account=account,
        message_id=message_id,
        chat=chat,
        status=name,
        recipient=recipient or chat,
        timestamp=moment(),
        error_code=error_code,
        whatsapp_code=None,
    )


def note(name: str, params: dict[str, Any]) -> None:
    if name not in NOTED:
        return
    with (FOLDER / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(params) + "\n")


def received(account: str, text: str, **delivery: int) -> None:
    received_content(account, {"type": "text", "text": text, "link_preview": None}, **delivery)


def received_content(account: str, content: dict[str, Any], **delivery: int) -> None:
    notify(
        "message.received",
        account=account,
        message_id="3A5F0C2B9D8E7F6A1B2C",
        chat={"id": "+15551230001", "type": "person"},
        sender={"phone": "+15551230001", "lid": None, "push_name": "Alice"},
        from_me=False,
        timestamp=moment(),
        backlog=False,
        content=content,
        quote=None,
        mentions=[],
        forwarded=False,
        view_once=False,
        **delivery,
    )


@dataclass(frozen=True)
class Sending:
    """A `message.send` and what its text commands."""

    number: int
    account: str
    message_id: str
    chat: str
    argument: str

    def acknowledge(self) -> None:
        answer(self.number, {"message_id": self.message_id, "chat": self.chat, "timestamp": moment()})

    def fail(self, error_code: str | None) -> None:
        status(self.account, self.message_id, self.chat, "failed", error_code=error_code)

    def report(self, name: str, recipient: str | None = None) -> None:
        status(self.account, self.message_id, self.chat, name, recipient)


def crash(_sending: Sending) -> None:
    os._exit(3)


def hang(_sending: Sending) -> None:
    time.sleep(3600)


def silent(_sending: Sending) -> None:
    return


def error(sending: Sending) -> None:
    code, _, whatsapp_code = sending.argument.partition(" ")
    refuse(sending.number, code, int(whatsapp_code) if whatsapp_code.isdecimal() else None)


def slow(sending: Sending) -> None:
    threading.Timer(float(sending.argument), sending.acknowledge).start()


def garbage(sending: Sending) -> None:
    for _ in range(int(sending.argument)):
        write_line("this is no JSON")
    sending.acknowledge()


def long_line(sending: Sending) -> None:
    write_line("x" * (3 << 20))
    sending.acknowledge()


def lost_acknowledgement(sending: Sending) -> None:
    refuse(sending.number, "acknowledgement_timeout")
    sending.report("delivered")


def read(sending: Sending) -> None:
    sending.acknowledge()
    for name in ("sent", "delivered", "delivered", "read"):
        sending.report(name)


def fails_later(sending: Sending) -> None:
    sending.fail(sending.argument or None)


def fails_after(sending: Sending) -> None:
    sending.acknowledge()
    threading.Timer(0.2, sending.fail, [None]).start()


def receipt(sending: Sending) -> None:
    sending.acknowledge()
    status(sending.account, sending.argument, sending.chat, "read")


def group_receipts(sending: Sending) -> None:
    sending.report("sent")
    sending.acknowledge()
    for recipient in sending.argument.split():
        for name in ("delivered", "read"):
            sending.report(name, recipient)


def receive(sending: Sending) -> None:
    count, _, text = sending.argument.partition(" ")
    for index in range(int(count)):
        received(sending.account, f"{index} {text or 'x' * 4000}")
    sending.acknowledge()


def receive_file(sending: Sending) -> None:
    unknown = dict.fromkeys(("width", "height", "seconds", "waveform", "thumbnail"))
    media = {"mimetype": "text/plain", "size": 5, "sha256": "a" * 64} | unknown
    received_content(sending.account, {"type": "document", "media": media, "caption": None, "file_name": "list.txt"})
    sending.acknowledge()


def deliver(sending: Sending) -> None:
    for number in sending.argument.split():
        received(sending.account, f"delivery {number}", delivery=int(number))
    sending.acknowledge()


def change_state(sending: Sending) -> None:
    state(sending.account, *sending.argument.split())
    sending.acknowledge()


def bad_notification(sending: Sending) -> None:
    notify("account.state", account=sending.account, state="no such state")
    notify("no.such.method")
    sending.acknowledge()


def log(sending: Sending) -> None:
    sys.stderr.write(json.dumps({"level": "warning", "event": "from_engine", "note": sending.argument}) + "\n")
    sys.stderr.flush()
    sending.acknowledge()


def crash_words(sending: Sending) -> None:
    sys.stderr.write(f"TypeError: {sending.argument}\n{sending.argument}\n    at send (engine.mjs:1:2)\n")
    sys.stderr.flush()
    sending.acknowledge()


COMMANDS: dict[str, Callable[[Sending], None]] = {
    "crash": crash,
    "hang": hang,
    "silent": silent,
    "error": error,
    "always-error": error,
    "slow": slow,
    "garbage": garbage,
    "long-line": long_line,
    "lost-acknowledgement": lost_acknowledgement,
    "read": read,
    "fails-later": fails_later,
    "fails-after": fails_after,
    "receipt": receipt,
    "group-receipts": group_receipts,
    "receive": receive,
    "receive-file": receive_file,
    "deliver": deliver,
    "state": change_state,
    "bad-notification": bad_notification,
    "log": log,
    "crash-words": crash_words,
}


def send(number: int, params: dict[str, Any]) -> None:
    seen = SENT.read_text().splitlines() if SENT.exists() else []
    again = any(json.loads(line)["message_id"] == params["message_id"] for line in seen)
    with SENT.open("a") as file:
        file.write(json.dumps(params) + "\n")
    command, _, argument = params["content"].get("text", "").partition(" ")
    sending = Sending(number, params["account"], params["message_id"], params["to"], argument)
    if again and not command.startswith("always-"):
        sending.acknowledge()
    else:
        COMMANDS.get(command, Sending.acknowledge)(sending)


def done_with_store(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "account.erase":
        return {"unlinked": True}
    Path(params["path"]).write_text("a session")
    return {"size": 9}


def why_not_started(account: str) -> str | None:
    if (FOLDER / f"locked-{account}").exists():
        return "account_locked"
    if START.get("account_start_error") and START.get("locked_for", 1) > 0:
        START["locked_for"] = START.get("locked_for", 2) - 1
        return str(START["account_start_error"])
    return None


def take(request: dict[str, Any]) -> None:
    number, method, params = request["id"], request["method"], request.get("params", {})
    note(method, params)
    if method in START.get("hangs_at", []):
        time.sleep(3600)
    if error_code := START.get("refuses", {}).get(method):
        refuse(number, error_code)
        return
    match method:
        case "initialize":
            identity = {"name": "scripted", "version": "1", "library": "none"}
            answer(number, {"protocol_version": 1, "engine": identity})
        case "account.start":
            if error_code := why_not_started(params["account"]):
                refuse(number, error_code)
                return
            answer(number, {})
            for name in START.get("states", ["connecting", "connected"]):
                state(params["account"], *name.split())
        case "account.backup" | "account.erase":
            answer(number, done_with_store(method, params))
        case "pairing.start":
            answer(number, {})
            update = {"account": params["account"], "method": params["method"], "error_code": None}
            code = {"qr": "2@scripted", "code": None} if params["method"] == "qr" else {"qr": None, "code": "K7Q2M9XD"}
            notify("pairing.update", status="waiting", expires_at="2099-01-01T00:00:00.000Z", **code, **update)
        case "message.send":
            send(number, params)
        case _:
            answer(number, {})


for line in sys.stdin:
    take(json.loads(line))
if START.get("ignores_stop"):
    time.sleep(3600)
os._exit(0)
