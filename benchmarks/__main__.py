"""The command line of `scripts/benchmark`."""

import argparse
import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
import subprocess
import sys

from benchmarks.arena import Arena
from benchmarks.contestants import MeasurementError
from benchmarks.figures import BRIDGE, Row
from benchmarks.machine import load, machine, revision
from benchmarks.report import table, write_report
from benchmarks.results import Result, read_results, write_results
from benchmarks.rows import ROWS
from benchmarks.runtime import install_gateway
from tests.simulator.client import SimulatorError
from tests.stack.process import ROOT, ProcessFailedError

_FOLDER = ROOT / "benchmarks"
_RESULTS = _FOLDER / "results.json"


async def measured(row: Row, arena: Arena, rounds: int) -> Result:
    """Measures a row several times."""
    loads: list[float] = []
    values: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(1, rounds + 1):
        print(f"{row.key}: round {number} of {rounds}, load {load():.1f}", file=sys.stderr, flush=True)
        loads.append(round(load(), 1))
        for figure, by_contestant in (await row.measure(arena)).items():
            for contestant, value in by_contestant.items():
                values[figure][contestant].append(round(value, 3))
    date = datetime.now(UTC).date().isoformat()
    return Result(row.key, date, revision(ROOT), machine(), tuple(loads), values)


def checkout_of(name: str) -> Path:
    """Checks a revision out under .cache and installs what it runs on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--verify", f"{name}^{{commit}}"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    folder = ROOT / ".cache/benchmark" / commit[:12]
    if not folder.exists():
        subprocess.run(["git", "worktree", "add", "--detach", folder, commit], cwd=ROOT, check=True)
    subprocess.run([folder / "scripts/bootstrap", "--runtime"], check=True)
    install_gateway(folder)
    return folder


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark",
        description="Measures the bridge against the simulator, side by side with bare Baileys, and writes benchmarks/RESULTS.md.",
        epilog="Rows: " + "; ".join(f"{row.key} ({row.title})" for row in ROWS),
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="what to measure; all, where none is named")
    parser.add_argument(
        "--compare", metavar="REV", help="measure this revision too, in turn; RESULTS.md stays as it is"
    )
    parser.add_argument("--rounds", type=int, help="how often, in place of each row's own number")
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the messages, one round; RESULTS.md stays as it is"
    )
    parsed = parser.parse_args()
    if unknown := set(parsed.rows) - {row.key for row in ROWS}:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    return parsed


def main() -> int:
    """Measures and writes; returns the exit code."""
    asked = arguments()
    checkouts = {BRIDGE: ROOT}
    if asked.compare:
        checkouts = {asked.compare: checkout_of(asked.compare), BRIDGE: ROOT}
    install_gateway(ROOT)
    arena = Arena(checkouts, quick=asked.quick)
    results: dict[str, Result] = {}
    failed = False
    for row in ROWS:
        if asked.rows and row.key not in asked.rows:
            continue
        rounds = asked.rounds or (1 if asked.quick else row.rounds)
        try:
            results[row.key] = asyncio.run(measured(row, arena, rounds))
        except (MeasurementError, ProcessFailedError, SimulatorError, TimeoutError) as error:
            print(f"{row.key}: {type(error).__name__}: {error}", file=sys.stderr)
            failed = True
            continue
        print(table((row,), results), flush=True)
        if not asked.quick and not asked.compare:
            everything = read_results(_RESULTS) | results
            write_results(_RESULTS, everything, ROWS)
            write_report(_FOLDER, ROWS, everything)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
