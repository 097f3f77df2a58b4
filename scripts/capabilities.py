"""Reads docs/capabilities.md and docs/original-spec-coverage.md, and says which of their tests have not passed.

`capabilities.py FOLDER` compares with the JUnit reports in a folder: of each part that was run, every test that a row names must have passed.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
import re
import sys
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[1]
TABLES = (ROOT / "docs/capabilities.md", ROOT / "docs/original-spec-coverage.md")
_PROOF = re.compile(r"`((?:gateway|engine|simulator|integration|e2e|browser)/[\w./-]+\.(?:py|ts))(?:::([^`]+))?`")
_FILE = re.compile(r"`((?:whatsapp_bridge|bridge-addon|custom_components|docs|benchmarks|scripts)/[\w./-]+)")
_CALLED = re.compile(r"`((?:send|receive|event|route):[\w.]+)`")


@dataclass(frozen=True)
class Proof:
    """A test, or all tests of a file, under `tests/`."""

    file: str
    test: str | None

    @property
    def part(self) -> str:
        """The part of scripts/test that runs it."""
        return self.file.partition("/")[0]


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    what: str
    cells: tuple[str, ...]

    @property
    def proofs(self) -> list[Proof]:
        """The tests that it names."""
        return [Proof(file, test or None) for file, test in _PROOF.findall("|".join(self.cells))]

    @property
    def files(self) -> list[Path]:
        """The files and folders that it names, but tests."""
        names = _FILE.findall("|".join(self.cells))
        return [ROOT / re.sub("^whatsapp_bridge/", "bridge-addon/gateway/whatsapp_bridge/", name) for name in names]

    @property
    def called(self) -> list[str]:
        """The names that it has for callers."""
        return _CALLED.findall("|".join(self.cells))


def rows(table: Path) -> list[Row]:
    """Reads the rows of all tables in a document."""
    lines = [line for line in table.read_text().splitlines() if line.startswith("| ")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]
    return [Row(row[0], row[1:]) for row in cells if row[0] != "what" and not row[0].startswith("---")]


def exists(proof: Proof) -> bool:
    """Whether a test is there."""
    path = ROOT / "tests" / proof.file
    if not path.is_file():
        return False
    if proof.test is None:
        return True
    text = path.read_text()
    return f"def {proof.test}(" in text if path.suffix == ".py" else proof.test in text


def passed(folder: Path) -> dict[str, dict[str, bool]]:
    """Returns by file (under `tests/`) and test whether it passed, in all its variants."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for report in folder.glob("*.xml"):
        for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 (our own runners wrote it)
            file = (case.get("file") or "").partition("/tests/")[2] or _file(case.get("classname") or "")
            name = re.sub(r"\[.*", "", case.get("name") or "") if file.endswith(".py") else case.get("name") or ""
            good = all(case.find(kind) is None for kind in ("failure", "error", "skipped"))
            found[file][name] = good and found[file].get(name, True)
    return found


def _file(classname: str) -> str:
    return classname.removeprefix("tests.").replace(".", "/") + ".py"


def unproved(results: dict[str, dict[str, bool]]) -> list[str]:
    """Names what a row claims and no test has proved, of the parts that were run."""
    parts = {file.partition("/")[0] for file in results}
    return [
        f"{table.name}: {row.what}: {proof.file}::{proof.test or '*'}"
        for table in TABLES
        for row in rows(table)
        for proof in row.proofs
        if proof.part in parts and not proved(proof, results.get(proof.file, {}))
    ]


def proved(proof: Proof, tests: dict[str, bool]) -> bool:
    """Whether a test passed, or all of a file did, by the results of that file."""
    if proof.test is None:
        return bool(tests) and all(tests.values())
    return tests.get(proof.test, False)


if __name__ == "__main__":
    missing = unproved(passed(Path(sys.argv[1])))
    for line in missing:
        print(f"not proved: {line}")
    sys.exit(1 if missing else 0)
