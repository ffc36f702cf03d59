"""Which symbols cannot wait for the next second: a cascade or a jump is under way."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

BURST_SHARE: Final = 0.0005
"""Reported liquidations within a minute, as a share of open interest, that count as a burst."""
JUMP_SIGMAS: Final = 3.0
"""Move since the last scoring, in one-minute standard deviations, that counts as a jump."""
_WINDOW_MS: Final = 60_000
_PAUSE_MS: Final = 5_000


class UrgentWatch:
    """Marks rows whose liquidations or price moved too much to wait for the next pass.

    All arrays have shape (n,). A row that fired is quiet for five seconds, so that a cascade
    is scored again as it grows without scoring every message.
    """

    def __init__(self, n: int) -> None:
        self._liquidated = np.zeros(n)
        self._window_from_ms = np.zeros(n, dtype=np.int64)
        self._scored_price = np.full(n, np.nan)
        self._quiet_until_ms = np.zeros(n, dtype=np.int64)
        self._burst = np.zeros(n, dtype=bool)

    def add_liquidation(
        self, row: int, at_ms: int, notional: float, open_interest_notional: float
    ) -> None:
        """Count one reported liquidation; `open_interest_notional` may be NaN."""
        if at_ms - self._window_from_ms[row] > _WINDOW_MS:
            self._window_from_ms[row] = at_ms
            self._liquidated[row] = 0.0
        self._liquidated[row] += notional
        if self._liquidated[row] >= BURST_SHARE * open_interest_notional:
            self._burst[row] = True

    def take(self, price: FloatArray, sigma_1m: FloatArray, now_ms: int) -> BoolArray:
        """Return the rows to score at once, and forget them.

        Parameters
        ----------
        price : quote per base
        sigma_1m : standard deviation of one-minute log returns
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            moved = np.abs(np.log(price / self._scored_price)) > JUMP_SIGMAS * sigma_1m
        rows: BoolArray = (moved | self._burst) & (self._quiet_until_ms <= now_ms)
        self._quiet_until_ms[rows] = now_ms + _PAUSE_MS
        self._burst[rows] = False
        return rows

    def scored(self, price: FloatArray, rows: BoolArray) -> None:
        """Note the price at which `rows` were scored."""
        np.copyto(self._scored_price, price, where=rows)
