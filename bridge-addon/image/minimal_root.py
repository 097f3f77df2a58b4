"""Makes the root of the image: the application, the interpreter, its standard library, and the libraries that all of these load.

Usage: minimal_root.py ROOT. What is needed is found, not listed: `ldd` tells the libraries of every binary that is copied,
`dpkg` whose package each is, so that sbom.py can list it. Python's standard library alone.
"""

import compileall
from pathlib import Path
import py_compile
import re
import shutil
import subprocess
import sys

from assemble import BUILD, version
import sbom

APPLICATION = Path("/opt/whatsapp-bridge")
INTERPRETER = Path("/usr/bin/python3.14")
STANDARD_LIBRARY = Path("/usr/lib/python3.14")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

NOT_USED = {
    "_pydecimal.py",
    "config-3.14-aarch64-linux-gnu",
    "config-3.14-x86_64-linux-gnu",
    "dist-packages",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "test",
    "tkinter",
    "turtledemo",
    "venv",
    "__pycache__",
}
"""What is left out of the standard library."""

USER_ID = 1000
FILES = {
    "etc/passwd": f"root:x:0:0:root:/:/nonexistent\nbridge:x:{USER_ID}:{USER_ID}:WhatsApp Gateway:/data:/nonexistent\n",
    "etc/group": f"root:x:0:\nbridge:x:{USER_ID}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "usr/bin/whatsapp-bridge": "#!/usr/bin/python3.14\nfrom whatsapp_bridge.__main__ import main\nraise SystemExit(main())\n",
}


def is_binary(path: Path) -> bool:
    """Whether a file is a program or a library."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def libraries(binaries: list[Path]) -> set[Path]:
    """Returns the libraries that binaries load, and those of these, with the loader; not those that lie beside them."""
    told = subprocess.run(["ldd", *binaries], check=False, capture_output=True, text=True).stdout
    if missing := re.findall(r"(\S+) => not found", told):
        raise SystemExit(f"libraries are missing: {sorted(set(missing))}")
    found = {Path(path) for path in re.findall(r"(/\S+) \(0x", told)}
    return {path for path in found if not path.is_relative_to(APPLICATION)}


def copy(path: Path, root: Path) -> Path:
    """Copies a file, and where it is a link what that leads to, to its place below the root. Returns the real one."""
    real = path.resolve()
    # /lib and /lib64 are links to below /usr
    place = root / path.parent.resolve().relative_to("/") / path.name
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        real_place = root / real.relative_to("/")
        real_place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(real, real_place)
        if place != real_place and not place.is_symlink():
            place.symlink_to(real.relative_to(path.parent.resolve(), walk_up=True))
    else:
        shutil.copy2(real, place)
    return real


def packages(files: set[Path]) -> set[str]:
    """Returns the names of the Debian packages that files come from."""
    names = set()
    for file in files:
        # packages from before /lib became a link say so
        for spelling in (file, Path("/", *file.parts[2:])):
            owner = subprocess.run(["dpkg-query", "--search", spelling], check=False, capture_output=True, text=True)
            if owner.returncode == 0:
                names.add(owner.stdout.split(":")[0])
                break
        else:
            raise SystemExit(f"{file} is of no package")
    return names


def main(root: Path) -> None:
    """Makes the root."""
    root.mkdir()
    shutil.copytree(APPLICATION, root / APPLICATION.relative_to("/"), symlinks=True)
    library = root / STANDARD_LIBRARY.relative_to("/")
    shutil.copytree(
        STANDARD_LIBRARY, library, symlinks=False, ignore=lambda _folder, names: NOT_USED.intersection(names)
    )
    compileall.compile_dir(library, quiet=1, workers=0, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    copied = {copy(INTERPRETER, root)}
    binaries = [
        INTERPRETER,
        *(path for folder in (APPLICATION, STANDARD_LIBRARY) for path in folder.rglob("*") if is_binary(path)),
    ]
    # getaddrinfo and threads load these two when they are first used
    late = {
        path
        for name in ("libnss_dns.so.2", "libgcc_s.so.1", "libresolv.so.2")
        for path in Path("/usr/lib").glob(f"*/{name}")
    }
    needed = libraries(binaries) | late
    copied |= {copy(path, root) for path in needed | libraries(sorted(needed))}
    copy(CERTIFICATES, root)
    for name in ("lib", "lib64"):
        if Path("/", name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    for place, text in FILES.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text)
    (root / "usr/bin/whatsapp-bridge").chmod(0o755)
    for name in ("data", "tmp", "proc", "sys", "dev", "run"):
        (root / name).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    shutil.chown(root / "data", USER_ID, USER_ID)
    debian = packages(copied) | {"ca-certificates", "libpython3.14-stdlib"}
    sbom.write(root, APPLICATION, BUILD / "engine", debian, version())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
