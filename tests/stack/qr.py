"""Reads QR codes as a phone's camera would: from pixels."""

from io import BytesIO
from pathlib import Path

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
