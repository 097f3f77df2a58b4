"""A gateway that says what a test wants: for answers that the real one cannot be brought to give. Built on the golden examples."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
import json
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

GOLDEN = Path(__file__).resolve().parents[1] / "golden/api"
TOKEN = "token-of-the-scripted-gateway"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="232" height="232"><g transform="scale(8)"><path stroke="#000" d="M4 4.5h7"/></g></svg>'
type Json = Any


def golden(name: str) -> Json:
    """Reads an example of the API."""
    return json.loads((GOLDEN / f"{name}.json").read_text())


@dataclass
class Request:
    """A request that came."""

    method: str
    path: str
    query: dict[str, str]
    key: str | None
    body: Json
    raw: bytes


@dataclass
class ScriptedGateway:
    """Answers with `answers[method, path]` (status and body), the last of several for good; else as the golden examples do."""

    url: str = ""
    token: str = TOKEN
    svg: str = SVG
    picture: bytes = b"\xff\xd8 a face"
    hello: Json = field(default_factory=lambda: golden("event-hello"))
    answers: dict[tuple[str, str], list[tuple[int, Json]]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    connected: asyncio.Condition = field(default_factory=asyncio.Condition)
    held: dict[tuple[str, str], asyncio.Event] = field(default_factory=dict)

    def answer(self, method: str, path: str, *answers: str | tuple[int, Json]) -> None:
        """Scripts the answers of a route; a string is the name of a golden error, with its usual status."""
        self.answers[method, path] = [
            (_STATUS.get(answer, 409), golden(answer)) if isinstance(answer, str) else answer for answer in answers
        ]

    def hold(self, method: str, path: str) -> None:
        """Lets the answers of a route wait until `release`."""
        self.held[method, path] = asyncio.Event()

    def release(self) -> None:
        """Lets all answers go that were held."""
        for event in self.held.values():
            event.set()

    def requested(self, method: str, path: str) -> list[Request]:
        """Returns the requests that a route got."""
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    async def listeners(self, count: int = 1) -> None:
        """Waits until so many listen to the events."""
        async with asyncio.timeout(10), self.connected:
            await self.connected.wait_for(lambda: len(self.sockets) >= count)

    async def send(self, frame: Json) -> None:
        """Sends an event to all who listen."""
        for socket in self.sockets:
            await socket.send_json(frame)

    async def drop(self) -> None:
        """Ends all event streams."""
        for socket in list(self.sockets):
            await socket.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        is_json = raw and request.content_type == "application/json"
        self.requests.append(
            Request(
                request.method,
                request.path,
                dict(request.query),
                request.headers.get("Idempotency-Key"),
                json.loads(raw) if is_json else None,
                raw,
            )
        )
        if (held := self.held.get((request.method, request.path))) is not None:
            await held.wait()
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response(golden("error-unauthorized"), status=401)
        if scripted := self.answers.get((request.method, request.path)):
            status, body = scripted.pop(0) if len(scripted) > 1 else scripted[0]
            if status == 0:
                assert request.transport is not None
                request.transport.close()
            if isinstance(body, bytes):
                return web.Response(body=body, status=status, charset="utf-8")
            return web.json_response(body, status=status or 500)
        if request.path == "/v1/events":
            return await self.events(request)
        if request.path.endswith(("/picture", "/qr")):
            picture = request.path.endswith("/picture")
            body, kind = (self.picture, "image/jpeg") if picture else (self.svg.encode(), "image/svg+xml")
            return web.Response(body=body, content_type=kind)
        return web.json_response(_usual(request.method, request.path))

    async def events(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(self.hello)
        async with self.connected:
            self.sockets.append(socket)
            self.connected.notify_all()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self.acknowledged.append(message.json()["ack"])
        finally:
            self.sockets.remove(socket)
        return socket


_STATUS = {"error-engine-unavailable": 503, "error-message-rejected": 422, "error-invalid-phone-number": 422}


_USUAL = {
    ("POST", ""): "answer-account-added",
    ("GET", "*"): "answer-account",
    ("DELETE", "*"): "answer-account-removed",
    ("POST", "*/pairing"): "answer-pairing-started",
    ("DELETE", "*/pairing"): "answer-pairing-cancelled",
    ("GET", "*/groups"): "answer-groups",
    ("GET", "*/chats"): "answer-chats",
    ("GET", "*/contacts"): "answer-contacts",
    ("POST", "*/messages"): "answer-message-sent",
}


def _usual(method: str, path: str) -> Json:
    account, _, rest = path.removeprefix("/v1/accounts").strip("/").partition("/")
    route = f"{'*' if account else ''}{'/' if rest else ''}{rest}"
    if (method, route) == ("POST", "*/numbers"):
        answer = golden("answer-numbers")
        answer["data"]["numbers"].pop()
        return answer
    assert (method, route) in _USUAL, f"nothing is scripted for {method} {path}"
    return golden(_USUAL[method, route])


@asynccontextmanager
async def running_scripted_gateway(port: int = 0) -> AsyncIterator[ScriptedGateway]:
    """Runs it on a loopback port."""
    gateway = ScriptedGateway()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    gateway.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield gateway
    finally:
        await gateway.drop()
        await runner.cleanup()
