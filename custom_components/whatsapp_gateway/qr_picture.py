"""Makes the gateway's QR code fit for a dialog of Home Assistant: a picture in its text, on a white ground, so that it can be scanned in dark mode too.

A picture takes no more room than the text's column has, which on a phone is narrow; an SVG in the text itself would be cut.
"""

from base64 import b64encode
import re
from typing import Final

from .api.errors import GatewayAnswerError

WIDEST: Final = 340
"""Pixels: the dialog's column on a desk."""

LARGEST_MODULE: Final = 5
"""Pixels."""

_SIZE = re.compile(r"<svg\b[^>]*\bwidth=\"(?P<width>\d{1,4})\"[^>]*\bheight=\"(?P=width)\"")
_SCALE = re.compile(r"\btransform=\"scale\((?P<scale>\d{1,2}(?:\.\d{1,4})?)\)\"")
_DARK = re.compile(r"<path\b[^>]*\bstroke=\"#000(?:000)?\"[^>]*>")
_LINES = re.compile(r"\bd=\"(?P<lines>[Mmhv0-9 .-]+)\"")


def dialog_picture(svg: str) -> str:
    """Draws the dark modules of the gateway's SVG, with its quiet zone; returns the picture in Markdown.

    The gateway's SVG (docs/api.md) is a square whose dark modules are one path of black strokes one unit wide, scaled.

    Raises:
        GatewayAnswerError: it is not such an SVG.
    """
    size, scale, dark = _SIZE.search(svg), _SCALE.search(svg), _DARK.search(svg)
    lines = _LINES.search(dark[0]) if dark else None
    if size is None or scale is None or lines is None:
        raise GatewayAnswerError("the QR code is not drawn as the gateway draws it")
    modules = round(float(size["width"]) / float(scale["scale"]))
    width = modules * max(1, min(LARGEST_MODULE, WIDEST // modules))
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{width}" viewBox="0 0 {modules} {modules}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{modules}v{modules}H0z"/><path stroke="#000" d="{lines["lines"]}"/></svg>'
    )
    return f"![QR](data:image/svg+xml;base64,{b64encode(drawn.encode()).decode()})"
