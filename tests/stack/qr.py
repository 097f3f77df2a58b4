"""Reads QR codes as a phone's camera would: from pixels."""

from base64 import b64decode
from io import BytesIO
from pathlib import Path
import re

from PIL import Image
import resvg_py
import zxingcpp


class UnreadableQrError(Exception):
    """No QR code was found in the picture."""


def read_qr_picture(picture: bytes | Path) -> str:
    """Returns the text of the QR code in a PNG.

    Raises:
        UnreadableQrError: there is none that can be read.
    """
    with Image.open(BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
        codes = zxingcpp.read_barcodes(
            image.convert("RGB"), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
        )
    if not codes:
        raise UnreadableQrError
    return codes[0].text


def read_qr_svg(svg: str) -> str:
    """Draws an SVG on a grey ground, as a page does, and returns the text of its QR code.

    Raises:
        UnreadableQrError: there is none that can be read.
    """
    return read_qr_picture(bytes(resvg_py.svg_to_bytes(svg_string=svg, background="#808080")))


def svg_in_text(text: str) -> str:
    """Returns the SVG that is a picture in a dialog's Markdown, an empty string where there is none."""
    found = re.search(r"!\[[^\]]*\]\(data:image/svg\+xml;base64,(?P<svg>[^)]+)\)", text)
    return b64decode(found["svg"]).decode() if found else ""
