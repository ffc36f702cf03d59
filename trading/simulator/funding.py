"""Funding by the exchange's own formula.

F = (P + clamp(I - P, ±0.05 %)) / (8 / N), where P is the average of premium samples weighted
1..n over the interval, I is 0.01 % per eight hours and N the interval in hours; the result is
capped per symbol. Source: Binance, funding rate FAQ, and its announcement of 2025-09-16.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

INTEREST: Final = 0.0001
CLAMP: Final = 0.0005


def funding_rate(average_premium: FloatArray, hours: FloatArray, cap: FloatArray) -> FloatArray:
    """Return the rate per interval, shape of the arguments."""
    rate = average_premium + np.clip(INTEREST - average_premium, -CLAMP, CLAMP)
    return np.asarray(np.clip(rate / (8.0 / hours), -cap, cap))


class PremiumAverage:
    """Running averages of premium samples weighted 1..n, arrays of shape (n,)."""

    def __init__(self, n: int) -> None:
        self.total = np.zeros(n)
        self.weight = np.zeros(n)
        self.count = np.zeros(n)

    def add(self, premium: FloatArray) -> None:
        self.count += 1
        self.total += self.count * premium
        self.weight += self.count

    @property
    def value(self) -> FloatArray:
        return np.asarray(self.total / np.maximum(self.weight, 1.0))

    def restart(self, rows: NDArray[np.bool_]) -> None:
        for column in (self.total, self.weight, self.count):
            column[rows] = 0.0
