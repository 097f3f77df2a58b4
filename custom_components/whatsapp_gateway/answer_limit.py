"""Two houses that answer each other would never end: a chat gets only so many answers in a time."""

from collections import defaultdict, deque
from typing import Final

ANSWERS: Final = 30
WITHIN: Final = 600.0
"""Seconds. A person does not read that much in ten minutes; two agents that need ten seconds each write more."""


class AnswerLimit:
    """Counts the answers in each chat."""

    def __init__(self) -> None:
        self._answered: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=ANSWERS))
        self._silent: set[str] = set()

    def allows(self, chat: str, now: float) -> bool:
        """Says whether one more answer is right, and counts it then. `now` is in seconds of any clock that only goes forward."""
        answered = self._answered[chat]
        if len(answered) == ANSWERS and now - answered[0] < WITHIN:
            return False
        answered.append(now)
        self._silent.discard(chat)
        return True

    def falls_silent(self, chat: str) -> bool:
        """Says whether this is the first message since the last answer that gets none: it is worth a line in the log."""
        if chat in self._silent:
            return False
        self._silent.add(chat)
        return True
