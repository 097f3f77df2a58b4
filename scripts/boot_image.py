"""Runs what scripts/image has built as a container would, without a container daemon. Needs root.

    boot_image.py [--as-root] [--volume FILE:PLACE]... DATA_FOLDER [ARGUMENT]...

The root is read-only, /data is DATA_FOLDER, /tmp is empty memory; the network is the machine's. The process is the image's
entry point with the image's environment and the settings of this one. It is an ordinary user without
any capability, or with `--as-root` root with those that Docker leaves, which is how the Supervisor starts it; in both
cases it can gain none. It keeps the process id, so signals and figures are those of the gateway.
"""

import argparse
import ctypes
import json
import os
from pathlib import Path
import subprocess

IMAGE = Path(__file__).resolve().parents[1] / ".cache/image"
USER_ID = 1000
PASSED_ON = ("BRIDGE_", "ENGINE_", "API_", "LOG_LEVEL", "MAX_", "NODE_EXTRA_CA_CERTS", "SUPERVISOR_TOKEN")
DEVICES = ("null", "zero", "full", "random", "urandom")
OF_THE_HOST = ("etc/hosts", "etc/resolv.conf")

DOCKERS_CAPABILITIES = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}
"""chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap."""

_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38


def mount(*arguments: str | Path) -> None:
    """Calls mount."""
    subprocess.run(["mount", *arguments], check=True)


def prctl(option: int, value: int) -> None:
    """Calls prctl.

    Raises:
        OSError: it failed.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def enter_root(root: Path, data: Path, volumes: list[str]) -> None:
    """Makes the mounts, in a namespace of its own, and changes the root."""
    os.unshare(os.CLONE_NEWNS)
    mount("--make-rprivate", "/")
    mount("--bind", root, root)
    for name in OF_THE_HOST:
        (root / name).touch()
        mount("--bind", f"/{name}", root / name)
    mount("-t", "proc", "proc", root / "proc")
    mount("-t", "tmpfs", "-o", "nosuid,nodev,mode=1777", "tmpfs", root / "tmp")
    mount("-t", "tmpfs", "-o", "nosuid,noexec,mode=755", "tmpfs", root / "dev")
    mount("-t", "tmpfs", "-o", "nosuid,nodev,noexec,mode=755", "tmpfs", root / "run")
    for name in DEVICES:
        (root / "dev" / name).touch()
        mount("--bind", f"/dev/{name}", root / "dev" / name)
    for volume in volumes:
        source, _, place = volume.partition(":")
        (root / place.lstrip("/")).touch()
        mount("--bind", source, root / place.lstrip("/"))
    mount("--bind", data, root / "data")
    mount("-o", "remount,bind,ro", root)
    os.chroot(root)
    os.chdir("/")


def become(*, root: bool) -> None:
    """Becomes the ordinary user, or root with Docker's capabilities."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        if not root or capability not in DOCKERS_CAPABILITIES:
            prctl(_PR_CAPBSET_DROP, capability)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    os.setgroups([])
    if not root:
        os.setgid(USER_ID)
        os.setuid(USER_ID)


def main() -> None:
    """Becomes the image's process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-root", action="store_true", help="start as the Supervisor does")
    parser.add_argument("--volume", action="append", default=[], metavar="FILE:PLACE", help="a file to show below /run")
    parser.add_argument("data", type=Path)
    parser.add_argument("arguments", nargs="*")
    arguments = parser.parse_args()
    image = json.loads((IMAGE / "image.json").read_text())["Docker"]["config"]
    environment = dict(line.split("=", 1) for line in image["Env"])
    environment |= {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    command = [*image["Entrypoint"], *(arguments.arguments or image["Cmd"])]
    arguments.data.mkdir(parents=True, exist_ok=True)
    if not arguments.as_root:
        # a volume of that user's
        for path in (arguments.data, *arguments.data.rglob("*")):
            os.chown(path, USER_ID, USER_ID, follow_symlinks=False)
    enter_root(IMAGE / "root", arguments.data, arguments.volume)
    become(root=arguments.as_root)
    os.execve(command[0], command, environment)  # noqa: S606 - no shell is wanted, and there is none


if __name__ == "__main__":
    main()
