"""What processes use, read from /proc."""

from dataclasses import dataclass
import os
from pathlib import Path
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")
_MEBIBYTE = 1024  # in kB, as /proc has it


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory in MiB and CPU time in seconds of one process, or of several together."""

    resident: float
    proportional: float
    """Resident, with pages that several processes share counted once."""
    cpu: float

    def __add__(self, other: Self) -> Usage:
        """Takes both together."""
        return Usage(self.resident + other.resident, self.proportional + other.proportional, self.cpu + other.cpu)


NOTHING = Usage(0.0, 0.0, 0.0)


def usage(pid: int) -> Usage:
    """Returns what a process with all its descendants uses now."""
    return sum((_usage(one) for one in [pid, *_descendants(pid)]), NOTHING)


def usage_alone(pid: int) -> Usage:
    """Returns what a process uses, without its descendants."""
    return _usage(pid)


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children = [int(child) for child in (task / "children").read_text().split()]
        found += children
        for child in children:
            found += _descendants(child)
    return found


def _usage(pid: int) -> Usage:
    rollup = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    cpu = (int(fields[11]) + int(fields[12])) / _TICKS
    return Usage(_kilobytes(rollup["Rss"]) / _MEBIBYTE, _kilobytes(rollup["Pss"]) / _MEBIBYTE, cpu)


def _kilobytes(text: str) -> int:
    return int(text.split(maxsplit=1)[0])
