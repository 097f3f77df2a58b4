"""The image that scripts/image has built, running as a container would run it."""

import os

import pytest

from tests.stack.bridge import IN_IMAGE


@pytest.fixture(autouse=True)
def _in_image(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.fail("booting the image needs root")
    monkeypatch.setenv(IN_IMAGE, "1")
