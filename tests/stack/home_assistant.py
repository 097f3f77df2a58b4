"""A real Home Assistant with the integration in its configuration folder, onboarded, and a small client for it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
import socket
from typing import Any

import aiohttp

from tests.stack.process import ROOT, Process, running_process

HASS = ROOT / ".cache/homeassistant/bin/hass"
USERNAME = "demo"
PASSWORD = "demo-password"
START_LIMIT = 60.0
ONBOARDING_LIMIT = 10.0
NEEDS_THE_INTERNET = "google_translate"

CONFIGURATION = """\
homeassistant:
  name: Demo
  country: DE
  currency: EUR
  time_zone: UTC
  unit_system: metric
  media_dirs:
    local: {media}
http:
  server_host: 127.0.0.1
  server_port: {port}
frontend:
config:
history:
logbook:
input_button:
  wash:
    name: Washing machine done
automation: !include automations.yaml
logger:
  default: warning
  logs:
    custom_components.whatsapp_gateway: info
"""


class CommandFailedError(Exception):
    """Home Assistant refused a WebSocket command. `code` and `translation_key` are Home Assistant's."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error.get("message", ""))
        self.code = error.get("code")
        self.translation_key = error.get("translation_key")


class HomeAssistantSocket:
    """One authenticated connection to Home Assistant's WebSocket API."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read(), name="Home Assistant's WebSocket")

    async def _read(self) -> None:
        async for message in self._socket:
            frame = message.json()
            if frame["type"] == "result":
                answer = self._answers.pop(frame["id"])
                if frame["success"]:
                    answer.set_result(frame["result"])
                else:
                    answer.set_exception(CommandFailedError(frame["error"]))
            elif frame["type"] == "event":
                self._events[frame["id"]].put_nowait(frame["event"])

    async def _command(self, number: int, kind: str, **fields: Any) -> Any:
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "type": kind, **fields})
        async with asyncio.timeout(30):
            return await answer

    async def command(self, kind: str, **fields: Any) -> Any:
        """Sends a command and returns its result."""
        return await self._command(next(self._numbers), kind, **fields)

    async def subscribe(self, kind: str, **fields: Any) -> asyncio.Queue[dict[str, Any]]:
        """Sends a subscribing command; its events come through the queue."""
        number = next(self._numbers)
        events = self._events[number] = asyncio.Queue()
        await self._command(number, kind, **fields)
        return events

    async def close(self) -> None:
        await self._socket.close()
        await self._reader


@dataclass(frozen=True)
class HomeAssistant:
    """A running, onboarded Home Assistant."""

    url: str
    config_dir: Path
    process: Process
    session: aiohttp.ClientSession
    access_token: str

    async def request(self, method: str, path: str, body: object = None) -> Any:
        """Calls the REST API and returns the decoded body.

        Raises:
            aiohttp.ClientResponseError: it was not answered with 200 or 201; `message` holds the body.
        """
        headers = {"Authorization": f"Bearer {self.access_token}"}
        async with self.session.request(method, f"{self.url}{path}", json=body, headers=headers) as response:
            if response.status >= 400:
                raise aiohttp.ClientResponseError(
                    response.request_info, (), status=response.status, message=await response.text()
                )
            return await response.json()

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[HomeAssistantSocket]:
        """Opens a WebSocket connection."""
        async with self.session.ws_connect(f"{self.url}/api/websocket", max_msg_size=0) as websocket:
            await websocket.receive_json()
            await websocket.send_json({"type": "auth", "access_token": self.access_token})
            assert (await websocket.receive_json())["type"] == "auth_ok"
            connection = HomeAssistantSocket(websocket)
            try:
                yield connection
            finally:
                await connection.close()

    async def call(self, action: str, **data: Any) -> None:
        """Performs an action (`notify.whatsapp`) and waits for its end."""
        await self.request("POST", f"/api/services/{action.replace('.', '/')}", data)

    async def answered(self, action: str, **data: Any) -> dict[str, Any]:
        """Performs an action and returns its response."""
        path = f"/api/services/{action.replace('.', '/')}?return_response"
        response: dict[str, Any] = (await self.request("POST", path, data))["service_response"]
        return response

    async def state(self, entity_id: str) -> str:
        """Returns an entity's state."""
        return str((await self.request("GET", f"/api/states/{entity_id}"))["state"])

    async def start_flow(self) -> dict[str, Any]:
        """Starts the integration's config flow and returns its first step."""
        step: dict[str, Any] = await self.request(
            "POST", "/api/config/config_entries/flow", {"handler": "whatsapp_gateway"}
        )
        return step

    async def flow(self, flow_id: str) -> dict[str, Any]:
        """Returns the step that a config flow is at."""
        step: dict[str, Any] = await self.request("GET", f"/api/config/config_entries/flow/{flow_id}")
        return step

    async def answer_flow(self, flow_id: str, **answers: Any) -> dict[str, Any]:
        """Submits a form of a config flow and returns the next step."""
        step: dict[str, Any] = await self.request("POST", f"/api/config/config_entries/flow/{flow_id}", answers)
        return step


