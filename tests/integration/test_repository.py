"""What hassfest and HACS check on GitHub, as far as it can be checked here; and that every sentence that the code names exists."""

import ast
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.util.yaml import load_yaml_dict
import pytest

ROOT = Path(__file__).resolve().parents[2]
INTEGRATION = ROOT / "custom_components/whatsapp_gateway"
IGNORED = {".git", ".cache", ".venv", "node_modules", "rootfs"}
LANGUAGES = sorted(path.stem for path in (INTEGRATION / "translations").glob("*.json"))
QUALITY_RULES = frozenset(
    [
        "action-exceptions",
        "action-setup",
        "appropriate-polling",
        "async-dependency",
        "brands",
        "common-modules",
        "config-entry-unloading",
        "config-flow",
        "config-flow-test-coverage",
        "dependency-transparency",
        "devices",
        "diagnostics",
        "discovery",
        "discovery-update-info",
        "docs-actions",
        "docs-conditions",
        "docs-configuration-parameters",
        "docs-data-update",
        "docs-examples",
        "docs-high-level-description",
        "docs-installation-instructions",
        "docs-installation-parameters",
        "docs-known-limitations",
        "docs-removal-instructions",
        "docs-supported-devices",
        "docs-supported-functions",
        "docs-triggers",
        "docs-troubleshooting",
        "docs-use-cases",
        "dynamic-devices",
        "entity-category",
        "entity-device-class",
        "entity-disabled-by-default",
        "entity-event-setup",
        "entity-translations",
        "entity-unavailable",
        "entity-unique-id",
        "exception-translations",
        "has-entity-name",
        "icon-translations",
        "inject-websession",
        "integration-owner",
        "log-when-unavailable",
        "parallel-updates",
        "reauthentication-flow",
        "reconfiguration-flow",
        "repair-issues",
        "runtime-data",
        "stale-devices",
        "strict-typing",
        "test-before-configure",
        "test-before-setup",
        "test-coverage",
        "unique-config-entry",
    ]
)
"""The 54 rules of the four tiers (developers.home-assistant.io, Integration quality scale)."""
PLACEHOLDER = re.compile(r"\{(\w+)\}")


def files(*names: str) -> list[Path]:
    """Finds files of these names in the repository."""
    return [path for name in names for path in ROOT.rglob(name) if not IGNORED & set(path.relative_to(ROOT).parts)]


def leaves(tree: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Flattens nested texts to `a.b.c`."""
    flat: dict[str, str] = {}
    for key, value in tree.items():
        path = f"{prefix}.{key}" if prefix else key
        flat |= leaves(value, path) if isinstance(value, dict) else {path: value}
    return flat


def texts(language: str) -> dict[str, str]:
    return leaves(json.loads((INTEGRATION / f"translations/{language}.json").read_text()))


def string_arguments(name: str) -> set[str]:
    """All constant values that the code gives to an argument or attribute of this name."""
    found: set[str] = set()
    for path in INTEGRATION.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == name and isinstance(node.value, ast.Constant):
                found.add(str(node.value.value))
    return found


def test_the_manifest() -> None:
    manifest = json.loads((INTEGRATION / "manifest.json").read_text())
    assert list(manifest) == ["domain", "name", *sorted(set(manifest) - {"domain", "name"})]
    assert manifest["domain"] == INTEGRATION.name
    for requirement in manifest["requirements"]:
        name, _, version = requirement.partition("==")
        locked = re.search(rf'^name = "{name}"\nversion = "(.+)"', (ROOT / "uv.lock").read_text(), re.MULTILINE)
        assert locked is not None, requirement
        assert locked[1] == version
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert {"codeowners", "documentation", "issue_tracker", "iot_class", "config_flow"} <= manifest.keys()


def test_one_version_everywhere() -> None:
    versions = {
        json.loads((INTEGRATION / "manifest.json").read_text())["version"],
        json.loads((ROOT / "bridge-addon/engine/package.json").read_text())["version"],
        re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1],  # type: ignore[index]
    }
    assert len(versions) == 1, versions


def test_the_supervisor_and_hassfest_find_only_what_they_should() -> None:
    assert files("manifest.json") == [INTEGRATION / "manifest.json"]
    assert [path.parent.name for path in files("config.yaml", "config.yml", "config.json")] in ([], ["bridge-addon"])


def test_hacs_json() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_text())
    assert hacs.keys() <= {"name", "homeassistant", "render_readme", "zip_release", "filename"}


def test_the_brand_pictures_are_there() -> None:
    for name in ("icon.png", "icon@2x.png"):
        assert (INTEGRATION / "brand" / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts_and_placeholders(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert english.keys() == other.keys()
    for key, text in english.items():
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(other[key])), key
        assert "<" not in other[key], f"{key}: no HTML"
        assert "[%key" not in other[key]


def test_every_sentence_that_the_code_names_exists() -> None:
    english = texts("en")
    for key in string_arguments("translation_key"):
        assert any(f".{key}." in path or path.startswith(f"issues.{key}.") for path in english), key
    for step in string_arguments("step_id"):
        assert any(f"step.{step}." in path for path in english), step
    source = "".join((INTEGRATION / name).read_text() for name in ("pairing_dialog.py", "app_dialog.py"))
    for action in (path.split(".")[2] for path in english if path.startswith("config.progress.")):
        assert f'"{action}"' in source, action


def test_the_integration_knows_nothing_of_the_engine() -> None:
    for path in INTEGRATION.rglob("*.py"):
        assert not re.search(r"\bjid\b|s\.whatsapp\.net|baileys", path.read_text(), re.IGNORECASE), path


def test_every_rule_of_the_quality_scale_is_done_or_exempt_with_a_reason() -> None:
    rules = load_yaml_dict(str(INTEGRATION / "quality_scale.yaml"))["rules"]
    assert set(rules) == QUALITY_RULES
    for name, verdict in rules.items():
        assert verdict["status"] in {"done", "exempt"}, name
        assert verdict["comment"], name


@pytest.mark.parametrize("rule", sorted(QUALITY_RULES))
def test_what_proves_a_rule_is_there(rule: str) -> None:
    verdict = load_yaml_dict(str(INTEGRATION / "quality_scale.yaml"))["rules"][rule]
    if verdict["status"] == "exempt":
        return
    for proof in verdict["comment"].split(", "):
        file, _, test = proof.partition("::")
        file, _, heading = file.partition("#")
        path = ROOT / file
        assert path.is_file(), proof
        if test:
            functions = {
                node.name
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            assert test in functions, proof
        if heading:
            assert re.search(rf"^#+ {re.escape(heading)}$", path.read_text(), re.MULTILINE), proof
