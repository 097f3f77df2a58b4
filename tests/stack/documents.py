"""The documents for people, and the examples in them."""

from dataclasses import dataclass
from pathlib import Path
import re

from tests.stack.process import ROOT

DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "bridge-addon").glob("*.md")]
)
"""All but the simulator's own."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A block in a document. `language` is what its fence says: `sh`, `yaml`."""

    document: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def examples(language: str) -> list[Example]:
    """Returns all blocks of a language."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text()
        for match in _BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Example(str(path.relative_to(ROOT)), line, match[1], match[2]))
    return [example for example in found if example.language == language]


def anchor(heading: str) -> str:
    """Returns what a heading is linked by, as GitHub makes it."""
    plain = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def headings(path: Path) -> set[str]:
    """Returns the anchors of a document."""
    text = _BLOCK.sub("", path.read_text())
    return {anchor(line.lstrip("#")) for line in text.splitlines() if line.startswith("#")}
