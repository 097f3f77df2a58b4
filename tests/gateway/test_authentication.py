"""Who may call is checked everywhere."""

import asyncio
import re

import aiohttp
from fastapi import FastAPI
import pytest
from whatsapp_bridge.api.app import create_app
from whatsapp_bridge.api.authentication import READ_BY_BROWSERS
from yarl import URL

from tests.gateway.conftest import LIMIT, TOKEN, Api, RunGateway, Running, golden

WRONG = ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer ä"]


def http_routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every method of every route, as OpenAPI and the app itself list them."""
    paths = app.openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


async def test_no_route_but_liveness_answers_without_the_token(running: Running) -> None:
    app = create_app(running.gateway)
    routes = http_routes(app)
    assert len(routes) >= 15
    for method, path in [*routes, ("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/no/such/route")]:
        if path == "/health":
            continue
        url = running.api.url + re.sub(r"{\w+}", "home", path)
        for header in WRONG:
            async with running.api.session.request(method, url, headers={"Authorization": header}) as answer:
                body = await answer.json()
            assert (answer.status, body["error_code"]) == (401, "unauthorized"), (method, path, header)
            assert set(body) == set(golden("error-unauthorized"))
            scheme = "Basic" if path in READ_BY_BROWSERS else "Bearer"
            assert answer.headers["WWW-Authenticate"].startswith(scheme)
    assert len(running.gateway.accounts.all()) == 1


@pytest.mark.parametrize("header", WRONG)
async def test_a_websocket_is_refused_before_the_upgrade(api: Api, header: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await api.session.ws_connect(f"{api.url}/v1/events", headers={"Authorization": header})
    assert refused.value.status == 401


async def test_the_websockets_refusal_has_the_shape_of_all_failures(api: Api) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    async with api.session.get(f"{api.url}/v1/events", headers=upgrade) as answer:
        assert answer.status == 401
        assert (await answer.json())["error_code"] == "unauthorized"


async def test_liveness_needs_no_token_and_tells_nothing_personal(api: Api) -> None:
    async with api.session.get(f"{api.url}/health") as answer:
        text = await answer.text()
    assert answer.status == 200
    assert "home" not in text.lower()
    assert "+1555" not in text


async def test_the_scheme_is_case_insensitive(api: Api) -> None:
    assert (await api("GET", "/status", Authorization=f"bearer {TOKEN}")).status == 200


async def test_the_token_is_not_taken_from_the_url(api: Api) -> None:
    async with api.session.get(f"{api.url}/status?token={TOKEN}&access_token={TOKEN}") as answer:
        assert answer.status == 401


async def test_an_unauthorized_body_is_not_read(api: Api) -> None:
    url = URL(api.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"POST /send HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n")
    async with asyncio.timeout(LIMIT):
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")
    writer.close()
    await writer.wait_closed()


async def test_a_web_site_that_was_named_may_call_and_no_other(run_gateway: RunGateway) -> None:
    async with run_gateway(cors_origins=["https://panel.example"]) as running:
        for origin, allowed in (("https://panel.example", True), ("https://evil.example", False)):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            async with running.api.session.options(f"{running.api.url}/send", headers=asked) as preflight:
                assert ("Access-Control-Allow-Origin" in preflight.headers) is allowed
            async with running.api.session.post(f"{running.api.url}/send", headers={"Origin": origin}) as answer:
                assert answer.status == 401
