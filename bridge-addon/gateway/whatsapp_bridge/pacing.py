"""How fast an account sends: a token bucket, and rests when WhatsApp says that it is too much. It takes steady floods for spam."""

from collections.abc import Callable
import random
import time

BURST = 5
"""Messages that may go out at once after a rest."""

NEW_CHAT_TOKENS = 3.0
"""What a message costs to a chat that was never written to: WhatsApp counts strangers."""

TOO_MUCH = frozenset({429, 463})
"""WhatsApp's refusals that mean the account and not the message: rate limit, and too many new chats."""

_JITTER = 0.3
_FIRST_REST = 60.0
_LONGEST_REST = 3600.0


class Pace:
    """The pace of one account. `rate` is in messages a second, 0 for no limit and no rest."""

    def __init__(
        self, rate: float, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._chance = chance
        self._tokens = float(BURST)
        self._filled_at = clock()
        self._wanted = 1.0
        self._rest = 0.0
        self._rests_until = 0.0

    def pause(self, *, new_chat: bool = False) -> float:
        """Returns for how many seconds nothing may be sent yet, or nothing to a new chat."""
        if not self._rate:
            return 0.0
        self._fill()
        wanted = self._wanted + (NEW_CHAT_TOKENS - 1.0 if new_chat else 0.0)
        return max(0.0, (wanted - self._tokens) / self._rate, self.resting)

    @property
    def resting(self) -> float:
        """Seconds that the account still rests after a refusal."""
        return max(0.0, self._rests_until - self._clock())

    def take(self, *, new_chat: bool = False) -> None:
        """Counts a message. When the burst is used up, the next one waits a little longer than it had to, each time anew."""
        if self._rate:
            self._fill()
            self._tokens -= NEW_CHAT_TOKENS if new_chat else 1.0
            self._wanted = 1.0 if self._tokens >= 1.0 else 1.0 + self._chance() * _JITTER

    def refused(self) -> None:
        """Begins a rest, longer each time until a message is taken."""
        if self._rate:
            self._rest = min(max(_FIRST_REST, self._rest * 2), _LONGEST_REST)
            self._rests_until = self._clock() + self._rest * (1.0 + self._chance() * _JITTER)

    def accepted(self) -> None:
        """WhatsApp takes messages again."""
        self._rest = 0.0

    def _fill(self) -> None:
        moment = self._clock()
        self._tokens = min(float(BURST), self._tokens + (moment - self._filled_at) * self._rate)
        self._filled_at = moment
