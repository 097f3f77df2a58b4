"""Files that come in: from the internet without a way into the local network, checked for what they are, never more than is allowed."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
import json
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
import pytest
from whatsapp_bridge import guarded_fetch
from whatsapp_bridge.guarded_fetch import is_allowed

from tests.gateway.conftest import ALICE, Reply, RunGateway, Running, eventually
from tests.gateway.media_samples import film, moving_picture, picture, sound

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def website(**pages: Handler) -> AsyncIterator[str]:
    """A web server of the test; yields its address."""
    app = web.Application()
    for name, page in pages.items():
        app.router.add_get(f"/{name}", page)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def open_to_loopback(run_gateway: RunGateway) -> AsyncIterator[Running]:
    """A gateway that may fetch from this machine."""
    async with run_gateway(allowed_addresses=["127.0.0.0/8"], max_file_size=200_000) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        await running.reaches("connected")
        yield running


async def by_url(running: Running, url: str, kind: str = "image", **media: object) -> Reply:
    body = {"type": kind, "to": ALICE, "media": {"url": url} | media}
    return await running.api("POST", "/v1/accounts/home/messages?wait=5", body)


async def by_data(running: Running, content: bytes, kind: str = "image", **media: object) -> Reply:
    data = base64.b64encode(content).decode()
    body = {"type": kind, "to": ALICE, "media": {"data": data} | media}
    return await running.api("POST", "/v1/accounts/home/messages?wait=5", body)


def refused(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.body["error_code"]


def leftovers(running: Running) -> list[Path]:
    return list((running.gateway.settings.data_dir / "outgoing").iterdir())


async def a_picture(_: web.Request) -> web.StreamResponse:
    return web.Response(body=picture(), content_type="image/jpeg")


async def test_a_picture_by_its_address(open_to_loopback: Running) -> None:
    async with website(door=a_picture) as site:
        assert (await by_url(open_to_loopback, f"{site}/door")).status == 200
    content = open_to_loopback.sent()[0]["content"]
    assert (content["type"], content["media"]["mimetype"], content["media"]["width"]) == ("image", "image/jpeg", 320)
    await eventually(lambda: leftovers(open_to_loopback) == [])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost/x",
        "http://[::1]/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://10.0.0.1/x",
        "http://192.168.1.1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/x",
        "file:///etc/passwd",
        "ftp://example.org/x",
        "http://user:secret@example.org/x",
        "nonsense",
    ],
)
async def test_the_local_network_is_out_of_reach(running: Running, url: str) -> None:
    assert refused(await by_url(running, url)) == (422, "media_url_forbidden")
    assert leftovers(running) == []


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("2002:7f00:1::", False),
        ("192.168.5.9", True),
        ("192.168.6.9", False),
    ],
)
def test_which_addresses_callers_may_reach(address: str, *, allowed: bool) -> None:
    assert is_allowed("host", address, ["192.168.5.0/24"]) is allowed
    assert is_allowed("nas.local", address, ["nas.local"])


async def test_a_redirect_is_checked_anew(open_to_loopback: Running) -> None:
    async def inward(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://10.0.0.1/x")

    async def around(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.url)

    async with website(inward=inward, around=around) as site:
        assert refused(await by_url(open_to_loopback, f"{site}/inward")) == (422, "media_url_forbidden")
        assert refused(await by_url(open_to_loopback, f"{site}/around")) == (422, "media_url_forbidden")


async def test_credentials_go_to_their_own_host_alone(open_to_loopback: Running) -> None:
    seen: list[str | None] = []

    async def target(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return await a_picture(request)

    async with website(target=target) as other:

        async def away(request: web.Request) -> web.StreamResponse:
            seen.append(request.headers.get("Authorization"))
            raise web.HTTPFound(f"{other}/target")

        async with website(away=away) as site:
            assert (await by_url(open_to_loopback, f"{site}/away", token="secret")).status == 200
            assert (await by_url(open_to_loopback, f"{site}/away", username="me", password="pw")).status == 200
    assert seen == ["Bearer secret", None, "Basic bWU6cHc=", None]


async def test_a_server_that_fails_is_named_by_its_answer(open_to_loopback: Running) -> None:
    async with website() as site:
        reply = await by_url(open_to_loopback, f"{site}/nothing")
    assert refused(reply) == (502, "media_url_failed")
    assert "404" in reply.body["detail"]
    assert refused(await by_url(open_to_loopback, "http://127.0.0.1:1/x")) == (502, "media_url_failed")


async def test_a_url_without_an_end_ends(open_to_loopback: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_fetch, "TOTAL_SECONDS", 0.5)

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"\xff\xd8\xff")
            await asyncio.sleep(0.01)

    async with website(endless=endless) as site:
        assert refused(await by_url(open_to_loopback, f"{site}/endless")) == (504, "media_url_timeout")
    assert leftovers(open_to_loopback) == []


@pytest.mark.parametrize("told", [True, False])
async def test_a_file_over_the_limit_is_not_read_to_its_end(open_to_loopback: Running, *, told: bool) -> None:
    async def large(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "900000000"} if told else {})
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 50_000)

    async with website(large=large) as site:
        assert refused(await by_url(open_to_loopback, f"{site}/large", "document")) == (413, "media_too_large")
    assert refused(await by_data(open_to_loopback, b"x" * 200_001, "document")) == (413, "media_too_large")
    assert leftovers(open_to_loopback) == []


@pytest.mark.parametrize(
    ("kind", "content", "told", "expected"),
    [
        ("image", b"", None, (422, "media_empty")),
        ("image", b"this is no picture", None, (422, "media_unreadable")),
        ("image", picture()[:400], None, (422, "media_unreadable")),
        ("sticker", b"%PDF-1.7 no picture", None, (422, "media_unreadable")),
        ("image", moving_picture(), None, (415, "media_type_not_allowed")),
        ("document", picture(), "application/pdf", (415, "media_type_mismatch")),
        ("video", b"neither sound nor film", None, (422, "media_unreadable")),
        ("audio", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", None, (422, "media_unreadable")),
    ],
)
async def test_what_is_not_what_it_should_be_is_refused(
    running: Running, kind: str, content: bytes, told: str | None, expected: tuple[int, str]
) -> None:
    media = {"mimetype": told} if told else {}
    assert refused(await by_data(running, content, kind, **media)) == expected
    assert leftovers(running) == []
    assert running.sent() == []


async def test_a_film_is_no_sound_and_a_sound_no_film(running: Running, tmp_path: Path) -> None:
    assert refused(await by_data(running, sound(tmp_path), "video")) == (415, "media_type_not_allowed")
    assert refused(await by_data(running, moving_picture(), "audio")) == (415, "media_type_not_allowed")


async def test_a_film_that_phones_do_not_play_is_made_into_one(running: Running, tmp_path: Path) -> None:
    assert (await by_data(running, film(tmp_path, "film.avi"), "video")).status == 200
    media = running.sent()[0]["content"]["media"]
    assert (media["mimetype"], media["width"], media["height"]) == ("video/mp4", 320, 180)
    await eventually(lambda: leftovers(running) == [])


async def test_without_ffmpeg_it_is_told(running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = sound(tmp_path)
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: str(tmp_path / "missing"))
    assert refused(await by_data(running, content, "voice")) == (503, "media_converter_missing")


@pytest.mark.parametrize(
    ("media", "field"),
    [
        ({"data": "not base64!"}, "media.data"),
        ({}, "media"),
        ({"url": "http://example.org/x", "data": "aGVsbG8="}, "media"),
        ({"data": "aGVsbG8=", "more": 1}, "media.more"),
    ],
)
async def test_a_source_of_a_wrong_form_is_named(running: Running, media: dict[str, Any], field: str) -> None:
    reply = await running.api("POST", "/v1/accounts/home/messages", {"type": "image", "to": ALICE, "media": media})
    assert refused(reply) == (422, "validation_error")
    assert field in reply.body["detail"]


async def test_the_same_key_with_the_same_file_sends_once(running: Running) -> None:
    body = {"type": "image", "to": ALICE, "media": {"data": base64.b64encode(picture()).decode()}}
    path = "/v1/accounts/home/messages?wait=5"
    first, again = [await running.api("POST", path, body, Idempotency_Key="one") for _ in range(2)]
    assert first.data["messageId"] == again.data["messageId"]
    other = body | {"media": {"data": base64.b64encode(picture(color="red")).decode()}}
    assert refused(await running.api("POST", path, other, Idempotency_Key="one")) == (409, "idempotency_conflict")
    await eventually(lambda: leftovers(running) == [])
    assert len(running.sent()) == 1


async def test_a_file_waits_with_its_message_through_a_restart(run_gateway: RunGateway) -> None:
    async with run_gateway({"states": ["connecting"]}) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        assert (await by_data(running, picture())).status == 202
        [kept] = leftovers(running)
        assert kept.stat().st_mode & 0o777 == 0o600
        (kept.parent / "left-behind").write_bytes(b"of a gateway that was killed")
    async with run_gateway() as running:
        await eventually(lambda: len(running.sent()) == 1)
        assert running.sent()[0]["content"]["media"]["path"] == str(kept)
        await eventually(lambda: leftovers(running) == [])


async def upload(running: Running, content: AsyncIterator[bytes] | bytes, **message: object) -> tuple[int, Any]:
    form = aiohttp.FormData()
    body = {"type": "document", "to": ALICE, "media": {}} | message
    form.add_field("message", json.dumps(body), content_type="application/json")
    form.add_field("file", content, filename="file.bin", content_type="application/octet-stream")
    headers = {"Authorization": f"Bearer {running.api.token}"}
    url = f"{running.api.url}/v1/accounts/home/messages?wait=5"
    async with running.api.session.post(url, data=form, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_an_upload_without_its_parts_is_refused(running: Running) -> None:
    for parts, missing in (({"message": "{}"}, "type"), ({"file": "x"}, "message")):
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("x", b"", filename="x")
        for name, value in parts.items():
            form.add_field(name, value)
        headers = {"Authorization": f"Bearer {running.api.token}"}
        async with running.api.session.post(
            f"{running.api.url}/v1/accounts/home/messages", data=form, headers=headers
        ) as answer:
            assert answer.status in {400, 422}, missing
            assert (await answer.json())["error_code"] == "validation_error"


async def test_an_upload_over_the_limit_is_refused(run_gateway: RunGateway) -> None:
    async with run_gateway(max_file_size=100_000) as running:
        await running.api("POST", "/v1/accounts", {"name": "Home"})
        status, answer = await upload(running, b"x" * 100_001)
        assert (status, answer["error_code"]) == (413, "media_too_large")
        assert leftovers(running) == []


async def test_a_preview_of_the_first_link(open_to_loopback: Running) -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        head = '<title>plain</title><meta property="og:title" content="Door &amp; Co"><meta name="description" content="All doors">'
        return web.Response(
            text=f"<html><head>{head}<meta property='og:image' content='/door'></head></html>", content_type="text/html"
        )

    async with website(page=page, door=a_picture) as site:
        text = f"look: {site}/page."
        body = {"type": "text", "to": ALICE, "text": text, "link_preview": True}
        assert (await open_to_loopback.api("POST", "/v1/accounts/home/messages?wait=5", body)).status == 200
        broken = body | {"text": f"{site}/nothing"}
        assert (await open_to_loopback.api("POST", "/v1/accounts/home/messages?wait=5", broken)).status == 200
    preview = open_to_loopback.sent()[0]["content"]["link_preview"]
    assert (preview["url"], preview["title"], preview["description"]) == (f"{site}/page", "Door & Co", "All doors")
    assert base64.b64decode(preview["thumbnail"]).startswith(b"\xff\xd8")
    assert "link_preview" not in open_to_loopback.sent()[1]["content"]


async def test_a_text_has_no_file(running: Running) -> None:
    form = aiohttp.FormData()
    form.add_field("message", json.dumps({"type": "text", "to": ALICE, "text": "hello"}))
    form.add_field("file", b"x", filename="x")
    headers = {"Authorization": f"Bearer {running.api.token}"}
    url = f"{running.api.url}/v1/accounts/home/messages"
    async with running.api.session.post(url, data=form, headers=headers) as answer:
        assert (answer.status, (await answer.json())["error_code"]) == (422, "validation_error")
