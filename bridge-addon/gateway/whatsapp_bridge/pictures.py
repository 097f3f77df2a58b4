"""Pictures: read, turned upright, made small."""

import base64
from io import BytesIO
from pathlib import Path
import warnings

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from whatsapp_bridge.errors import BridgeError, ErrorCode

THUMBNAIL_BYTES = 24 * 1024
STICKER_SIDE = 512
LONGEST_STICKER_FRAMES = 200
_THUMBNAIL_SIDES = (100, 72, 48, 32)
_MAX_PIXELS = 100_000_000
_JPEG_QUALITY = 88
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")


def opened_picture(path: Path) -> Image.Image:
    """Opens a picture. Its pixels are not decoded yet.

    Raises:
        BridgeError: `media_unreadable`: it is none, or has too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path, formats=_FORMATS)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as error:
        raise _unreadable() from error
    if image.width * image.height > _MAX_PIXELS:
        raise _unreadable()
    return image


def is_animated(image: Image.Image) -> bool:
    """Whether a picture has several frames."""
    return bool(getattr(image, "is_animated", False))


def upright_jpeg(image: Image.Image, target: Path) -> tuple[int, int]:
    """Writes a picture as JPEG, transparency on white, and returns width and height.

    Raises:
        BridgeError: `media_unreadable`.
    """
    upright = _decoded(image)
    flat = Image.new("RGB", upright.size, "white")
    mask = upright.getchannel("A") if "A" in upright.getbands() else None
    flat.paste(upright.convert("RGB"), mask=mask)
    flat.save(target, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return flat.size


def thumbnail(image: Image.Image) -> tuple[str, int, int]:
    """Returns a small JPEG in base64, and width and height of the picture as it is shown.

    Raises:
        BridgeError: `media_unreadable`.
    """
    upright = _decoded(image).convert("RGB")
    for side in _THUMBNAIL_SIDES:
        small = upright.copy()
        small.thumbnail((side, side))
        buffer = BytesIO()
        small.save(buffer, "JPEG", quality=70)
        if len(buffer.getvalue()) <= THUMBNAIL_BYTES:
            break
    return base64.b64encode(buffer.getvalue()).decode(), upright.width, upright.height


def sticker(image: Image.Image, target: Path) -> bool:
    """Writes a picture as a square WebP and returns whether it moves.

    Raises:
        BridgeError: `media_unreadable`.
    """
    try:
        frames = [
            _square(frame.convert("RGBA"))
            for _, frame in zip(range(LONGEST_STICKER_FRAMES), ImageSequence.Iterator(image), strict=False)
        ]
        duration = int(image.info.get("duration") or 100)
        further = frames[1:]
        options = {"save_all": True, "append_images": further, "duration": duration, "loop": 0} if further else {}
        frames[0].save(target, "WEBP", quality=80, method=4, **options)
    except (OSError, ValueError, SyntaxError, IndexError) as error:
        raise _unreadable() from error
    return bool(further)


def _square(frame: Image.Image) -> Image.Image:
    fitted = ImageOps.contain(frame, (STICKER_SIDE, STICKER_SIDE))
    square = Image.new("RGBA", (STICKER_SIDE, STICKER_SIDE), (0, 0, 0, 0))
    square.paste(fitted, ((STICKER_SIDE - fitted.width) // 2, (STICKER_SIDE - fitted.height) // 2))
    return square


def _decoded(image: Image.Image) -> Image.Image:
    try:
        image.load()
        return ImageOps.exif_transpose(image.convert("RGBA") if image.mode in {"P", "LA", "PA"} else image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable() from error


def _unreadable() -> BridgeError:
    return BridgeError(ErrorCode.MEDIA_UNREADABLE, "The picture cannot be read.")
