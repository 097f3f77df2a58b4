"""docker-compose.yaml runs the gateway as locked down as the tests of the image do, and with settings that there are."""

from pathlib import Path
import re

from whatsapp_bridge.settings import ORIGINAL_NAMES, Settings
import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_it_runs_as_the_tests_run_the_image() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
    [service] = compose["services"].values()
    assert service["user"] == "1000:1000"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's
    assert service["volumes"] == ["whatsapp:/data"]
    assert not {"privileged", "network_mode", "cap_add", "devices", "pid"} & set(service)


def test_its_settings_are_settings_and_the_token_must_be_given() -> None:
    [service] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"].values()
    known = {f"BRIDGE_{name.upper()}" for name in Settings.model_fields} | set(ORIGINAL_NAMES)
    assert set(service["environment"]) <= known
    assert service["environment"]["BRIDGE_API_TOKEN"].startswith("${BRIDGE_API_TOKEN:?")
    defaults = {
        ORIGINAL_NAMES[name]: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
        for name, value in service["environment"].items()
        if name in ORIGINAL_NAMES
    }
    settings = Settings.model_validate(defaults)
    assert service["ports"] == [f"{settings.port}:{settings.port}"]


def test_its_image_is_the_apps_of_this_version() -> None:
    [service] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"].values()
    app = yaml.safe_load((ROOT / "bridge-addon/config.yaml").read_text())
    assert service["image"] == f"{app['image']}:{app['version']}"
