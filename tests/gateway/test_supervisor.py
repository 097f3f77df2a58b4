"""Home Assistant's Supervisor is told where the gateway is, until it has understood."""

import asyncio
from collections.abc import AsyncIterator
import socket

import pytest
from whatsapp_bridge import supervisor as telling
from whatsapp_bridge.supervisor import announced

from tests.gateway.conftest import TOKEN
from tests.stack.supervisor import SUPERVISOR_TOKEN, Supervisor, running_supervisor


@pytest.fixture
async def supervisor(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Supervisor]:
    monkeypatch.setattr(telling, "_FIRST_PAUSE", 0.01)
    monkeypatch.setenv("SUPERVISOR_TOKEN", SUPERVISOR_TOKEN)
    async with running_supervisor() as supervisor:
        yield supervisor


async def test_it_is_told_address_and_token(supervisor: Supervisor) -> None:
    async with announced(supervisor.url, 8000, TOKEN):
        await supervisor.was_called(1)
    config = {"host": socket.gethostname(), "port": 8000, "token": TOKEN}
    assert supervisor.discovered == [{"service": "whatsapp_gateway", "config": config}]


async def test_it_is_told_again_until_it_takes_it(supervisor: Supervisor) -> None:
    supervisor.statuses = [502, 503]
    async with announced(supervisor.url, 8000, TOKEN):
        await supervisor.was_called(3)
    assert len(supervisor.discovered) == 1


async def test_a_refusal_is_final(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SUPERVISOR_TOKEN", "another")
    async with announced(supervisor.url, 8000, TOKEN):
        async with asyncio.timeout(10):
            while any(task.get_name() == "discovery" for task in asyncio.all_tasks()):
                await asyncio.sleep(0.01)
    assert supervisor.calls == 1
    assert supervisor.discovered == []


async def test_without_a_supervisor_nobody_is_told(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    async with announced(None, 8000, TOKEN):
        pass
    monkeypatch.delenv("SUPERVISOR_TOKEN")
    async with announced(supervisor.url, 8000, TOKEN):
        await asyncio.sleep(0)
    assert supervisor.calls == 0


async def test_one_that_does_not_answer_does_not_hold_up_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERVISOR_TOKEN", SUPERVISOR_TOKEN)
    async with asyncio.timeout(5), announced("http://127.0.0.1:9", 8000, TOKEN):
        await asyncio.sleep(0.05)
