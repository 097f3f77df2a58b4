"""Runs the load against a bridge and the simulator, and looks whether every message that was accepted has arrived, once."""

import argparse
import asyncio
from collections import Counter
import os
from pathlib import Path
import sys
import tempfile

import aiohttp

from tests.gateway.conftest import Api
from tests.gateway.test_with_whatsapp import link
from tests.simulator.client import Simulator, running_simulator
from tests.stack.bridge import TOKEN, running_bridge

FOLDER = Path(__file__).parent
CONTACTS = [f"+1555200{number:04}" for number in range(20)]
ARRIVAL_LIMIT = 30.0


async def arrived(simulator: Simulator, wanted: int) -> Counter[str]:
    """Counts the texts that the contacts have decrypted, when all are there or the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ARRIVAL_LIMIT
    while True:
        texts: Counter[str] = Counter()
        for phone in CONTACTS:
            texts.update(message.text or "" for message in await simulator.contact_messages(phone))
        if len(texts) >= wanted or loop.time() > deadline:
            return texts
        await asyncio.sleep(0.2)


async def run(locust: Path, messages: int, users: int, seconds: int) -> int:
    """Returns the exit code: 1 where a call failed or a message is missing."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running_simulator() as simulator,
            running_bridge(Path(folder), simulator) as bridge,
            aiohttp.ClientSession() as session,
        ):
            await link(Api(bridge.url, session, bridge.token), simulator)
            for phone in CONTACTS:
                await simulator.add_contact(phone, phone)
            environment = os.environ | {
                "LOAD_MESSAGES": str(messages),
                "LOAD_RECIPIENTS": " ".join(CONTACTS),
                "LOAD_TOKEN": TOKEN,
            }
            process = await asyncio.create_subprocess_exec(
                *(locust, "--headless", "--only-summary", "-f", FOLDER / "locustfile.py", "--host", bridge.url),
                *(
                    "--users",
                    str(users),
                    "--spawn-rate",
                    str(users),
                    "--run-time",
                    f"{seconds}s",
                    "--stop-timeout",
                    "20",
                ),
                env=environment,
            )
            code = await process.wait()
            async with session.get(f"{bridge.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
                metrics = await answer.text()
            sent = sum(
                int(float(line.rsplit(" ", 1)[1]))
                for line in metrics.splitlines()
                if line.startswith("whatsapp_bridge_messages_total") and 'status="sent"' in line
            )
            texts = await arrived(simulator, sent)
            twice = [text for text, count in texts.items() if count > 1]
            print(f"{sent} sent, {len(texts)} decrypted, {len(twice)} of them more than once")
            return 1 if code or len(texts) != sent or twice else 0


def main() -> int:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description="Load test of the bridge, against the simulator")
    parser.add_argument("--locust", type=Path, required=True)
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    return asyncio.run(run(arguments.locust, arguments.messages, arguments.users, arguments.seconds))


if __name__ == "__main__":
    sys.exit(main())
