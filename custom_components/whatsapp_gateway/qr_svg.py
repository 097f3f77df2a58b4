"""Makes the gateway's QR code fit for a dialog of Home Assistant.

Home Assistant's frontend keeps only `svg` (xmlns, width, height) and `path` (transform, stroke, d) of an SVG in a text:
`fill` is lost, which would leave a black square. So the white ground is a stroke as well; with it the code can be scanned
in dark mode too.
"""

import re
from typing import Final

from .api.errors import GatewayAnswerError

WIDEST: Final = 244
"""Pixels. The dialog's text column begins 124 pixels from the left, also on a phone that is 390 or 360 wide: what is wider would be cut."""

LARGEST_MODULE: Final = 5
"""Pixels."""

_SIZE = re.compile(r"<svg\b[^>]*\bwidth=\"(?P<width>\d{1,4})\"[^>]*\bheight=\"(?P=width)\"")
_SCALE = re.compile(r"\btransform=\"scale\((?P<scale>\d{1,2}(?:\.\d{1,4})?)\)\"")
_DARK = re.compile(r"<path\b[^>]*\bstroke=\"#000(?:000)?\"[^>]*>")
_LINES = re.compile(r"\bd=\"(?P<lines>[Mmhv0-9 .-]+)\"")


def dialog_svg(svg: str) -> str:
    """Draws the dark modules of the gateway's SVG, with its quiet zone, on a white ground.

    The gateway's SVG (docs/api.md) is a square whose dark modules are one path of black strokes one unit wide, scaled.

    Raises:
        GatewayAnswerError: it is not such an SVG.
    """
    size, scale, dark = _SIZE.search(svg), _SCALE.search(svg), _DARK.search(svg)
    lines = _LINES.search(dark[0]) if dark else None
    if size is None or scale is None or lines is None:
        raise GatewayAnswerError("the QR code is not drawn as the gateway draws it")
    modules = round(float(size["width"]) / float(scale["scale"]))
    pixels = max(1, min(LARGEST_MODULE, WIDEST // modules))
    width = modules * pixels
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{width}">'
        f'<path transform="scale({width})" stroke="#fff" d="M0 0.5h1"></path>'
        f'<path transform="scale({pixels})" stroke="#000" d="{lines["lines"]}"></path></svg>'
    )
