"""The market's own time: the exchange's clock, carried on by our monotonic one.

Our wall clock may be an hour off without harm: it is never asked. In a replay the market's
clock runs faster than ours, by `speed`.
"""

from time import monotonic

RESYNC_S = 60.0


class MarketClock:
    """`now_ms` is the exchange's time as of the last sync, carried on."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._base_ms = 0.0
        self._base_s = monotonic()
        self.is_synced = False
        self.round_trip_ms = 0.0

    def sync(self, server_ms: int, asked_s: float, answered_s: float) -> None:
        """Take the exchange's time, as told by an answer between two monotonic moments."""
        half = (answered_s - asked_s) / 2
        self._base_ms = server_ms + half * 1000 * self.speed
        self._base_s = answered_s
        self.round_trip_ms = (answered_s - asked_s) * 1000
        self.is_synced = True

    def now_ms(self) -> int:
        return int(self._base_ms + (monotonic() - self._base_s) * 1000 * self.speed)

    def real_seconds(self, market_ms: float) -> float:
        """Return how long a stretch of market time takes on our clock, seconds."""
        return market_ms / 1000 / self.speed
