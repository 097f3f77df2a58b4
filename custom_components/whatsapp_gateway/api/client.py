"""The gateway's routes for accounts, pairings and messages, one typed method each."""

from collections.abc import Mapping
from dataclasses import dataclass
import json

from aiohttp import FormData

from .chats import ChatRoutes
from .connection import check
from .events import Hello
from .fields import fields, truth
from .models import Account, OutgoingMessage, Pairing


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes with a message."""

    name: str
    content: bytes
    mimetype: str = "application/octet-stream"


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

    async def begin_pairing(self, account: str) -> Pairing:
        """Begins a pairing by QR code; one that is under way is replaced."""
        return Pairing.parse(await self.call("POST", "v1", "accounts", account, "pairing", body={"method": "qr"}))

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

    async def send(
        self, account: str, body: Mapping[str, object], upload: Upload | None = None, *, key: str, wait: int
    ) -> OutgoingMessage:
        """Sends a message (docs/api.md, "Messages") and waits up to `wait` seconds for WhatsApp's acknowledgement.

        The same `key` again sends nothing and returns the first message.
        """
        form: Mapping[str, object] | FormData = body
        if upload is not None:
            form = FormData()
            form.add_field("message", json.dumps(body), content_type="application/json")
            form.add_field("file", upload.content, filename=upload.name, content_type=upload.mimetype)
        return OutgoingMessage.parse(
            await self.call("POST", "v1", "accounts", account, "messages", body=form, key=key, wait=wait)
        )
