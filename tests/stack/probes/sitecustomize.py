"""Python imports this at its start where its folder is in PYTHONPATH: on SIGUSR2 the process collects garbage and writes what is alive in it.

As JSON, to the file that GATEWAY_PROBE names.
"""

import asyncio
import gc
import json
import os
from pathlib import Path
import signal
import sys
from types import FrameType


def _write(_signal: int, _frame: FrameType | None) -> None:
    gc.collect()
    alive = gc.get_objects()
    reading = {
        "allocated objects": sys.getallocatedblocks(),
        "tasks": sum(isinstance(one, asyncio.Task) and not one.done() for one in alive),
        "timers": sum(type(one).__name__ == "TimerHandle" and not one.cancelled() for one in alive),
    }
    path = Path(os.environ["GATEWAY_PROBE"])
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(reading))
    draft.rename(path)


if "GATEWAY_PROBE" in os.environ:
    signal.signal(signal.SIGUSR2, _write)
