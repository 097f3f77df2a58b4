"""A disk of some MiB in a file, mounted for one process and its children alone: to be filled, or to fail, for real. Linux, and root."""

import os
from pathlib import Path
import shutil
import subprocess

_MOUNT = 'mount -o "$0" "$1" "$2" && shift 2 && exec "$@"'


def can_mount() -> bool:
    """Whether this machine lets us mount a file."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None or not Path("/dev/loop-control").exists():
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode == 0


class SmallDisk:
    """`folder` is where it is seen."""

    def __init__(self, image: Path, folder: Path, mib: int) -> None:
        self._image = image
        self._folder = folder
        folder.mkdir()
        with image.open("wb") as file:
            file.truncate(mib << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)

    def mounted(self, options: str = "rw") -> list[str | Path]:
        """The command that mounts it and becomes the one that follows."""
        return [
            "unshare",
            "--mount",
            "sh",
            "-c",
            _MOUNT,
            f"loop,errors=remount-ro,{options}",
            self._image,
            self._folder,
        ]

    def seen_by(self, pid: int) -> Path:
        """Where we see the disk of a process."""
        return Path(f"/proc/{pid}/root{self._folder}")

    def fail(self, pid: int) -> None:
        """The disk of a process has a fault, and Linux writes to it no more."""
        enter = ["nsenter", "--mount", f"--target={pid}"]
        subprocess.run([*enter, "mount", "-o", "remount,abort", self._folder], check=True)
