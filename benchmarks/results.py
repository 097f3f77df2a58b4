"""Results of a run, and where they are kept."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
import json
from pathlib import Path
from typing import Any, Self

from benchmarks.figures import BARE, Figure, Row, Spread


@dataclass(frozen=True, slots=True)
class Result:
    """One row, measured."""

    row: str
    date: str
    revision: str
    machine: Mapping[str, str]
    load: tuple[float, ...]
    """For each round, how many processes wanted a core in the minute before."""
    values: Mapping[str, Mapping[str, list[float]]]
    """By figure, by contestant: each round's value."""

    def spread(self, figure: Figure, contestant: str) -> Spread | None:
        """Returns a figure's median and spread; None where it was not measured."""
        values = self.values.get(figure.key, {}).get(contestant)
        return Spread.of(values) if values else None

    def compared(self, figure: Figure, contestant: str) -> Spread | None:
        """Holds a figure against bare Baileys', round by round: both were measured in the same minutes."""
        if figure.goal is None:
            return None
        measured = self.values.get(figure.key, {})
        floors = measured.get(BARE, [])
        compared = [
            figure.goal.compared(value, floors[number] if number < len(floors) else None)
            for number, value in enumerate(measured.get(contestant, []))
        ]
        known = [one for one in compared if one is not None]
        return Spread.of(known) if known else None

    def verdict(self, figure: Figure, contestant: str) -> str:
        """Says whether the goal is met, by the median."""
        compared = self.compared(figure, contestant)
        if figure.goal is None or compared is None:
            return ""
        return "yes" if figure.goal.met(compared.middle) else "**no**"

    def contestants(self) -> list[str]:
        """Who was measured, in order."""
        names = [name for measured in self.values.values() for name in measured]
        return list(dict.fromkeys([BARE, *names] if BARE in names else names))

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Reads one."""
        return cls(**{**fields, "load": tuple(fields["load"])})


def read_results(path: Path) -> dict[str, Result]:
    """Reads the results of all rows that were ever measured into this file."""
    if not path.exists():
        return {}
    return {fields["row"]: Result.from_json(fields) for fields in json.loads(path.read_text())}


def write_results(path: Path, results: Mapping[str, Result], rows: tuple[Row, ...]) -> None:
    """Writes them in the order of the rows."""
    kept = [asdict(results[row.key]) for row in rows if row.key in results]
    path.write_text(json.dumps(kept, indent=1) + "\n")
