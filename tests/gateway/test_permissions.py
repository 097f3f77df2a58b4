"""Who and what is refused: no token, a wrong one, ingress from elsewhere, paths, sizes; and what never stands anywhere."""

import asyncio
from collections.abc import AsyncIterator
import json
from pathlib import Path
import re

import aiohttp
from fastapi import FastAPI
import pytest
from whatsapp_bridge.api.app import create_app
from whatsapp_bridge.api.authentication import PUBLIC_PATHS
from yarl import URL

from tests.gateway.conftest import ALICE, LIMIT, TOKEN, Api, RunGateway, Running
from tests.stack.supervisor import INGRESS_PATH, running_supervisor

INGRESS = {"X-Ingress-Path": INGRESS_PATH, "X-Remote-User-Id": "abc", "X-Remote-User-Name": "demo"}
FORGED = {
    "X-Forwarded-For": "172.30.32.2", "X-Real-IP": "172.30.32.2", "Forwarded": "for=172.30.32.2", "X-Client-IP": "172.30.32.2",
    "X-Hassio-Key": TOKEN, "X-Supervisor-Token": TOKEN,
}  # fmt: skip
SECRET = "the code of the door is 4711"


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every method of every route that OpenAPI knows, with its parameters filled in."""
    paths = app.openapi()["paths"]
    return [(method.upper(), re.sub(r"{\w+}", "home", path)) for path, methods in paths.items() for method in methods]


async def status(api: Api, method: str, path: str, headers: dict[str, str]) -> int:
    """Calls a route as a stranger, with these headers alone."""
    async with api.session.request(method, URL(api.url + path, encoded=True), headers=headers) as answer:
        await answer.read()
        return answer.status


@pytest.fixture
async def behind_ingress(run_gateway: RunGateway) -> AsyncIterator[Running]:
    """A gateway that takes this machine for the Supervisor."""
    async with run_gateway(ingress_address="127.0.0.1") as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        yield running


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong-token-0123456789"}, INGRESS, INGRESS | FORGED],
    ids=["no token", "wrong token", "ingress header", "ingress header and forged addresses"],
)
async def test_every_route_refuses_a_stranger(running: Running, headers: dict[str, str]) -> None:
    everything = routes(create_app(running.gateway))
    assert len(everything) >= 20
    for method, path in everything:
        if path not in PUBLIC_PATHS:
            assert await status(running.api, method, path, headers) == 401, (method, path)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await running.api.session.ws_connect(f"{running.api.url}/v1/events", headers=headers)
    assert refused.value.status == 401
    assert len(running.gateway.accounts.all()) == 1
    assert running.sent() == []


async def test_the_ingress_header_counts_only_from_the_supervisors_address(run_gateway: RunGateway) -> None:
    async with run_gateway(ingress_address="172.30.32.2") as running:
        for headers in (INGRESS, INGRESS | FORGED):
            assert await status(running.api, "GET", "/v1/gateway", headers) == 401


async def test_the_supervisors_address_counts_only_with_the_ingress_header(behind_ingress: Running) -> None:
    """The Supervisor itself and its watchdog come from there too, for nobody who is logged in."""
    assert await status(behind_ingress.api, "GET", "/v1/gateway", {}) == 401
    assert await status(behind_ingress.api, "GET", "/v1/gateway", INGRESS) == 200


async def test_what_the_supervisor_passes_on_needs_no_token(behind_ingress: Running) -> None:
    async with running_supervisor(behind_ingress.api.url) as supervisor, aiohttp.ClientSession() as session:
        async with session.get(f"{supervisor.page}v1/gateway") as answer:
            assert answer.status == 200
        async with session.get(supervisor.page) as answer:
            assert "WhatsApp Gateway" in await answer.text()


async def test_without_a_token_there_is_liveness_and_an_empty_page(api: Api) -> None:
    assert {"/health", "/", "/page.css", "/page.js", "/page.svg"} == PUBLIC_PATHS
    for path in PUBLIC_PATHS:
        async with api.session.get(api.url + path) as answer:
            text = await answer.text()
            assert answer.status == 200
        for private in ("home", "+1555", TOKEN):
            assert private not in text.replace("home-", "").replace("Home Assistant", ""), (path, private)


async def test_the_page_takes_nothing_from_elsewhere_and_is_framed_by_nobody_else(api: Api) -> None:
    async with api.session.get(api.url + "/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        text = await answer.text()
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"""\s(style|on\w+)=|https?:|<script>|(src|href)=["']/""", text)


