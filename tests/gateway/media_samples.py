"""Small real files, made here: no sample of somebody else's."""

from io import BytesIO
from pathlib import Path
import subprocess

import imageio_ffmpeg  # type: ignore[import-untyped]
from PIL import Image


def picture(form: str = "JPEG", size: tuple[int, int] = (320, 240), color: str = "teal") -> bytes:
    """A picture of one colour."""
    buffer = BytesIO()
    Image.new("RGB", size, color).save(buffer, form)
    return buffer.getvalue()


def moving_picture(frames: int = 4) -> bytes:
    """A GIF that moves."""
    images = [Image.new("RGB", (160, 80), (60 * index, 20, 90)) for index in range(frames)]
    buffer = BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=80)
    return buffer.getvalue()


def made_by_ffmpeg(folder: Path, name: str, *arguments: str) -> bytes:
    """A file of ffmpeg's test sources."""
    target = folder / name
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", *arguments, "-y", str(target)]
    subprocess.run(command, check=True, timeout=60)
    return target.read_bytes()


def film(folder: Path, name: str = "film.mp4", *, size: str = "320x180", seconds: int = 2) -> bytes:
    """A film with sound."""
    pictures = ("-f", "lavfi", "-i", f"testsrc=size={size}:rate=10:duration={seconds}")
    sound = ("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}")
    codecs = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac") if name.endswith(".mp4") else ()
    return made_by_ffmpeg(folder, name, *pictures, *sound, *codecs, "-shortest")


def sound(folder: Path, name: str = "sound.wav", seconds: int = 3) -> bytes:
    """A tone that grows louder."""
    tone = f"aevalsrc='0.9*(t/{seconds})*sin(2*PI*330*t)':s=16000:d={seconds}"
    return made_by_ffmpeg(folder, name, "-f", "lavfi", "-i", tone)
