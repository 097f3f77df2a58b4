"""The facts of the machine and of what runs on it."""

from collections.abc import Mapping
import os
from pathlib import Path
import platform
import shutil
import subprocess

from benchmarks.contestants import NODE

_WRITTEN = ("RESULTS.md", "results.json", "findings.md", "plots")


def machine() -> Mapping[str, str]:
    """Returns them, in words."""
    cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    node = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True)
    return {
        "CPU": f"{cpu.split(':')[1].strip()}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "disk of the data folders": _file_system(Path("/tmp")),  # noqa: S108 - where tempfile puts them
        "system": f"{platform.system()} {platform.release()}, {platform.freedesktop_os_release()['PRETTY_NAME']}",
        "Node": node.stdout.strip(),
        "Python": platform.python_version(),
    }


def load() -> float:
    """Returns how many processes wanted a core in the last minute."""
    return os.getloadavg()[0]


def _file_system(path: Path) -> str:
    best = ""
    kind = ""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mounted, type_, *_ = line.split()
        if str(path).startswith(mounted) and len(mounted) > len(best):
            best, kind = mounted, type_
    free = shutil.disk_usage(path).free / 1024**3
    return f"{kind}, {free:.0f} GiB free"


def revision(checkout: Path) -> str:
    """Returns what a checkout is at: the newest commit that changed more than what these measurements write."""
    measured = ["--", ".", *(f":!benchmarks/{written}" for written in _WRITTEN)]
    commit = _git(checkout, "log", "-1", "--format=%h", *measured)
    return f"{commit}-dirty" if _git(checkout, "status", "--porcelain", *measured) else commit


def _git(checkout: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, text=True, check=True).stdout.strip()
