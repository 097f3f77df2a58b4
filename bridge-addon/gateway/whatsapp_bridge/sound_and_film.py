"""Sounds and films, by ffmpeg in a process of its own: what they are, and made into what WhatsApp plays."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
import base64
from dataclasses import dataclass
from pathlib import Path
import re

import imageio_ffmpeg  # type: ignore[import-untyped]

from whatsapp_bridge.errors import BridgeError, ErrorCode
from whatsapp_bridge.log import logger
from whatsapp_bridge.outgoing_files import nothing_left_of

CONVERSION_SECONDS = 180.0
WAVEFORM_BYTES = 64
_PROBE_SECONDS = 20.0
_PCM_RATE = 8000
_LONGEST_PCM = 32 * 1024 * 1024
_FULL_SCALE = 32767
_LOUDEST = 100

_FORMATS = "mov,matroska,ogg,wav,mp3,aac,flac,amr,avi,asf,gif,mpegts,mpeg,caf,aiff,w64,ac3,flv"
"""Containers that hold what they play. Playlists (HLS, concat) are none of them: they would make ffmpeg read other files."""

_GUARDS = ("-hide_banner", "-nostdin", "-protocol_whitelist", "file,pipe", "-format_whitelist", _FORMATS)
_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d\.\d+)")
_CONTAINER = re.compile(r"^Input #0, ([a-z0-9_,]+), from", re.MULTILINE)
_VIDEO = re.compile(r"Stream #0:\d+.*?: Video: (\w+)(?!.*attached pic).*?, (\d{1,5})x(\d{1,5})")
_AUDIO = re.compile(r"Stream #0:\d+.*?: Audio: (\w+)")
_ROTATED = re.compile(r"rotation of -?(?:90|270)\.")

_one_at_a_time = asyncio.Semaphore(1)


@dataclass(frozen=True, slots=True)
class Streams:
    """What a file holds. Codecs are ffmpeg's names, None where there is no such stream; width and height are as it is shown."""

    container: str
    seconds: float | None
    video: str | None
    audio: str | None
    width: int | None
    height: int | None

    @property
    def plays_as_film(self) -> bool:
        """Whether phones play it as it is: MP4 with H.264 and AAC."""
        return "mp4" in self.container and self.video == "h264" and self.audio in {None, "aac"}

    @property
    def sound_type(self) -> str | None:
        """The MIME type of a sound that phones play as it is."""
        if "mp4" in self.container and self.audio == "aac":
            return "audio/mp4"
        return {
            ("mp3", "mp3"): "audio/mpeg",
            ("ogg", "opus"): "audio/ogg; codecs=opus",
            ("aac", "aac"): "audio/aac",
        }.get((self.container, self.audio or ""))


async def streams(path: Path) -> Streams:
    """Looks into a file.

    Raises:
        BridgeError: `media_unreadable`: it holds neither sound nor film; `media_converter_missing`.
    """
    _, told = await _ffmpeg(["-i", str(path)], _PROBE_SECONDS)
    container, duration = _CONTAINER.search(told), _DURATION.search(told)
    video, audio = _VIDEO.search(told), _AUDIO.search(told)
    if container is None or (video is None and audio is None):
        raise _unreadable()
    seconds = None
    if duration is not None:
        hours, minutes, rest = duration.groups()
        seconds = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    width, height = (int(video[2]), int(video[3])) if video is not None else (None, None)
    if _ROTATED.search(told):
        width, height = height, width
    return Streams(
        container[1], seconds, video[1] if video else None, audio[1] if audio else None, width or None, height or None
    )


async def to_film(source: Path, target: Path, *, silent: bool = False) -> None:
    """Makes MP4 with H.264 and AAC.

    Raises:
        BridgeError: `media_unreadable`, `media_converter_missing`.
    """
    sound = ["-an"] if silent else ["-c:a", "aac", "-b:a", "128k"]
    scale = "scale='min(1280,iw)':'min(1280,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
    film = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-pix_fmt", "yuv420p", "-vf", scale]
    await _convert(source, target, [*film, *sound, "-movflags", "+faststart", "-f", "mp4"])


