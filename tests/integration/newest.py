"""Lets the harness, which is made for one release of Home Assistant, run on the newest too: `pytest -p tests.integration.newest`.

It is imported before the harness's own plugin, and imports as that does: first what replaces functions of Home Assistant.
"""

from pytest_homeassistant_custom_component import patch_json, patch_recorder, patch_time  # isort: skip  # noqa: F401
from homeassistant.components import logger
from homeassistant.components.logger.helpers import _clear_logger_overwrites

# the harness imports it from here, where it is no more
logger._clear_logger_overwrites = _clear_logger_overwrites  # type: ignore[attr-defined]
