"""The six timeframes and the arithmetic of candle times.

All times here are integer milliseconds since the epoch, UTC. Every timeframe is
aligned to the epoch, as the exchange's own candles are.
"""

from enum import StrEnum
from typing import Final

MINUTE_MS: Final = 60_000


class Timeframe(StrEnum):
    """A candle length. The value is the exchange's own name for it."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds."""
        return _DURATION_MS[self]

    @property
    def minutes(self) -> int:
        """Length in minutes."""
        return _DURATION_MS[self] // MINUTE_MS

    def open_of(self, at_ms: int) -> int:
        """Return the open time of the candle that contains `at_ms`."""
        return at_ms - at_ms % _DURATION_MS[self]

    def close_of(self, open_ms: int) -> int:
        """Return the first millisecond after the candle opened at `open_ms`."""
        return open_ms + _DURATION_MS[self]


_DURATION_MS: Final[dict[Timeframe, int]] = {
    Timeframe.M1: MINUTE_MS,
    Timeframe.M5: 5 * MINUTE_MS,
    Timeframe.M15: 15 * MINUTE_MS,
    Timeframe.H1: 60 * MINUTE_MS,
    Timeframe.H4: 240 * MINUTE_MS,
    Timeframe.D1: 1440 * MINUTE_MS,
}

TIMEFRAMES: Final[tuple[Timeframe, ...]] = tuple(Timeframe)
"""All timeframes, shortest first."""

DECISION_TIMEFRAMES: Final[tuple[Timeframe, ...]] = (Timeframe.M15, Timeframe.H1, Timeframe.H4)
"""The timeframes on which signals are issued; the others feed context."""