async def to_sound(source: Path, target: Path) -> None:
    """Makes MP4 with AAC.

    Raises:
        BridgeError: `media_unreadable`, `media_converter_missing`.
    """
    await _convert(source, target, ["-vn", "-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart", "-f", "mp4"])


async def to_voice(source: Path, target: Path) -> None:
    """Makes Ogg with Opus, mono, as phones record voice notes.

    Raises:
        BridgeError: `media_unreadable`, `media_converter_missing`.
    """
    voice = ["-vn", "-c:a", "libopus", "-ac", "1", "-ar", "48000", "-b:a", "32k", "-application", "voip"]
    await _convert(source, target, [*voice, "-map_metadata", "-1", "-f", "ogg"])


async def waveform(path: Path) -> tuple[str, float]:
    """Returns how loud a sound is along its length (64 bytes, 0 to 100 of the loudest part, in base64), and its seconds.

    Raises:
        BridgeError: `media_unreadable`, `media_converter_missing`.
    """
    plain = [
        "-i",
        str(path),
        "-vn",
        "-ac",
        "1",
        "-ar",
        str(_PCM_RATE),
        "-fs",
        str(_LONGEST_PCM),
        "-f",
        "s16le",
        "pipe:1",
    ]
    samples, _ = await _ffmpeg(plain, CONVERSION_SECONDS, must_succeed=True)
    return await asyncio.to_thread(_loudness, samples)


async def film_frame(path: Path, target: Path, seconds: float | None) -> None:
    """Writes an early picture of a film as JPEG.

    Raises:
        BridgeError: `media_unreadable`, `media_converter_missing`.
    """
    at = min(1.0, (seconds or 0.0) / 3)
    picture = [
        "-ss",
        f"{at:.2f}",
        "-i",
        str(path),
        "-frames:v",
        "1",
        "-vf",
        "scale=320:-2",
        "-f",
        "mjpeg",
        "-y",
        str(target),
    ]
    await _ffmpeg(picture, _PROBE_SECONDS, must_succeed=True)


def _loudness(samples: bytes) -> tuple[str, float]:
    view = memoryview(samples[: len(samples) // 2 * 2]).cast("h")
    if not view:
        raise _unreadable()
    length = len(view) / WAVEFORM_BYTES
    parts = [view[int(index * length) : max(int((index + 1) * length), int(index * length) + 1)] for index in range(64)]
    peaks = [max((abs(sample) for sample in part), default=0) for part in parts]
    loudest = max(*peaks, 1)
    bars = bytes(min(_LOUDEST, round(peak * _LOUDEST / min(loudest, _FULL_SCALE))) for peak in peaks)
    return base64.b64encode(bars).decode(), len(view) / _PCM_RATE


async def _convert(source: Path, target: Path, options: list[str]) -> None:
    async with _one_at_a_time:
        with nothing_left_of(target):
            await _ffmpeg(["-i", str(source), *options, "-y", str(target)], CONVERSION_SECONDS, must_succeed=True)


async def _ffmpeg(arguments: list[str], limit: float, *, must_succeed: bool = False) -> tuple[bytes, str]:
    """Runs ffmpeg and returns what it wrote to stdout and stderr."""
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
        child = await asyncio.create_subprocess_exec(
            program, *_GUARDS, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True
        )
    except (RuntimeError, OSError) as error:
        raise BridgeError(ErrorCode.MEDIA_CONVERTER_MISSING, "ffmpeg is not installed.") from error
    try:
        async with asyncio.timeout(limit):
            output, told = await child.communicate()
    except BaseException as error:
        child.kill()
        await child.wait()
        if isinstance(error, TimeoutError):
            raise _unreadable() from error
        raise
    if must_succeed and child.returncode:
        logger().warning("conversion_failed", exit_code=child.returncode)
        raise _unreadable()
    return output, told.decode(errors="replace")


def _unreadable() -> BridgeError:
    return BridgeError(ErrorCode.MEDIA_UNREADABLE, "The file holds no sound or film that can be read.")
