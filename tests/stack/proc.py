"""What Linux tells of a process: its user, its memory, its files."""

from pathlib import Path


def status(pid: int) -> dict[str, str]:
    """Returns the fields of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def children(pid: int) -> list[int]:
    """Returns the process ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory(pid: int) -> float:
    """Returns how much memory a process has for itself, with its share of what it shares (PSS), in MB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) * 1024 / 1e6


def mapped_files(pid: int) -> set[str]:
    """Returns the files that are mapped into a process to be run, as it sees them."""
    maps = [line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    return {fields[5] for fields in maps if len(fields) == 6 and fields[5].startswith("/") and "x" in fields[1]}
