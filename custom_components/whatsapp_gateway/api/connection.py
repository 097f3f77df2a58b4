"""One connection to the gateway: requests with its token, its answers checked, its event stream."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
import json
from typing import Final
from urllib.parse import quote

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
from .fields import fields, text

CONNECT_LIMIT: Final = 5.0
ANSWER_LIMIT: Final = 15.0
CLOSE_LIMIT: Final = 1.0
HEARTBEAT: Final = 20.0
"""Seconds between pings; without a pong after half of that the connection counts as lost."""
LARGEST_FRAME: Final = 4 * 1024 * 1024


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


class GatewayConnection:
    """The gateway at an address, with its token. `session` is the caller's and stays open."""

    def __init__(self, session: ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = URL(url)
        self._headers = {"Authorization": f"Bearer {token}"}

    @asynccontextmanager
    async def events(
        self, *, since: int | None = None, log: str | None = None, consumer: str | None = None
    ) -> AsyncGenerator[EventConnection]:
        """Opens the event stream: what is new, or with `since` all after that event number of the log `log`.

        What a named `consumer` has acknowledged does not come to it again. Also raises GatewayApiVersionError.
        """
        wanted = (("since", since), ("log", log), ("consumer", consumer))
        query = {name: str(value) for name, value in wanted if value is not None}
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
    async def request(
        self,
        method: str,
        *path: str,
        accept: str = "application/json",
        body: object = None,
        key: str | None = None,
        wait: int = 0,
        query: Mapping[str, str] | None = None,
        limit: float = ANSWER_LIMIT,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[ClientResponse]:
        """Sends a request; the answer is not checked yet. Each part of `path` is one segment, whatever is in it. `wait` are seconds that the gateway may take longer."""
        sent = {**(headers or {}), **self._headers, "Accept": accept} | (
            {"Idempotency-Key": key} if key is not None else {}
        )
        url = self._url.joinpath(*map(_segment, path), encoded=True).with_query(
            {**(query or {}), **({"wait": str(wait)} if wait else {})}
        )
        timeout = ClientTimeout(total=limit + wait, sock_connect=CONNECT_LIMIT)
        try:
            content = {"data": body} if isinstance(body, FormData) else {"json": body}
            async with self._session.request(method, url, headers=sent, timeout=timeout, **content) as response:
                yield response
        except UnicodeDecodeError:
            raise GatewayAnswerError("the answer is not text") from None
        except (ClientError, OSError, TimeoutError) as error:
            raise GatewayConnectionError(type(error).__name__) from error

    async def call(
        self,
        method: str,
        *path: str,
        body: object = None,
        key: str | None = None,
        wait: int = 0,
        query: Mapping[str, str] | None = None,
        limit: float = ANSWER_LIMIT,
    ) -> object:
        """Returns `data` of the answer."""
        async with self.request(method, *path, body=body, key=key, wait=wait, query=query, limit=limit) as response:
            await check(response)
            answer = fields(_decoded(await response.text()))
            if answer.get("success") is not True or "data" not in answer:
                raise GatewayAnswerError("the answer has not the shape of the gateway's")
            return answer["data"]


def _segment(part: str) -> str:
    """Quotes a part of a path, so that it cannot lead to another route: what comes from a URL or an action may be anything."""
    return quote(part, safe="").replace(".", "%2E")


async def check(response: ClientResponse) -> None:
    """Raises for a failure, with the gateway's error code."""
    if response.ok:
        return
    try:
        code = text(fields(_decoded(await response.text())), "error_code")
    except GatewayAnswerError:
        raise GatewayAnswerError(f"not the gateway's answer: HTTP status {response.status}") from None
    if code == "unauthorized":
        raise GatewayAuthError("the gateway does not accept the token")
    wait = response.headers.get("Retry-After", "")
    raise GatewayRequestError(code, int(wait) if wait.isdecimal() else None)


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
