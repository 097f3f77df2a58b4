"""Draws the brand pictures from docs/brand: `PYTHONPATH=. .venv/bin/python scripts/render_brand.py`."""

from pathlib import Path

import resvg_py

ROOT = Path(__file__).resolve().parents[1]
DRAWINGS = ROOT / "docs/brand"
INTEGRATION = ROOT / "custom_components/whatsapp_gateway/brand"
APP = ROOT / "bridge-addon"

PICTURES = (
    ("icon.svg", INTEGRATION / "icon.png", 256, 256),
    ("icon.svg", INTEGRATION / "icon@2x.png", 512, 512),
    ("icon.svg", APP / "icon.png", 128, 128),
    ("logo.svg", APP / "logo.png", 250, 100),
)

for drawing, picture, width, height in PICTURES:
    svg = (DRAWINGS / drawing).read_text()
    picture.write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, height=height)))
