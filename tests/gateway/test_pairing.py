"""Pairing: the code that is shown is the valid one, in every form a reader may want."""

from datetime import UTC, datetime

import pytest
from whatsapp_bridge.api.pairing import preferred_type
from whatsapp_bridge.engine_protocol import PairingUpdate
from whatsapp_bridge.qr import qr_png, qr_svg, qr_terminal

from tests.gateway.conftest import ALICE, RunGateway, Running, eventually
from tests.stack.qr import read_qr_picture, read_qr_svg

QR = "2@4Dh1nFq0aVxTt2rCq8bQd0wVQk5r1m8l6Zs,Yx0aJ3mK8bqk4m1l7o5Hn2pVd9qWs6Tg3Rf0Ze1Xc2C=,Tn7bUq2vHk9yLp4sWd1eRf6gJz3xCm8nBv5aQo0iPu4=,m5Kx8sDw1qAz6tRe3yHn9uJb2vGc7lFp4oIk0iMj5Xs="


async def pair(running: Running) -> None:
    await running.api("POST", "/v1/accounts", {"name": "Home"})
    reply = await running.api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
    assert reply.status == 202
    assert reply.data["status"] == "waiting"
    await eventually(lambda: shown(running) == "2@scripted")


def shown(running: Running) -> str | None:
    pairing = running.gateway.accounts.get("home").pairing
    return pairing.qr if pairing is not None else None


@pytest.mark.parametrize("path", ["/v1/accounts/home/qr", "/qr"])
async def test_the_code_comes_in_four_formats(run_gateway: RunGateway, path: str) -> None:
    async with run_gateway({"states": ["logged_out not_paired"]}) as running:
        await eventually(lambda: running.gateway.engine.state == "running")
        await pair(running)
        plain = await running.api("GET", path, Accept="application/json")
        svg = await running.api("GET", path, Accept="image/svg+xml")
        png = await running.api("GET", path, Accept="image/png")
        text = await running.api("GET", path, Accept="text/plain")
    assert plain.data == {"qr": "2@scripted", "expires_at": "2099-01-01T00:00:00.000Z"}
    assert read_qr_svg(svg.body.decode()) == read_qr_picture(png.body) == "2@scripted"
    assert "▀" in text.body.decode()
    assert all(reply.headers["Cache-Control"] == "no-store" for reply in (plain, svg, png, text))


async def test_an_expired_code_is_not_shown(run_gateway: RunGateway) -> None:
    async with run_gateway({"states": ["logged_out not_paired"]}) as running:
        await eventually(lambda: running.gateway.engine.state == "running")
        await pair(running)
        running.gateway.accounts.pairing_changed(
            PairingUpdate(
                account="home", method="qr", status="waiting", qr="2@old", expires_at=datetime(2026, 1, 1, tzinfo=UTC)
            )
        )
        reply = await running.api("GET", "/qr")
    assert (reply.status, reply.body["error_code"]) == (404, "qr_not_available")


async def test_without_an_account_the_simple_calls_say_so(run_gateway: RunGateway) -> None:
    async with run_gateway() as running:
        for method, path, body in [
            ("GET", "/qr", None),
            ("GET", "/status", None),
            ("POST", "/send", {"phone": ALICE, "message": "hello"}),
        ]:
            reply = await running.api(method, path, body)
            assert (reply.status, reply.body["error_code"]) == (404, "account_not_found")


@pytest.mark.parametrize(
    ("engine_code", "status", "error_code"),
    [
        ("already_paired", 409, "already_paired"),
        ("invalid_params", 422, "validation_error"),
        ("account_not_started", 503, "engine_unavailable"),
        ("something_new", 500, "internal_error"),
    ],
)
async def test_what_the_engine_refuses_is_told(
    run_gateway: RunGateway, engine_code: str, status: int, error_code: str
) -> None:
    async with run_gateway({"refuses": {"pairing.start": engine_code}}) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        reply = await running.api("POST", "/v1/accounts/home/pairing", {"method": "qr"})
    assert (reply.status, reply.body["error_code"]) == (status, error_code)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/json"),
        ("", "application/json"),
        ("image/png", "image/png"),
        ("image/*", "image/svg+xml"),
        ("text/html, image/png;q=0.5, image/svg+xml;q=0.8", "image/svg+xml"),
        ("text/plain;q=0, application/json", "application/json"),
        ("image/png;q=x, text/plain;q=0.1", "text/plain"),
        ("text/html", "application/json"),
    ],
)
def test_the_accept_header_decides(accept: str, expected: str) -> None:
    assert preferred_type(accept) == expected


def test_a_real_code_can_be_read_from_each_drawing() -> None:
    assert read_qr_svg(qr_svg(QR).decode()) == QR
    assert read_qr_picture(qr_png(QR)) == QR


def test_the_terminal_drawing_is_light_on_dark_with_its_own_colours() -> None:
    lines = qr_terminal(QR).splitlines()
    assert all(line.startswith("\033[97;40m") and line.endswith("\033[0m") for line in lines)
    assert lines[0].count("█") > 40
