"""The market's own time: the exchange's clock, carried on by our monotonic one.

Our wall clock may be an hour off without harm: it is never asked. In a replay the market's
clock runs faster than ours, by `speed`.
"""

from collections.abc import Sequence
from statistics import median
from time import monotonic
from typing import Final

RESYNC_S: Final = 60.0
N_ANSWERS: Final = 5
"""How many answers one synchronisation takes the median of."""

Answer = tuple[int, float, float]
"""Exchange time ms, and our monotonic time before the question and after the answer."""


class MarketClock:
    """`now_ms` is the exchange's time as of the last sync, carried on."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._offset_ms = 0.0
        self.is_synced = False
        self.round_trip_ms = 0.0

    def sync(self, server_ms: int, asked_s: float, answered_s: float) -> None:
        """Take the exchange's time, as told by an answer between two monotonic moments."""
        self.sync_all([(server_ms, asked_s, answered_s)])

    def sync_all(self, answers: Sequence[Answer]) -> None:
        """Take the median of several answers, each less half its round trip."""
        self._offset_ms = median(
            told - (asked + answered) / 2 * 1000 * self.speed for told, asked, answered in answers
        )
        self.round_trip_ms = median(answered - asked for _, asked, answered in answers) * 1000
        self.is_synced = True

    def now_ms(self) -> int:
        return int(self._offset_ms + monotonic() * 1000 * self.speed)

    def real_seconds(self, market_ms: float) -> float:
        """Return how long a stretch of market time takes on our clock, seconds."""
        return market_ms / 1000 / self.speed
