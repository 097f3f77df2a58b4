"""How fast an account sends: a token bucket. WhatsApp takes steady floods for spam."""

from collections.abc import Callable
import random
import time

BURST = 5
"""Messages that may go out at once after a rest."""

_JITTER = 0.3


class Pace:
    """The pace of one account. `rate` is in messages a second, 0 for no limit."""

    def __init__(
        self, rate: float, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._chance = chance
        self._tokens = float(BURST)
        self._filled_at = clock()
        self._wanted = 1.0

    def pause(self) -> float:
        """Returns for how many seconds nothing may be sent yet."""
        if not self._rate:
            return 0.0
        self._fill()
        return max(0.0, (self._wanted - self._tokens) / self._rate)

    def take(self) -> None:
        """Counts a message. When the burst is used up, the next one waits a little longer than it had to, each time anew."""
        if self._rate:
            self._fill()
            self._tokens -= 1.0
            self._wanted = 1.0 if self._tokens >= 1.0 else 1.0 + self._chance() * _JITTER

    def _fill(self) -> None:
        moment = self._clock()
        self._tokens = min(float(BURST), self._tokens + (moment - self._filled_at) * self._rate)
        self._filled_at = moment
