"""What a row measures, what it is compared with, and whether the goal is met."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
import math
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.arena import Arena

BARE = "bare"
BRIDGE = "bridge"

type Measured = Mapping[str, Mapping[str, float]]
"""By figure, by contestant: one round's value."""


class Comparison(Enum):
    """How a figure of ours is held against that of bare Baileys."""

    TIMES_AT_MOST = "at most {:g} times"
    TIMES_AT_LEAST = "at least {:g} times"
    MORE_AT_MOST = "at most {:g} {unit} more"
    AT_MOST = "at most {:g} {unit}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should come to."""

    comparison: Comparison
    limit: float

    def compared(self, value: float, floor: float | None) -> float | None:
        """Returns what the limit is for: a ratio, a difference, or the value; None where there is nothing to compare with."""
        if self.comparison is Comparison.AT_MOST:
            return value
        if floor is None:
            return None
        return value - floor if self.comparison is Comparison.MORE_AT_MOST else value / floor

    def met(self, compared: float) -> bool:
        """Whether that is good enough."""
        if self.comparison is Comparison.TIMES_AT_LEAST:
            return compared >= self.limit
        return compared <= self.limit

    def words(self, unit: str) -> str:
        """Says it."""
        return self.comparison.value.format(self.limit, unit=unit)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    key: str
    what: str
    unit: str
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What is measured together."""

    key: str
    title: str
    how: str
    """How it is measured, in a few sentences."""
    figures: Sequence[Figure]
    measure: Callable[[Arena], Awaitable[Measured]]
    rounds: int = 5
    """How often it is measured, each time with processes started anew."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds, and how far they lie apart."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Takes them together."""
        return cls(median(values), min(values), max(values))


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the value that `share` of the values do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
