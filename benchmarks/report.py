"""RESULTS.md, from the results."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.figures import BARE, Figure, Row, Spread
from benchmarks.plot import bar_chart, number
from benchmarks.results import Result

_HEAD = """\
# Measured

`scripts/benchmark` wrote this: the bridge against the [simulator](../tests/simulator/README.md), in turn with a bot on bare Baileys (`bare/`) in the same minutes, on the same Node,
with a store that is as durable. Each round starts all processes anew. A cell is the median of the rounds, with the least and the most of them in brackets; comparisons are made
round by round. Ours is the whole bridge, gateway and engine, as it runs in a house, with durability on. `scripts/benchmark --help` says how to repeat it, and how to compare
two revisions.
"""


def write_report(folder: Path, rows: tuple[Row, ...], results: Mapping[str, Result]) -> None:
    """Writes RESULTS.md and its plots."""
    plots = folder / "plots"
    plots.mkdir(exist_ok=True)
    measured = [(row, results[row.key]) for row in rows if row.key in results]
    parts = [_HEAD, *_overview(measured)]
    for row, result in measured:
        (plots / f"{row.key}.svg").write_text(bar_chart(row, result))
        parts += _section(row, result)
    findings = folder / "findings.md"
    if findings.exists():
        parts.append(findings.read_text())
    (folder / "RESULTS.md").write_text("\n".join(parts))


def table(rows: tuple[Row, ...], results: Mapping[str, Result]) -> str:
    """Writes the results of a run for a terminal, in Markdown."""
    return "\n".join(line for row in rows if row.key in results for line in _figures(row, results[row.key]))


def _overview(measured: list[tuple[Row, Result]]) -> list[str]:
    lines = ["## Goals", "", "| what | goal, compared with bare Baileys | came to | met |", "| --- | --- | --- | --- |"]
    for row, result in measured:
        ours = result.contestants()[-1]
        for figure in row.figures:
            compared = result.compared(figure, ours)
            if figure.goal is not None and compared is not None:
                what = f"[{row.title}](#{row.key}): {figure.what}"
                goal = figure.goal.words(figure.unit)
                lines.append(f"| {what} | {goal} | {_cell(compared)} | {result.verdict(figure, ours)} |")
    return [*lines, ""]


def _section(row: Row, result: Result) -> list[str]:
    loads = " ".join(f"{load:.1f}" for load in result.load)
    facts = ", ".join(f"{name} {value}" for name, value in result.machine.items())
    return [
        f'## <a id="{row.key}"></a>{row.title}',
        "",
        row.how,
        "",
        *_figures(row, result),
        "",
        f"![{row.title}](plots/{row.key}.svg)",
        "",
        f"Measured {result.date} at revision {result.revision}; {facts}. Load before each of the {len(result.load)} rounds: {loads}.",
        "",
    ]


def _figures(row: Row, result: Result) -> list[str]:
    contestants = result.contestants()
    heads = [row.title, *("bare Baileys" if name == BARE else name for name in contestants), "compared", "goal", "met"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for figure in row.figures:
        cells = [_cell(result.spread(figure, name)) for name in contestants]
        ours = contestants[-1]
        goal = figure.goal.words(figure.unit) if figure.goal else ""
        compared = _cell(result.compared(figure, ours))
        lines.append(
            f"| {_name(figure)} | {' | '.join(cells)} | {compared} | {goal} | {result.verdict(figure, ours)} |"
        )
    return lines


def _name(figure: Figure) -> str:
    return f"{figure.what}, {figure.unit}"


def _cell(spread: Spread | None) -> str:
    if spread is None:
        return ""
    if spread.least == spread.most:
        return number(spread.middle)
    return f"{number(spread.middle)} ({number(spread.least)} to {number(spread.most)})"
