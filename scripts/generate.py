"""Makes the files that are made of others: the text of each, by its path. Run by scripts/generate; a test compares."""

import json
from pathlib import Path

from whatsapp_bridge.api.examples import EXAMPLES_FILE, ROUTES
from whatsapp_bridge.error_meanings import MEANINGS
from whatsapp_bridge.errors import http_status

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests/golden/api"

_ERRORS = """# Error codes

Every failure of the API is `{"detail": "<a sentence>", "error_code": "<one of these>", "timestamp": "…"}` with the HTTP status below. Codes are stable: they are added, never
renamed. Each is provoked by a test in `tests/gateway`. This file is made by `scripts/generate` of `whatsapp_bridge/error_meanings.py`.

| code | HTTP | cause | cure |
| --- | --- | --- | --- |
"""


def examples() -> str:
    """The golden examples that the OpenAPI document shows."""
    routes = {name for shown in ROUTES.values() for name in (*shown.requests, *shown.answers)}
    others = {path.stem for kind in ("error", "event") for path in GOLDEN.glob(f"{kind}-*.json")}
    read = {name: json.loads((GOLDEN / f"{name}.json").read_bytes()) for name in sorted(routes | others)}
    return json.dumps(read, ensure_ascii=False, indent=1) + "\n"


def errors() -> str:
    """The table of error codes."""
    rows = (
        f"| `{code}` | {http_status(code)} | {meaning.cause} | {meaning.cure} |\n" for code, meaning in MEANINGS.items()
    )
    return _ERRORS + "".join(rows)


def generated() -> dict[Path, str]:
    """All files that are made of others."""
    return {EXAMPLES_FILE: examples(), ROOT / "docs/errors.md": errors()}


if __name__ == "__main__":
    for file, content in generated().items():
        file.write_text(content)
