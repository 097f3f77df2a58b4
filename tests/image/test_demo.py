"""The demo against the image."""

import subprocess

from tests.stack.process import ROOT


def test_the_demo_works_in_the_container() -> None:
    told = subprocess.run(
        [ROOT / "scripts/demo", "--container"], check=False, capture_output=True, text=True, timeout=110
    )
    print(told.stdout)
    assert told.returncode == 0, told.stderr
    assert "It works." in told.stdout
    assert "in the app's image" in told.stdout