PATHS = [
    "/page.js/../../settings.py", "/../api-token", "/%2e%2e/api-token", "/..%2fapi-token", "/page.css%00", "//etc/passwd",
    "/page/../../../etc/passwd", "/page.js/..%5c..%5capi-token",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_no_path_leads_out_of_the_page(api: Api, path: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
        host, port = URL(api.url).host, URL(api.url).port
        reader, writer = await asyncio.open_connection(host, port)
        lines = [f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(LIMIT):
            answer = await reader.read()
        writer.close()
        assert re.match(rb"HTTP/1\.1 (400|401|404) ", answer), answer[:200]
        assert b"root:" not in answer
        assert TOKEN.encode() not in answer


@pytest.mark.parametrize(
    "account", ["..", "..%2f..%2fetc", "%2e%2e%2f%2e%2e", "home%2f..%2f..", "home%00", "HOME", "%20", "x" * 5000]
)
async def test_no_account_id_leads_out_of_the_data_folder(running: Running, account: str) -> None:
    folder = running.gateway.settings.data_dir
    outside = folder.parent / "outside"
    outside.touch()
    for method, rest in (
        ("GET", ""),
        ("DELETE", ""),
        ("GET", "/qr"),
        ("GET", "/messages/x"),
        ("GET", "/media/..%2f..%2fapi-token"),
    ):
        found = await status(running.api, method, f"/v1/accounts/{account}{rest}", {"Authorization": f"Bearer {TOKEN}"})
        assert 400 <= found < 500, (method, rest, found)
    kept = (outside, folder / "log-key", folder / "gateway.db", folder / "engine")
    assert [path for path in kept if not path.exists()] == []
    assert len(running.gateway.accounts.all()) == 1


async def test_a_name_that_looks_like_a_path_is_a_name(running: Running) -> None:
    added = (await running.api("POST", "/v1/accounts", {"name": "../../etc/passwd"})).data
    assert re.fullmatch(r"[a-z0-9-]+", added["id"])
    assert not list(Path(running.gateway.settings.data_dir).parent.glob("etc*"))


async def test_a_file_name_that_is_a_path_stays_below_the_data_folder(running: Running, tmp_path: Path) -> None:
    form = aiohttp.FormData()
    form.add_field(
        "message", json.dumps({"type": "document", "to": ALICE, "media": {}}), content_type="application/json"
    )
    form.add_field("file", b"%PDF-1.4 x", filename="../../../../tmp/evil.pdf", content_type="application/pdf")
    url = f"{running.api.url}/v1/accounts/home/messages?wait=5"
    async with running.api.session.post(url, data=form, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status < 500
    assert not [path for path in tmp_path.rglob("*evil*") if not path.is_relative_to(running.gateway.settings.data_dir)]
    assert not Path("/tmp/evil.pdf").exists()  # noqa: S108


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/v1/accounts", 600_000),
        ("/send", 600_000),
        ("/v1/gateway", 600_000),
        ("/v1/accounts/home/messages", 40_000_000),
    ],
)
async def test_a_body_that_is_too_large_is_refused_before_it_is_kept(running: Running, path: str, size: int) -> None:
    method = "PATCH" if path == "/v1/gateway" else "POST"
    reader, writer = await asyncio.open_connection(URL(running.api.url).host, URL(running.api.url).port)
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(LIMIT):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_the_token_and_what_is_written_stand_in_no_log_answer_or_database(
    run_gateway: RunGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    async with run_gateway() as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        await running.api.send(SECRET, wait=5)
        for headers in ({"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
            await status(running.api, "GET", f"/v1/accounts?token={TOKEN}", headers)
        body = {"type": "text", "to": "nobody", "text": SECRET, "token": TOKEN}
        await running.api("POST", "/v1/accounts/home/messages", body)
        for path in ("/health", "/metrics", "/v1/gateway", "/v1/gateway/report", "/v1/accounts", "/status"):
            told = str((await running.api("GET", path)).body)
            assert TOKEN not in told, path
            assert SECRET not in told, path
        for file in running.gateway.settings.data_dir.glob("gateway.db*"):
            assert TOKEN.encode() not in file.read_bytes(), file
    log = capsys.readouterr().out
    assert "message_settled" in log
    for private in (TOKEN, SECRET, ALICE, ALICE.removeprefix("+")):
        assert private not in log, private


async def test_secrets_on_disk_are_their_owners_alone(run_gateway: RunGateway) -> None:
    async with run_gateway(api_token=None) as running:
        folder = running.gateway.settings.data_dir
        assert folder.stat().st_mode & 0o077 == 0
        for name in ("api-token", "log-key"):
            assert (folder / name).stat().st_mode & 0o077 == 0, name
