"""How long something took, counted in classes: what Prometheus calls a histogram."""

from bisect import bisect_left

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the classes, in seconds; what took longer is in one more."""


class Durations:
    """Counts durations."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """All together."""
        self._counts = [0] * (len(BOUNDS) + 1)

    def add(self, seconds: float) -> None:
        """Counts one."""
        self.seconds += seconds
        self._counts[bisect_left(BOUNDS, seconds)] += 1

    def cumulative(self) -> list[tuple[str, int]]:
        """Returns each bound, as Prometheus spells it, and how many took at most as long."""
        total = 0
        buckets = []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self._counts, strict=True):
            total += count
            buckets.append((bound, total))
        return buckets
