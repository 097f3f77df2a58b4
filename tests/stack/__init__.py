"""Starts the product's real parts as processes: for the demo, the end-to-end tests, the browser tests and the benchmarks."""
