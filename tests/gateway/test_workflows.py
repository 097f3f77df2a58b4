"""The workflows on GitHub call what is there, and may do no more than they must."""

from pathlib import Path
import re
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> Any:
    return yaml.safe_load(request.param.read_text())


def steps(workflow: Any) -> list[Any]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def test_there_are_tests_checks_releases_updates_and_a_canary() -> None:
    assert {path.stem for path in WORKFLOWS} >= {"test", "validate", "release", "update", "canary"}


def test_every_script_that_is_called_is_there(workflow: Any) -> None:
    called = {
        name
        for step in steps(workflow)
        for name in re.findall(r"(?<![\w/-])((?:scripts|\.ci)/[\w.-]+)", step.get("run", ""))
    }
    for name in called:
        path = ROOT / name
        assert path.is_file(), name
        assert path.stat().st_mode & 0o100, f"{name} must be executable"


def test_every_part_of_the_tests_is_run() -> None:
    test = yaml.safe_load((ROOT / ".github/workflows/test.yaml").read_text())
    run = " ".join([*test["jobs"]["parts"]["strategy"]["matrix"]["parts"], "image"]).split()
    said = re.search(r"^# Parts: (.*)$", (ROOT / "scripts/test").read_text(), re.MULTILINE)
    assert said is not None
    assert set(run) == set(said[1].split())


def test_it_is_told_what_it_may_and_ends(workflow: Any) -> None:
    assert workflow["permissions"]
    assert "write-all" not in str(workflow["permissions"])
    for job in workflow["jobs"].values():
        assert "uses" in job or job["timeout-minutes"] <= 45


def test_nothing_from_outside_is_put_into_a_command(workflow: Any) -> None:
    for step in steps(workflow):
        for expression in re.findall(r"\$\{\{(.*?)\}\}", step.get("run", "")):
            assert not re.search(r"github\.(event|head_ref)|inputs\.", expression), step["run"]


def test_the_image_is_released_for_what_the_app_says() -> None:
    release = yaml.safe_load((ROOT / ".github/workflows/release.yaml").read_text())
    app = yaml.safe_load((ROOT / "bridge-addon/config.yaml").read_text())
    assert release["env"]["IMAGE"] == app["image"]
    built = {job["arch"] for job in release["jobs"]["image"]["strategy"]["matrix"]["include"]}
    assert built == {{"aarch64": "arm64", "amd64": "amd64"}[arch] for arch in app["arch"]}
