"""What is in the image, and what is not."""

import json
import os
from pathlib import Path
import stat
from typing import Any

from tests.stack.process import ROOT

IMAGE = ROOT / ".cache/image"
FILES = IMAGE / "root"
DOCUMENTS = FILES / "usr/share/doc"
SIZE_GOAL = 150_000_000

NOT_WANTED = {
    "sh", "bash", "dash", "busybox", "perl", "apt", "apt-get", "dpkg", "pip", "pip3", "npm", "npx", "corepack", "gcc", "cc", "ld", "as", "make",
    "strip", "curl", "wget", "su", "sudo", "login", "mount",
}  # fmt: skip


def sbom() -> Any:
    return json.loads((DOCUMENTS / "whatsapp-bridge/sbom.cdx.json").read_text())["components"]


def of_kind(kind: str) -> set[str]:
    return {
        str(part["purl"]).removeprefix(f"pkg:{kind}/")
        for part in sbom()
        if str(part["purl"]).startswith(f"pkg:{kind}/")
    }


def test_it_is_small() -> None:
    size = sum(path.stat().st_size for path in (IMAGE / "pushed").iterdir())
    print(f"\n{size / 1e6:.1f} MB compressed")
    assert size < SIZE_GOAL


def test_no_shell_no_package_manager_no_compiler() -> None:
    programs = {
        path.name for path in FILES.rglob("*") if path.is_file() and os.access(path, os.X_OK) and "bin" in path.parts
    }
    assert not programs & NOT_WANTED
    assert {path.name for path in (FILES / "usr/bin").iterdir()} == {"python3.14", "whatsapp-bridge"}


def test_nothing_gives_its_caller_other_rights_and_only_tmp_is_everybodys() -> None:
    for path in FILES.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            continue
        assert not mode & (stat.S_ISUID | stat.S_ISGID), path
        assert not mode & stat.S_IWOTH or path == FILES / "tmp", path


def test_no_file_of_the_build_machine_has_come_along() -> None:
    names = {path.relative_to(FILES).parts[0] for path in FILES.iterdir()}
    assert names == {"data", "dev", "etc", "lib", "lib64", "opt", "proc", "run", "sys", "tmp", "usr"}
    assert not list(FILES.glob("opt/whatsapp-bridge/**/node_modules"))
    assert not list((FILES / "data").iterdir())


def test_the_list_of_parts_has_every_python_package_and_the_lock_files_version_of_it() -> None:
    locked = {
        line.split(" ")[0].lower().replace("_", "-")
        for line in (ROOT / "bridge-addon/requirements.txt").read_text().splitlines()
        if "==" in line
    }
    listed = {part.lower().replace("_", "-").replace("@", "==") for part in of_kind("pypi")}
    assert {part.replace(".", "-", 0) for part in locked} == {
        part for part in listed if not part.startswith("whatsapp-bridge==")
    }


def test_the_list_of_parts_has_every_npm_package_in_the_bundle() -> None:
    lock = json.loads((ROOT / "bridge-addon/engine/package-lock.json").read_text())["packages"]
    bundled = json.loads((ROOT / "bridge-addon/engine/dist/packages.json").read_text())
    wanted = {f"{path.rpartition('node_modules/')[2].replace('@', '%40')}@{lock[path]['version']}" for path in bundled}
    assert {name.partition("@")[0] for name in wanted} >= {"baileys", "libsignal", "ws", "protobufjs"}
    assert of_kind("npm") == wanted


def test_the_list_of_parts_has_every_library_of_debian() -> None:
    listed = {name.partition("@")[0] for name in of_kind("deb/debian")}
    assert listed >= {
        "python3.14-minimal",
        "libpython3.14-stdlib",
        "libc6",
        "libssl3t64",
        "libsqlite3-0",
        "ca-certificates",
    }


def test_every_part_has_a_licence_and_texts_lie_beside_it() -> None:
    for part in sbom():
        [licence] = part["licenses"]
        assert licence.get("expression") or licence["license"]["name"], part
    for name in of_kind("deb/debian"):
        assert (DOCUMENTS / name.partition("@")[0] / "copyright").stat().st_size
    assert "GNU GENERAL PUBLIC LICENSE" in (DOCUMENTS / "whatsapp-bridge/GPL-3").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in next(DOCUMENTS.glob("npm/libsignal@*/LICENSE")).read_text()
    assert {"libsignal", "ffmpeg"} == {
        str(part["name"])
        for part in sbom()
        if "GPL-3.0" in str(part["licenses"]) and "copyright" not in str(part["licenses"])
    }


def test_the_version_is_that_of_the_app() -> None:
    image = json.loads((IMAGE / "image.json").read_text())["Docker"]["config"]
    version = Path(ROOT / "bridge-addon/config.yaml").read_text().partition('version: "')[2].partition('"')[0]
    assert image["Labels"]["io.hass.version"] == version
    assert (FILES / f"opt/whatsapp-bridge/whatsapp_bridge-{version}.dist-info").is_dir()


def test_what_is_pushed_starts_and_is_watched_as_what_was_tested() -> None:
    """The format of OCI, for one, would lose the health check."""
    manifest = json.loads((IMAGE / "pushed/manifest.json").read_text())
    pushed = json.loads((IMAGE / "pushed" / manifest["config"]["digest"].removeprefix("sha256:")).read_text())["config"]
    tested = json.loads((IMAGE / "image.json").read_text())["Docker"]["config"]
    for name in ("Entrypoint", "Cmd", "Env", "Healthcheck", "Volumes", "Labels"):
        assert pushed[name] == tested[name], name
    assert manifest["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
