"""What asks for tests with all real parts would ask for nothing if it found nothing."""

from collections import Counter

from homeassistant.core import HomeAssistant
import pytest

from tests.integration import exercised
from tests.integration.dialog import begin
from tests.integration.scripted_gateway import ScriptedGateway


def test_the_inventory_has_all_kinds() -> None:
    found = exercised.inventory()
    counts = Counter(item.split()[0] for item in found)
    assert counts["entity"] >= 14
    assert counts["action"] >= 19
    assert counts["trigger"] >= 8
    assert counts["condition"] >= 4
    assert counts["repair"] >= 10
    assert counts["mended"] >= 7
    assert counts["dialog"] >= 40
    assert counts["recipient"] >= 3
    assert counts["blueprint"] >= 7
    assert exercised.NOT_REACHED.issubset(found)


def test_only_tests_with_all_real_parts_count() -> None:
    assert exercised.is_whole_chain(["hass", "simulator", "bridge"])
    assert not exercised.is_whole_chain(["hass", "simulator", "gateway"])
    assert not exercised.is_whole_chain(["hass"])


async def test_what_is_come_through_is_noted_and_what_is_not_is_missing(
    hass: HomeAssistant, gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exercised, "NOTED", set())
    exercised.watch(monkeypatch)
    gateway.token = "another"
    step = await begin(hass, url=gateway.url, token="wrong-token-0123456789")
    assert step["step_id"] == "user"
    assert list(exercised.NOTED) == ["dialog step user"]
    assert "dialog step user" not in exercised.missing()
    assert "dialog step scan" in exercised.missing()
