"""The QR code of a pairing, drawn."""

from io import BytesIO, StringIO

import segno

_QUIET_ZONE = 4
_PIXELS_PER_MODULE = 8
_WHITE_ON_BLACK = "\033[97;40m"
_RESET = "\033[0m"


def _drawn(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="l", boost_error=False)


def qr_svg(text: str) -> bytes:
    """Returns an SVG, dark on a white ground."""
    out = BytesIO()
    _drawn(text).save(out, kind="svg", scale=_PIXELS_PER_MODULE, border=_QUIET_ZONE, light="#fff")
    return out.getvalue()


def qr_png(text: str) -> bytes:
    """Returns a PNG, dark on a white ground."""
    out = BytesIO()
    _drawn(text).save(out, kind="png", scale=_PIXELS_PER_MODULE, border=_QUIET_ZONE, light="#fff")
    return out.getvalue()


def qr_terminal(text: str) -> str:
    """Returns lines of half blocks with their colours set, so that a terminal's theme does not matter."""
    out = StringIO()
    _drawn(text).terminal(out, border=_QUIET_ZONE, compact=True)
    return "".join(f"{_WHITE_ON_BLACK}{line}{_RESET}\n" for line in out.getvalue().splitlines())
