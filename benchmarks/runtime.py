"""What the measured gateway runs on: its own packages and no more, as in the image. Tools that are installed beside them cost memory and start."""

import os
from pathlib import Path
import subprocess


def gateway_python(checkout: Path) -> Path:
    """Returns the Python of a checkout's gateway."""
    return _folder(checkout) / "bin/python"


def install_gateway(checkout: Path) -> None:
    """Makes it, or brings it up to date; the checkout was bootstrapped before."""
    python = (checkout / ".cache/python-path").read_text().strip()
    subprocess.run(
        ["uv", "sync", "--quiet", "--locked", "--no-dev", "--compile-bytecode", "--python", python],
        cwd=checkout,
        env=os.environ | {"UV_PROJECT_ENVIRONMENT": str(_folder(checkout))},
        check=True,
    )


def _folder(checkout: Path) -> Path:
    return checkout / ".cache/benchmark/gateway"
