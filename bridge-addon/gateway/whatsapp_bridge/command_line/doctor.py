"""`whatsapp-bridge doctor`: what is wrong, and what to do about it."""

from collections.abc import Callable, Iterator
import os
import shutil
import subprocess
import sys
from typing import NamedTuple

import imageio_ffmpeg  # type: ignore[import-untyped]

from whatsapp_bridge.command_line.calling import Calling, CommandError
from whatsapp_bridge.engine_command import EngineBundleMissingError, NodeMissingError, engine_command
from whatsapp_bridge.settings import Settings, unknown_variables

_LITTLE_SPACE = 100 * 1024 * 1024
_START_LIMIT = 10.0
_CURES = {
    "pairing": "scan the code, or begin again: `whatsapp-bridge pair`",
    "logged_out": "link it: `whatsapp-bridge pair --account {id}`",
    "replaced": "the same link is used elsewhere: stop the other program, then restart this account",
    "blocked": "open WhatsApp on the phone: it says what it wants",
    "failed": "the log says why; remove the account and link it anew if nothing else helps",
    "connecting": "wait a moment; if it stays so, look at the internet connection",
    "reconnecting": "wait a moment; if it stays so, look at the internet connection",
    "starting": "wait a moment",
}


class Finding(NamedTuple):
    """What was looked at, whether it is well, and what to say of it."""

    what: str
    well: bool
    said: str


def examine(calling: Calling) -> bool:
    """Prints all findings; returns whether all is well."""
    looks: list[Callable[[], Iterator[Finding]]] = [
        _settings,
        lambda: _data_folder(calling.settings),
        _engine,
        _converter,
        lambda: _gateway(calling),
    ]
    all_well = True
    for look in looks:
        for finding in look():
            all_well &= finding.well
            sys.stdout.write(f"{'ok  ' if finding.well else 'FAIL'}  {finding.what}: {finding.said}\n")
    return all_well


def _settings() -> Iterator[Finding]:
    unknown = unknown_variables()
    yield Finding("settings", not unknown, f"not known: {', '.join(unknown)}" if unknown else "valid")


def _data_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.is_dir():
        yield Finding("data folder", True, f"{folder} is made at the first start")
        return
    open_to_others = folder.stat().st_mode & 0o077
    writable = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    said = "cannot be written: look at its owner" if not writable else "can be read by others: chmod 700"
    well = writable and not open_to_others
    yield Finding("data folder", well, f"{folder}" if well else f"{folder} {said}")
    free = shutil.disk_usage(folder).free
    yield Finding("disk", free > _LITTLE_SPACE, f"{free // 1024**2} MiB free")


def _engine() -> Iterator[Finding]:
    try:
        command = engine_command()
        told = subprocess.run(  # noqa: S603 - our own Node
            [command[0], "--version"], capture_output=True, timeout=_START_LIMIT, check=True, text=True
        )
    except NodeMissingError, EngineBundleMissingError:
        yield Finding("engine", False, f"{sys.exception()}: install the package again, or run scripts/bootstrap")
    except OSError, subprocess.SubprocessError:
        yield Finding("engine", False, "Node does not run on this machine: is it the right architecture?")
    else:
        yield Finding("engine", True, f"Node {told.stdout.strip()}")


def _converter() -> Iterator[Finding]:
    try:
        yield Finding("ffmpeg", True, str(imageio_ffmpeg.get_ffmpeg_exe()))
    except RuntimeError:
        yield Finding("ffmpeg", False, "is missing: voice notes and films cannot be made; install ffmpeg")


def _gateway(calling: Calling) -> Iterator[Finding]:
    try:
        health = calling("GET", "/health")
        accounts = calling("GET", "/v1/accounts")["accounts"]
    except CommandError as error:
        yield Finding("gateway", False, str(error))
        return
    yield Finding("gateway", True, f"version {health['version']}, the token is accepted")
    engine = health["engine"]
    said = f"{engine['state']}, {engine['restarts']} restarts"
    yield Finding("engine's process", engine["state"] == "running", said)
    storage = health["storage"]
    yield Finding("storage", storage is None, storage or "can be written")
    if not accounts:
        yield Finding("accounts", False, "there is none yet: `whatsapp-bridge pair`")
    for account in accounts:
        state, reason = account["state"], account["reason"]
        cure = _CURES.get(state, "").format(id=account["id"])
        said = f"{state}{f' ({reason})' if reason else ''}{f': {cure}' if cure else ''}"
        yield Finding(f"account {account['id']}", state == "connected", said)