def free_port() -> int:
    """Home Assistant takes no port 0: a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_configuration(config_dir: Path, port: int, automations: str, more: str = "") -> None:
    """Makes a configuration folder with the integration of this checkout linked into it."""
    config_dir.mkdir(parents=True, exist_ok=True)
    (config_dir / "configuration.yaml").write_text(CONFIGURATION.format(port=port, media=config_dir / "media") + more)
    (config_dir / "automations.yaml").write_text(automations)
    for folder in ("custom_components", "media"):
        (config_dir / folder).mkdir(exist_ok=True)
    link = config_dir / "custom_components/whatsapp_gateway"
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT / "custom_components/whatsapp_gateway")


async def _answers(session: aiohttp.ClientSession, url: str) -> None:
    while True:
        try:
            async with session.get(f"{url}/api/onboarding") as response:
                # once all steps were answered, Home Assistant has this page no more
                if response.status in {200, 404}:
                    return
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.1)


async def _log_in(session: aiohttp.ClientSession, url: str) -> str:
    """Goes through onboarding as the browser would and returns an access token."""
    client_id = f"{url}/"
    owner = {"client_id": client_id, "name": "Demo", "username": USERNAME, "password": PASSWORD, "language": "en"}
    async with session.post(f"{url}/api/onboarding/users", json=owner) as response:
        response.raise_for_status()
        code = (await response.json())["auth_code"]
    grant = {"grant_type": "authorization_code", "client_id": client_id, "code": code}
    async with session.post(f"{url}/auth/token", data=grant) as response:
        response.raise_for_status()
        token = str((await response.json())["access_token"])
    headers = {"Authorization": f"Bearer {token}"}
    for step, body in (
        ("core_config", {}),
        ("analytics", {}),
        ("integration", {"client_id": client_id, "redirect_uri": f"{url}/?auth_callback=1"}),
    ):
        async with session.post(f"{url}/api/onboarding/{step}", json=body, headers=headers) as response:
            response.raise_for_status()
    return token


async def _settle(home_assistant: HomeAssistant) -> None:
    """Confirms the port, which Home Assistant would take back after five minutes, and removes what onboarding adds for the internet."""
    async with home_assistant.socket() as socket:
        await socket.command("http/config/promote")
    # onboarding adds it in the background, shortly after its steps were answered
    async with asyncio.timeout(ONBOARDING_LIMIT):
        while not (added := await _entries(home_assistant, NEEDS_THE_INTERNET)):
            await asyncio.sleep(0.05)
    for entry in added:
        await home_assistant.request("DELETE", f"/api/config/config_entries/entry/{entry['entry_id']}")


async def _entries(home_assistant: HomeAssistant, domain: str) -> list[dict[str, Any]]:
    entries = await home_assistant.request("GET", f"/api/config/config_entries/entry?domain={domain}")
    return list(entries)


@asynccontextmanager
async def running_home_assistant(
    config_dir: Path, automations: str = "[]\n", more: str = ""
) -> AsyncIterator[HomeAssistant]:
    """Starts Home Assistant in a fresh configuration folder on a free port and onboards it. `more` is added to its YAML."""
    port = free_port()
    write_configuration(config_dir, port, automations, more)
    async with _started(config_dir, f"http://127.0.0.1:{port}") as (process, session, url):
        home_assistant = HomeAssistant(url, config_dir, process, session, await _log_in(session, url))
        await _settle(home_assistant)
        yield home_assistant


@asynccontextmanager
async def home_assistant_again(before: HomeAssistant) -> AsyncIterator[HomeAssistant]:
    """Starts Home Assistant again as one that was stopped."""
    async with _started(before.config_dir, before.url) as (process, session, url):
        yield HomeAssistant(url, before.config_dir, process, session, before.access_token)


@asynccontextmanager
async def home_assistant_begun_again(before: HomeAssistant) -> AsyncIterator[HomeAssistant]:
    """As above, but does not wait until it answers: it may be killed before it does."""
    async with (
        running_process("Home Assistant", _command(before.config_dir), {}) as process,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
    ):
        yield HomeAssistant(before.url, before.config_dir, process, session, before.access_token)


def _command(config_dir: Path) -> list[str | Path]:
    return [HASS, "--config", config_dir, "--skip-pip", "--log-file", config_dir / "home-assistant.log"]


@asynccontextmanager
async def _started(config_dir: Path, url: str) -> AsyncIterator[tuple[Process, aiohttp.ClientSession, str]]:
    async with (
        running_process("Home Assistant", _command(config_dir), {}) as process,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
    ):
        async with asyncio.timeout(START_LIMIT):
            await _answers(session, url)
        yield process, session, url
