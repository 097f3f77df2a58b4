"""What is alive in the gateway and its engine, both started with a probe: memory, timers, tasks, sockets, open files."""

import asyncio
from dataclasses import dataclass
import json
import os
from pathlib import Path
import signal

from tests.stack.bridge import Bridge
from tests.stack.proc import children, status
from tests.stack.process import ROOT

_PROBES = ROOT / "tests/stack/probes"
_LIMIT = 20.0
_SIZES = ("bytes", "objects")


@dataclass(frozen=True)
class Reading:
    """What was alive at a moment, after garbage was collected, each named `… of the gateway` or `… of the engine`.

    `sizes` move a little by themselves; `counts` are of what has to be ended by who began it.
    """

    sizes: dict[str, int]
    counts: dict[str, int]

    def more_than(self, other: Reading) -> dict[str, tuple[int, int]]:
        """Returns the counts that are higher here, with those of the other."""
        return {name: (other.counts[name], count) for name, count in self.counts.items() if count > other.counts[name]}


def probed(folder: Path) -> dict[str, str]:
    """Returns the settings that a bridge must be started with."""
    return {
        "PYTHONPATH": str(_PROBES),
        "GATEWAY_PROBE": str(folder / "gateway.json"),
        "BRIDGE_ENGINE_BUNDLE": str(_PROBES / "engine.mjs"),
        "ENGINE_PROBE": str(folder / "engine.json"),
    }


async def reading(bridge: Bridge, folder: Path) -> Reading:
    """Reads a bridge that was started with `probed(folder)`."""
    gateway = bridge.process.pid
    [engine] = children(gateway)
    found = Reading({}, {})
    for name, pid in (("gateway", gateway), ("engine", engine)):
        figures = await _asked(pid, folder / f"{name}.json")
        figures["resident bytes"] = int(status(pid)["VmRSS"].split()[0]) * 1024
        figures["open files"] = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        figures["threads"] = int(status(pid)["Threads"])
        for figure, value in figures.items():
            kind = found.sizes if figure.endswith(_SIZES) else found.counts
            kind[f"{figure} of the {name}"] = value
    return found


async def _asked(pid: int, file: Path) -> dict[str, int]:
    file.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR2)
    async with asyncio.timeout(_LIMIT):
        while not file.exists():
            await asyncio.sleep(0.01)
    figures: dict[str, int] = json.loads(file.read_text())
    return figures
