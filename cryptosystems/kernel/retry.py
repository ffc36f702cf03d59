"""Bounded back-off with jitter, as data."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full-jitter exponential back-off.

    `max_tries` None means for ever (a market feed never gives up); the pause stays capped.
    """

    first_s: float = 0.5
    cap_s: float = 30.0
    factor: float = 2.0
    max_tries: int | None = None

    def pause_s(self, attempt: int, random: Random) -> float:
        """Return the pause before try number `attempt` (0 is the first repeat)."""
        ceiling = min(self.cap_s, self.first_s * self.factor ** min(attempt, 30))
        return random.uniform(0, ceiling)

    def is_exhausted(self, attempt: int) -> bool:
        """Say whether try number `attempt` is one too many."""
        return self.max_tries is not None and attempt >= self.max_tries
