"""Columns of mark price, funding and open interest."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NORMAL_INTERVAL_HOURS = 8
_SUM_DAYS = 3
_DAY_MS = 86_400_000


class DerivativeColumns:
    """Arrays of shape (n,): what the contract costs to hold and how much of it is open."""

    def __init__(self, n: int) -> None:
        self.mark: FloatArray = np.full(n, np.nan)
        self.index: FloatArray = np.full(n, np.nan)
        self.predicted_rate: FloatArray = np.full(n, np.nan)
        """Per funding interval; what the coming settlement would be."""
        self.next_funding_ms: IntArray = np.zeros(n, dtype=np.int64)
        self.mark_received_ms: IntArray = np.zeros(n, dtype=np.int64)
        self.interval_hours: FloatArray = np.full(n, float(NORMAL_INTERVAL_HOURS))
        self.settled_8h: FloatArray = np.full(n, np.nan)
        """The last settled rate, rescaled to eight hours."""
        self.settled_ms: IntArray = np.zeros(n, dtype=np.int64)
        self._settlements: list[list[tuple[int, float]]] = [[] for _ in range(n)]
        self._sums: FloatArray = np.full(n, np.nan)
        self.open_interest: FloatArray = np.full(n, np.nan)
        """Base asset, one-sided."""
        self.open_interest_ms: IntArray = np.zeros(n, dtype=np.int64)
        """When we received it."""

    def set_mark(
        self,
        row: int,
        mark: float,
        index: float,
        rate: float,
        next_funding_ms: int,
        received_ms: int,
    ) -> None:
        self.mark[row] = mark
        self.index[row] = index
        self.predicted_rate[row] = rate
        self.next_funding_ms[row] = next_funding_ms
        self.mark_received_ms[row] = received_ms

    def set_open_interest(self, row: int, quantity: float, received_ms: int) -> None:
        self.open_interest[row] = quantity
        self.open_interest_ms[row] = received_ms

    def settle_funding(self, row: int, rate: float, at_ms: int) -> None:
        """Note a settlement; repeats and older ones change nothing."""
        if at_ms <= self.settled_ms[row]:
            return
        self.settled_8h[row] = rate * NORMAL_INTERVAL_HOURS / self.interval_hours[row]
        self.settled_ms[row] = at_ms
        held = self._settlements[row]
        held.append((at_ms, rate))
        while held and held[0][0] <= at_ms - _SUM_DAYS * _DAY_MS:
            held.pop(0)
        self._sums[row] = sum(rate for _, rate in held)

    def funding_sums(self) -> FloatArray:
        """Return the rates settled within three days of the newest, summed, (n,); NaN without any."""
        return self._sums.copy()

    @property
    def premium(self) -> FloatArray:
        """(mark - index) / index, shape (n,)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self.mark - self.index) / self.index
