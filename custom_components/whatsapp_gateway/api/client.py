"""The gateway's routes, one typed method each."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
import json
from typing import Final

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    ClientWSTimeout,
    FormData,
    WSMsgType,
    WSServerHandshakeError,
)
from yarl import URL

from .errors import GatewayAnswerError, GatewayAuthError, GatewayConnectionError, GatewayRequestError
from .events import Event, Hello
from .fields import fields, text, truth
from .models import Account, OutgoingMessage, Pairing

CONNECT_LIMIT: Final = 5.0
ANSWER_LIMIT: Final = 15.0
CLOSE_LIMIT: Final = 1.0
HEARTBEAT: Final = 20.0
"""Seconds between pings; without a pong after half of that the connection counts as lost."""
LARGEST_FRAME: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes with a message."""

    name: str
    content: bytes
    mimetype: str = "application/octet-stream"


class EventConnection:
    """One connection to the event stream, after its hello."""

    def __init__(self, socket: ClientWebSocketResponse, hello: Hello) -> None:
        self._socket = socket
        self.hello = hello

    async def next(self) -> Event:
        """Waits for the next event, for as long as it takes: the heartbeat finds out when the gateway is lost.

        Raises:
            GatewayConnectionError: the connection has ended.
            GatewayAnswerError: it was no event.
        """
        return Event.parse(await _frame(self._socket))

    async def acknowledge(self, sequence: int) -> None:
        """Tells that all events up to this number were processed: the gateway deletes them.

        Raises:
            GatewayConnectionError: the connection has ended.
        """
        try:
            await self._socket.send_json({"ack": sequence})
        except (ClientError, OSError) as error:
            raise GatewayConnectionError(type(error).__name__) from error


class GatewayClient:
    """The gateway at an address, with its token. `session` is the caller's and stays open.

    Every method may raise GatewayConnectionError, GatewayAuthError, GatewayAnswerError, and GatewayRequestError with the codes
    of docs/api.md.
    """

    def __init__(self, session: ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = URL(url)
        self._headers = {"Authorization": f"Bearer {token}"}

    async def hello(self) -> Hello:
        """Returns the present state of all accounts. Also raises GatewayApiVersionError."""
        async with self.events() as connection:
            return connection.hello

    async def add_account(self, name: str) -> Account:
        """Adds an account, which then can be paired."""
        return Account.parse(await self._call("POST", "v1", "accounts", body={"name": name}))

    async def account(self, account: str) -> Account:
        """Returns an account."""
        return Account.parse(await self._call("GET", "v1", "accounts", account))

    async def remove_account(self, account: str) -> bool:
        """Unlinks an account at WhatsApp and erases it. Returns whether WhatsApp could be told."""
        return truth(fields(await self._call("DELETE", "v1", "accounts", account)), "unlinked")

    async def begin_pairing(self, account: str) -> Pairing:
        """Begins a pairing by QR code; one that is under way is replaced."""
        return Pairing.parse(await self._call("POST", "v1", "accounts", account, "pairing", body={"method": "qr"}))

    async def cancel_pairing(self, account: str) -> None:
        """Cancels the pairing that is under way."""
        await self._call("DELETE", "v1", "accounts", account, "pairing")

    async def answer_passkey(self, account: str, assertion: object) -> None:
        """Brings the WebAuthn assertion that the pairing under way waits for."""
        await self._call("POST", "v1", "accounts", account, "pairing", "passkey", body=assertion)

    async def confirm_pairing(self, account: str, *, same: bool) -> None:
        """Tells whether the phone shows the same code as the pairing under way."""
        await self._call("POST", "v1", "accounts", account, "pairing", "confirmation", body={"same": same})

    async def qr_svg(self, account: str) -> str:
        """Returns the QR code that is valid now, as SVG."""
        async with self._request("GET", "v1", "accounts", account, "qr", accept="image/svg+xml") as response:
            await _check(response)
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
            await self._call("POST", "v1", "accounts", account, "messages", body=form, key=key, wait=wait)
        )

    @asynccontextmanager
    async def events(self, *, since: int | None = None, log: str | None = None) -> AsyncGenerator[EventConnection]:
        """Opens the event stream: what is new, or with `since` all after that event number of the log `log`.

        Also raises GatewayApiVersionError.
        """
        query = {name: str(value) for name, value in (("since", since), ("log", log)) if value is not None}
        url = self._url.joinpath("v1", "events").with_query(query)
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                socket = await self._session.ws_connect(
                    url,
                    headers=self._headers,
                    heartbeat=HEARTBEAT,
                    max_msg_size=LARGEST_FRAME,
                    timeout=ClientWSTimeout(ws_close=CLOSE_LIMIT),
                )
        except WSServerHandshakeError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                raise GatewayAuthError("the gateway does not accept the token") from None
            raise GatewayAnswerError(f"no event stream there: HTTP status {error.status}") from None
        except (ClientError, OSError, TimeoutError) as error:
            raise GatewayConnectionError(type(error).__name__) from error
        async with socket:
            yield EventConnection(socket, Hello.parse(await _frame(socket, ANSWER_LIMIT)))

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        *path: str,
        accept: str = "application/json",
        body: object = None,
        key: str | None = None,
        wait: int = 0,
    ) -> AsyncGenerator[ClientResponse]:
        headers = self._headers | {"Accept": accept} | ({"Idempotency-Key": key} if key is not None else {})
        url = self._url.joinpath(*path).with_query({"wait": str(wait)} if wait else {})
        limit = ClientTimeout(total=ANSWER_LIMIT + wait, sock_connect=CONNECT_LIMIT)
        try:
            content = {"data": body} if isinstance(body, FormData) else {"json": body}
            async with self._session.request(method, url, headers=headers, timeout=limit, **content) as response:
                yield response
        except UnicodeDecodeError:
            raise GatewayAnswerError("the answer is not text") from None
        except (ClientError, OSError, TimeoutError) as error:
            raise GatewayConnectionError(type(error).__name__) from error

    async def _call(
        self, method: str, *path: str, body: object = None, key: str | None = None, wait: int = 0
    ) -> object:
        """Returns `data` of the answer."""
        async with self._request(method, *path, body=body, key=key, wait=wait) as response:
            await _check(response)
            answer = fields(_decoded(await response.text()))
            if answer.get("success") is not True or "data" not in answer:
                raise GatewayAnswerError("the answer has not the shape of the gateway's")
            return answer["data"]


async def _check(response: ClientResponse) -> None:
    """Raises for a failure, with the gateway's error code."""
    if response.ok:
        return
    try:
        code = text(fields(_decoded(await response.text())), "error_code")
    except GatewayAnswerError:
        raise GatewayAnswerError(f"not the gateway's answer: HTTP status {response.status}") from None
    if code == "unauthorized":
        raise GatewayAuthError("the gateway does not accept the token")
    raise GatewayRequestError(code)


async def _frame(socket: ClientWebSocketResponse, limit: float | None = None) -> object:
    try:
        message = await socket.receive(limit)
    except (ClientError, OSError, TimeoutError) as error:
        raise GatewayConnectionError(type(error).__name__) from error
    if message.type is WSMsgType.TEXT:
        return _decoded(message.data)
    if message.type is WSMsgType.BINARY:
        raise GatewayAnswerError("the gateway's events are text")
    raise GatewayConnectionError(f"the event stream has ended (close code {socket.close_code})")


def _decoded(body: str) -> object:
    try:
        decoded: object = json.loads(body)
    except ValueError:
        raise GatewayAnswerError("the answer is not JSON") from None
    return decoded
