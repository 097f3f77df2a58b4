"""The gateway with its engine, as `scripts/bridge` runs them or in the image, against the simulator."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
import json
import os
from pathlib import Path

from tests.simulator.client import Simulator
from tests.stack.process import ROOT, Process, running_process

GATEWAY_PYTHON = ROOT / ".venv/bin/python"
TOKEN = "test-token-of-the-bridge-0123456789"
START_LIMIT = 30.0
IN_IMAGE = "TEST_IMAGE"
"""The environment variable that has all bridges run in the image which scripts/image has built."""


@dataclass(frozen=True)
class Bridge:
    """A running gateway: its address, the token that it takes, its data folder."""

    url: str
    token: str
    data_dir: Path
    process: Process


@asynccontextmanager
async def running_bridge(
    data_dir: Path, simulator: Simulator | None, *, port: int = 0, inside: Sequence[str | Path] = (), **settings: str
) -> AsyncIterator[Bridge]:
    """Starts the gateway. `settings` are environment variables (`BRIDGE_…`, `ENGINE_…`); without a simulator it speaks to WhatsApp.

    `inside` is a command that becomes the one that follows it.
    """
    environment = {
        "BRIDGE_HOST": "127.0.0.1",
        "BRIDGE_PORT": str(port),
        "BRIDGE_DATA_DIR": str(data_dir),
        "BRIDGE_API_TOKEN": TOKEN,
    }
    if simulator is not None:
        environment |= {
            "BRIDGE_WHATSAPP_URL": simulator.whatsapp_url,
            "BRIDGE_MESSAGES_PER_SECOND": "0",
            "BRIDGE_RATE_LIMIT": "0",
            "NODE_EXTRA_CA_CERTS": str(simulator.certificate),
        }
    command: list[str | Path] = [*inside, GATEWAY_PYTHON, "-m", "whatsapp_bridge", "serve"]
    if os.environ.get(IN_IMAGE):
        command = [GATEWAY_PYTHON, "scripts/boot_image.py"]
        if simulator is not None:
            command += ["--volume", f"{simulator.certificate}:/run/simulator.pem"]
            environment["NODE_EXTRA_CA_CERTS"] = "/run/simulator.pem"
        command.append(data_dir)
        environment["BRIDGE_DATA_DIR"] = "/data"
    async with running_process("gateway", command, environment | settings) as process:
        line = await process.line(lambda text: '"listening"' in text, START_LIMIT, "listening")
        yield Bridge(json.loads(line)["url"], TOKEN, data_dir, process)
