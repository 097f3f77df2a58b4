"""Draws the brand pictures from docs/brand/icon.svg: `PYTHONPATH=. .venv/bin/python scripts/render_brand.py`."""

from pathlib import Path

import resvg_py

ROOT = Path(__file__).resolve().parents[1]
BRAND = ROOT / "custom_components/whatsapp_gateway/brand"

svg = (ROOT / "docs/brand/icon.svg").read_text()
for name, size in (("icon.png", 256), ("icon@2x.png", 512)):
    (BRAND / name).write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size)))
