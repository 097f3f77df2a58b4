"""Adds up the JUnit reports in a folder and prints the counts, by part and in all. Exits 1 when a test failed or none ran."""

from pathlib import Path
import sys
from xml.etree import ElementTree as ET


def counts(report: Path) -> tuple[int, int, int]:
    """Returns how many tests of a JUnit report passed, failed and were skipped."""
    cases = list(ET.parse(report).getroot().iter("testcase"))  # noqa: S314 (our own runners wrote it)
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - failed - skipped, failed, skipped


def main(folder: Path) -> int:
    """Prints a line a part and, last, the total."""
    totals = [0, 0, 0]
    for report in sorted(folder.glob("*.xml")):
        part = counts(report)
        print(f"{report.stem:12} {part[0]} passed, {part[1]} failed, {part[2]} skipped")
        totals = [total + count for total, count in zip(totals, part, strict=True)]
    passed, failed, skipped = totals
    print(f"total: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
