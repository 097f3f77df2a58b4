"""The gateway's routes for accounts, pairings and messages, one typed method each."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
import json
from pathlib import Path
from typing import BinaryIO, Final

from aiohttp import ClientResponse, FormData

from .chats import ChatRoutes
from .connection import ANSWER_LIMIT, check
from .events import Hello
from .fields import fields, truth
from .models import Account, OutgoingMessage, Pairing

FILE_LIMIT: Final = 120.0
"""Seconds that the gateway gets to take in or fetch a file, and to make of it what phones show; or to give a received one."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes with a message: its bytes, or where it lies; then it is read while it is sent."""

    name: str
    content: bytes | Path
    mimetype: str = "application/octet-stream"


@asynccontextmanager
async def _opened(content: bytes | Path) -> AsyncGenerator[bytes | BinaryIO]:
    if isinstance(content, bytes):
        yield content
        return
    file = await asyncio.to_thread(content.open, "rb")
    try:
        yield file
    finally:
        await asyncio.to_thread(file.close)


class GatewayClient(ChatRoutes):
    """All routes of the gateway.

    Every method may raise GatewayConnectionError, GatewayAuthError, GatewayAnswerError, and GatewayRequestError with the codes
    of docs/api.md.
    """

    async def hello(self) -> Hello:
        """Returns the present state of all accounts. Also raises GatewayApiVersionError."""
        async with self.events() as connection:
            return connection.hello

    async def add_account(self, name: str) -> Account:
        """Adds an account, which then can be paired."""
        return Account.parse(await self.call("POST", "v1", "accounts", body={"name": name}))

    async def account(self, account: str) -> Account:
        """Returns an account."""
        return Account.parse(await self.call("GET", "v1", "accounts", account))

    async def remove_account(self, account: str) -> bool:
        """Unlinks an account at WhatsApp and erases it. Returns whether WhatsApp could be told."""
        return truth(fields(await self.call("DELETE", "v1", "accounts", account)), "unlinked")

    async def restart_account(self, account: str) -> Account:
        """Ends an account's connection to WhatsApp and begins a new one."""
        return Account.parse(await self.call("POST", "v1", "accounts", account, "restart"))

    async def unlink_account(self, account: str) -> bool:
        """Unlinks an account at WhatsApp; it stays, to be linked anew. Returns whether WhatsApp could be told."""
        return truth(fields(await self.call("POST", "v1", "accounts", account, "unlink")), "unlinked")

    async def begin_pairing(self, account: str, phone: str | None = None) -> Pairing:
        """Begins a pairing by QR code, or by a code to type on the phone of that number; one that is under way is replaced."""
        body = {"method": "qr"} if phone is None else {"method": "code", "phone": phone}
        return Pairing.parse(await self.call("POST", "v1", "accounts", account, "pairing", body=body))

    async def cancel_pairing(self, account: str) -> None:
        """Cancels the pairing that is under way."""
        await self.call("DELETE", "v1", "accounts", account, "pairing")

    async def answer_passkey(self, account: str, assertion: object) -> None:
        """Brings the WebAuthn assertion that the pairing under way waits for."""
        await self.call("POST", "v1", "accounts", account, "pairing", "passkey", body=assertion)

    async def confirm_pairing(self, account: str, *, same: bool) -> None:
        """Tells whether the phone shows the same code as the pairing under way."""
        await self.call("POST", "v1", "accounts", account, "pairing", "confirmation", body={"same": same})

    async def qr_svg(self, account: str) -> str:
        """Returns the QR code that is valid now, as SVG."""
        async with self.request("GET", "v1", "accounts", account, "qr", accept="image/svg+xml") as response:
            await check(response)
            return await response.text()

    @asynccontextmanager
    async def media(
        self, account: str, message_id: str, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[ClientResponse]:
        """Opens the file of a received message; the gateway fetches it from WhatsApp the first time. `headers` may ask for a range."""
        route = ("GET", "v1", "accounts", account, "media", message_id)
        async with self.request(*route, accept="*/*", limit=FILE_LIMIT, headers=headers) as response:
            if response.status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                await check(response)
            yield response

    async def qr_png(self, account: str) -> bytes:
        """Returns the QR code that is valid now, as PNG."""
        async with self.request("GET", "v1", "accounts", account, "qr", accept="image/png") as response:
            await check(response)
            return await response.read()

    async def send(
        self, account: str, body: Mapping[str, object], upload: Upload | None = None, *, key: str, wait: int
    ) -> OutgoingMessage:
        """Sends a message (docs/api.md, "Messages") and waits up to `wait` seconds for WhatsApp's acknowledgement.

        The same `key` again sends nothing and returns the first message.
        """
        route = ("POST", "v1", "accounts", account, "messages")
        limit = FILE_LIMIT if "media" in body else ANSWER_LIMIT
        if upload is None:
            return OutgoingMessage.parse(await self.call(*route, body=body, key=key, wait=wait, limit=limit))
        async with _opened(upload.content) as content:
            form = FormData()
            form.add_field("message", json.dumps(body), content_type="application/json")
            form.add_field("file", content, filename=upload.name, content_type=upload.mimetype)
            return OutgoingMessage.parse(await self.call(*route, body=form, key=key, wait=wait, limit=limit))
