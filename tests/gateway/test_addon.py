"""The app as the Supervisor reads it: our own copy of its schema, since it drops unknown keys silently."""

import json
from pathlib import Path
import re
import shutil
import subprocess
import tomllib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
import pytest
from whatsapp_bridge.settings import Settings
import yaml

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "bridge-addon"

OptionType = Annotated[
    str,
    StringConstraints(
        pattern=r"^(str(\(\d*,\d*\))?|bool|email|url|port|device(\([a-z0-9,=]+\))?|password|match\(.+\)|list\([^)]+\)|(int|float)(\([0-9.]*,[0-9.]*\))?)\??$"
    ),
]


class AppConfig(BaseModel):
    """The keys of `supervisor/apps/validate.py` that we use, each as narrow as we mean it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+([ab]\d+)?$")]
    slug: Annotated[str, StringConstraints(pattern=r"^[-_.A-Za-z0-9]+$")]
    description: str
    url: str
    image: Annotated[str, StringConstraints(pattern=r"^ghcr\.io/[a-z0-9-]+/[a-z0-9-]+$")]
    arch: list[Literal["aarch64", "amd64"]]
    homeassistant: str
    startup: Literal["services"]
    stage: Literal["experimental", "stable"]
    timeout: Annotated[int, Field(ge=10, le=300)]
    tmpfs: Literal[True]
    watchdog: Annotated[str, StringConstraints(pattern=r"^http://\[HOST\]:\[PORT:\d+\]/health$")]
    discovery: list[str]
    ingress: Literal[True]
    ingress_port: int
    ingress_stream: bool
    panel_icon: Annotated[str, StringConstraints(pattern=r"^mdi:[a-z-]+$")]
    panel_title: str
    ports: dict[str, None]
    environment: dict[str, str]
    backup: Literal["hot"]
    backup_pre: str | None = None
    backup_post: str | None = None
    backup_exclude: list[str]
    options: dict[str, Any]
    schema_: Annotated[dict[str, OptionType | list[OptionType | dict[str, OptionType]]], Field(alias="schema")]


@pytest.fixture(scope="module")
def config() -> AppConfig:
    return AppConfig.model_validate(yaml.safe_load((APP / "config.yaml").read_text()))


def rating(config: dict[str, Any], *, profile: bool) -> int:
    """Rates an app as the Supervisor does (`supervisor/apps/utils.py`, rating_security), without what a signature would add."""
    if config.get("docker_api") or config.get("full_access"):
        return 1
    points = 5 + (1 if profile and config.get("apparmor", True) else -1) + (2 if config.get("ingress") else 0)
    privileged = {
        "NET_ADMIN",
        "SYS_ADMIN",
        "SYS_RAWIO",
        "SYS_PTRACE",
        "SYS_MODULE",
        "DAC_READ_SEARCH",
        "BPF",
        "PERFMON",
        "NET_RAW",
    }
    if privileged.intersection(config.get("privileged", [])):
        points -= 1
    points -= {"manager": 1, "admin": 2}.get(config.get("hassio_role", ""), 0)
    points -= bool(config.get("host_network")) + 2 * bool(config.get("host_pid")) + bool(config.get("host_uts"))
    return max(1, min(8, points))


def test_the_security_rating_is_the_highest() -> None:
    config = yaml.safe_load((APP / "config.yaml").read_text())
    assert rating(config, profile=(APP / "apparmor.txt").is_file()) == 8
    assert not {"map", "privileged", "host_network", "hassio_api", "homeassistant_api", "devices"} & set(config)


def test_no_port_of_the_host_is_taken(config: AppConfig) -> None:
    assert config.ports == {"8000/tcp": None}
    assert config.ingress_port == Settings.model_fields["port"].default
    assert config.watchdog == f"http://[HOST]:[PORT:{config.ingress_port}]/health"


def test_every_option_is_a_setting_with_its_limits(config: AppConfig) -> None:
    assert set(config.schema_) <= set(Settings.model_fields)
    assert set(config.options) <= set(config.schema_)
    for name, kind in config.schema_.items():
        # a list is optional where what it holds is
        optional = str(kind[0] if isinstance(kind, list) else kind).endswith("?")
        assert optional != (name in config.options), f"{name} must be optional or have a value"
    assert Settings(**config.options).log_level == "info"
    for name, kind in config.schema_.items():
        if limits := re.match(r"(int|float)\(([\d.]+),([\d.]*)\)", str(kind)):
            for limit in filter(None, limits.groups()[1:]):
                Settings.model_validate({name: float(limit) if limits[1] == "float" else int(limit)})


def test_a_webhook_of_the_options_is_one_of_the_settings(config: AppConfig) -> None:
    assert config.schema_["webhooks"] == [{"name": "match(^[a-z0-9_-]{1,32}$)", "url": "url", "secret": "password"}]
    written = {"name": "node-red", "url": "http://192.168.1.5:1880/whatsapp", "secret": "a secret of the two"}
    [webhook] = Settings.model_validate({"webhooks": [written]}).webhooks
    assert webhook.name == "node-red"


def test_every_option_and_port_is_described_in_every_language(config: AppConfig) -> None:
    languages = {path.stem: yaml.safe_load(path.read_text()) for path in (APP / "translations").glob("*.yaml")}
    assert languages.keys() >= {"en", "de"}
    for language, texts in languages.items():
        assert set(texts) == {"configuration", "network"}, language
        assert set(texts["configuration"]) == set(config.schema_), language
        assert set(texts["network"]) == set(config.ports), language
        for described in texts["configuration"].values():
            assert described["name"]
            assert described["description"]


def test_the_profile_is_of_this_app(config: AppConfig) -> None:
    assert re.findall(r"^profile (\S+)", (APP / "apparmor.txt").read_text(), re.MULTILINE) == [config.slug]


def test_discovery_is_announced_for_the_integration(config: AppConfig) -> None:
    manifest = json.loads((ROOT / "custom_components/whatsapp_gateway/manifest.json").read_text())
    assert config.discovery == [manifest["domain"]]


def test_the_version_is_the_same_everywhere(config: AppConfig) -> None:
    """`scripts/version` sets them all."""
    assert {
        config.version,
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"],
        json.loads((ROOT / "custom_components/whatsapp_gateway/manifest.json").read_text())["version"],
        json.loads((APP / "engine/package.json").read_text())["version"],
        json.loads((APP / "engine/package-lock.json").read_text())["version"],
    } == {config.version}


def test_the_least_home_assistant_is_the_same_everywhere(config: AppConfig) -> None:
    """And it is the one that the unit tests run on."""
    least = json.loads((ROOT / "hacs.json").read_text())["homeassistant"]
    assert config.homeassistant == least
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    tested = {package["version"] for package in lock["package"] if package["name"] == "homeassistant"}
    assert any(version.startswith(least.rpartition(".")[0]) for version in tested), tested


def test_the_repository_is_one_of_apps() -> None:
    repository = yaml.safe_load((ROOT / "repository.yaml").read_text())
    assert set(repository) == {"name", "url", "maintainer"}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )
    apps = [path for path in tracked if re.fullmatch(r"config\.(ya?ml|json)", Path(path).name) and "rootfs" not in path]
    assert apps == ["bridge-addon/config.yaml"]
    assert [path for path in tracked if Path(path).name == "manifest.json"] == [
        "custom_components/whatsapp_gateway/manifest.json"
    ]


@pytest.mark.parametrize(("name", "size"), [("icon.png", (128, 128)), ("logo.png", (250, 100))])
def test_the_pictures_have_the_sizes_that_the_store_shows(name: str, size: tuple[int, int]) -> None:
    header = (APP / name).read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    assert (int.from_bytes(header[16:20]), int.from_bytes(header[20:24])) == size


def test_what_the_image_installs_is_what_is_locked() -> None:
    """`scripts/lock` writes it, with hashes, into the folder that is the image's build context."""
    uv = shutil.which("uv", path=f"{ROOT}/.cache/uv/bin") or shutil.which("uv")
    assert uv is not None
    exported = subprocess.run(
        [uv, "export", "--frozen", "--offline", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate", "--format=requirements-txt"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert exported == (APP / "requirements.txt").read_text()
    packages = re.findall(r"^\S+==", exported, re.MULTILINE)
    assert len(packages) > 30
    assert exported.count("--hash=sha256:") >= len(packages)


def test_the_image_can_be_built_for_each_processor_of_the_app(config: AppConfig) -> None:
    """Every locked package has a wheel that Debian's Python 3.14 takes, on each."""
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    needed = dict(re.findall(r"^(\S+)==(\S+)", (APP / "requirements.txt").read_text(), re.MULTILINE))
    machines = {"aarch64": "aarch64", "amd64": "x86_64"}
    for package in locked:
        if needed.get(package["name"]) != package["version"]:
            continue
        wheels = [wheel["url"].rpartition("/")[2] for wheel in package["wheels"]]
        for arch in config.arch:
            fits = re.compile(
                rf"-(cp314-cp314|cp3\d+-abi3|py3|py2\.py3)(-none)?-(any|[\w.]*manylinux[\w.]*_{machines[arch]})\.whl$"
            )
            assert any(fits.search(wheel) for wheel in wheels), (package["name"], arch, wheels)
