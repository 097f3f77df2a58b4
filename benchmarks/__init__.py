"""Measures the bridge against the simulator, side by side with bare Baileys. See `scripts/benchmark --help`."""
