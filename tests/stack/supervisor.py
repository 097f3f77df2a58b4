"""A stand-in for Home Assistant's Supervisor, as far as an app sees it: discovery, and ingress from its own address."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

SUPERVISOR_TOKEN = "token-of-the-supervisor"
INGRESS_PATH = "/api/hassio_ingress/x9uAnfLo1lTPUqV1cOlyCk1xRNm8sgZ1YNoMFRDbDJ4"
_HOP_BY_HOP = {"host", "connection", "transfer-encoding", "content-length", "content-encoding"}


@dataclass
class Supervisor:
    """What it was told. `statuses` are those of its next answers; then 200."""

    url: str = ""
    app_url: str = ""
    """Where the app is that it passes ingress requests on to."""
    statuses: list[int] = field(default_factory=list)
    discovered: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def page(self) -> str:
        """The address of the app's page, as Home Assistant's frontend opens it."""
        return f"{self.url}{INGRESS_PATH}/"

    async def was_called(self, times: int) -> None:
        """Waits until discovery was called so often."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: self.calls >= times)

    async def discovery(self, request: web.Request) -> web.Response:
        """`POST /discovery`: refuses who has not the token, and services that the app's configuration does not name."""
        async with self._changed:
            self.calls += 1
            self._changed.notify_all()
        if request.headers.get("Authorization") != f"Bearer {SUPERVISOR_TOKEN}":
            return web.json_response({"result": "error", "message": "unauthorized"}, status=401)
        body = await request.json()
        if set(body) != {"service", "config"} or body["service"] != "whatsapp_gateway":
            return web.json_response({"result": "error", "message": "not allowed"}, status=403)
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.discovered.append(body)
        return web.json_response({"result": "ok", "data": {"uuid": "5f2a"}}, status=status)

    async def ingress(self, request: web.Request) -> web.Response:
        """Passes on what a user of Home Assistant asks of the app, with the headers that the Supervisor adds."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        headers |= {"X-Ingress-Path": INGRESS_PATH, "X-Remote-User-Id": "abc", "X-Remote-User-Name": "demo"}
        url = f"{self.app_url}/{request.match_info['path']}"
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, url, params=request.query, headers=headers, data=await request.read()
            ) as answer,
        ):
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            return web.Response(body=await answer.read(), status=answer.status, headers=kept)


@asynccontextmanager
async def running_supervisor(
    app_url: str = "", more_routes: Callable[[Supervisor, web.UrlDispatcher], None] | None = None
) -> AsyncIterator[Supervisor]:
    """Runs it on a loopback port; `more_routes` adds what else it answers."""
    supervisor = Supervisor(app_url=app_url)
    app = web.Application()
    app.router.add_post("/discovery", supervisor.discovery)
    app.router.add_route("*", f"{INGRESS_PATH}/{{path:.*}}", supervisor.ingress)
    if more_routes is not None:
        more_routes(supervisor, app.router)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    supervisor.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield supervisor
    finally:
        await runner.cleanup()
