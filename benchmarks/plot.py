"""Bar charts as SVG, drawn for light and dark pages."""

from collections.abc import Sequence
from html import escape

from benchmarks.figures import BARE, Row
from benchmarks.results import Result

_BAR = 16
_GAP = 14
_LABELS = 250
_BARS = 420
_VALUES = 150
_STYLE = """text { font: 13px system-ui, sans-serif; fill: #24292f }
.bare { fill: #8c959f } .bridge { fill: #1a7f64 } .spread { stroke: #24292f } .unit { fill: #6e7781 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .bare { fill: #6e7681 } .bridge { fill: #3fb68b }
.spread { stroke: #e6edf3 } .unit { fill: #8b949e } }"""


def bar_chart(row: Row, result: Result) -> str:
    """Draws each figure of a row: a bar for each contestant's median, and a line from the least to the most of the rounds."""
    contestants = result.contestants()
    parts: list[str] = []
    top = 24
    for figure in row.figures:
        spreads = [(name, spread) for name in contestants if (spread := result.spread(figure, name)) is not None]
        if not spreads:
            continue
        scale = _BARS / max(spread.most for _, spread in spreads)
        parts.append(f'<text x="0" y="{top + 12}">{escape(figure.what)}</text>')
        for name, spread in spreads:
            kind = "bare" if name == BARE else "bridge"
            middle = top + _BAR / 2
            end = _LABELS + spread.most * scale
            unit = f'<tspan class="unit">{escape(figure.unit)}, {escape(name)}</tspan>'
            parts += [
                f'<rect class="{kind}" x="{_LABELS}" y="{top}" width="{spread.middle * scale:.1f}" height="{_BAR - 2}" rx="2"/>',
                _line(_LABELS + spread.least * scale, end, middle - 1),
                f'<text x="{end + 6:.1f}" y="{top + 12}">{number(spread.middle)} {unit}</text>',
            ]
            top += _BAR
        top += _GAP
    width = _LABELS + _BARS + _VALUES
    title = f'<text x="0" y="14" font-weight="600">{escape(row.title)}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}" height="{top}" role="img" '
        f'aria-label="{escape(row.title)}">\n<style>{_STYLE}</style>\n{title}\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _line(left: float, right: float, y: float) -> str:
    return f'<line class="spread" x1="{left:.1f}" x2="{right:.1f}" y1="{y:g}" y2="{y:g}"/>'


def number(value: float) -> str:
    """Writes a value with three digits that count."""
    digits: Sequence[tuple[float, int]] = ((100, 0), (10, 1), (0, 2))
    return next(f"{value:,.{places}f}" for least, places in digits if abs(value) >= least)
