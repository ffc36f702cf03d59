"""Columns of reported liquidations: a lower bound, the exchange sends at most one a second.

Decaying sums of notional (USDT): between events a sum falls by half each half-life, so that
one number per symbol stands for "lately". Index 0 is closed longs, 1 closed shorts.
"""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

HALF_LIVES_MS: Final = {"fast": 300_000, "mid": 900_000, "day": 86_400_000}
_DAY_MS: Final = 86_400_000
_KEPT: Final = 2_000


class LiquidationColumns:
    """Decaying sums of shape (2, n) per half-life, and the recent events of each symbol."""

    def __init__(self, n: int) -> None:
        self._sums = {name: np.zeros((2, n)) for name in HALF_LIVES_MS}
        self._at_ms = {name: np.zeros((2, n), dtype=np.int64) for name in HALF_LIVES_MS}
        self.recent: list[deque[tuple[int, float, float, int]]] = [
            deque(maxlen=_KEPT) for _ in range(n)
        ]
        """Per symbol: (event time ms, price, notional USDT, side index)."""
        self.heartbeat_ms = 0
        """When the stream last proved to be alive; absence of liquidations is data only then."""
        self.since_ms = 0
        """Since when the stream is being heard."""

    def add(self, row: int, side: int, price: float, notional: float, at_ms: int) -> None:
        """Count one forced order; a repeat of the newest is dropped."""
        recent = self.recent[row]
        entry = (at_ms, price, notional, side)
        if recent and recent[-1] == entry:
            return
        recent.append(entry)
        for name, half_life_ms in HALF_LIVES_MS.items():
            sums, times = self._sums[name], self._at_ms[name]
            passed = max(0, at_ms - int(times[side, row]))
            sums[side, row] = sums[side, row] * 2.0 ** (-passed / half_life_ms) + notional
            times[side, row] = max(at_ms, int(times[side, row]))

    def sums(self, name: str, now_ms: int) -> FloatArray:
        """Return the decayed sums of one half-life at `now_ms`, USDT, shape (2, n)."""
        passed = np.maximum(0, now_ms - self._at_ms[name])
        return np.asarray(self._sums[name] * 2.0 ** (-passed / HALF_LIVES_MS[name]))

    def day_totals(self, row: int, now_ms: int) -> tuple[float, float]:
        """Return (longs, shorts) closed in the last 24 hours, USDT, as reported."""
        totals = [0.0, 0.0]
        for at_ms, _, notional, side in self.recent[row]:
            if at_ms > now_ms - _DAY_MS:
                totals[side] += notional
        return totals[0], totals[1]
