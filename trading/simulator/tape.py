"""What has been traded, minute by minute, in whole ticks and steps, and how klines are told.

Prices are kept as whole ticks and volumes as whole steps (int32/int64): what is told once is
told the same for ever, to the last digit. Longer intervals are always folded from minutes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.instruments import InstrumentRules

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MINUTE_MS: Final = 60_000
INTERVALS_MS: Final = {
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "8h": 28_800_000,
    "12h": 43_200_000,
    "1d": 86_400_000,
    "3d": 259_200_000,
    "1w": 604_800_000,
}
_WEEK_OFFSET_MS: Final = 4 * 86_400_000  # weeks open on Mondays, the epoch was a Thursday

T_OPEN, T_HIGH, T_LOW, T_CLOSE, T_VOLUME, T_BUY, T_TRADES, T_QUOTE = range(8)
"""Columns: prices in ticks, volumes in steps, trades as a count, quote volume in whole quote/100."""
N_TAPE: Final = 8


def interval_open(at_ms: int, interval: str) -> int:
    """Return the open time of the candle of `interval` that holds `at_ms`."""
    step = INTERVALS_MS[interval]
    shift = _WEEK_OFFSET_MS if interval == "1w" else 0
    return at_ms - (at_ms - shift) % step


@dataclass(frozen=True, slots=True)
class Scale:
    """Tick and step of one symbol as floats, and how many decimals they print."""

    tick: float
    step: float
    price_decimals: int
    quantity_decimals: int

    @classmethod
    def of(cls, rules: InstrumentRules) -> "Scale":
        quantity = max(0, -int(rules.step_size.normalize().as_tuple().exponent))
        return cls(float(rules.tick_size), float(rules.step_size), rules.price_decimals, quantity)

    def price(self, ticks: float) -> str:
        return f"{ticks * self.tick:.{self.price_decimals}f}"

    def quantity(self, steps: float) -> str:
        return f"{steps * self.step:.{self.quantity_decimals}f}"


class Tape:
    """Minutes of `n` symbols from `first_ms` on; a row whose close is 0 was never traded."""

    def __init__(self, scales: list[Scale], first_ms: int, capacity: int) -> None:
        self.scales = scales
        self.first_ms = first_ms
        self.n_minutes = 0
        self._rows = np.zeros((len(scales), max(capacity, 16), N_TAPE), dtype=np.int64)
        self._tick = np.array([scale.tick for scale in scales])

    @property
    def next_ms(self) -> int:
        """Open time of the first minute that has not closed yet."""
        return self.first_ms + self.n_minutes * MINUTE_MS

    def rows(self, symbol: int) -> IntArray:
        """Return the closed minutes of one symbol, (minutes, 8); a view."""
        return self._rows[symbol, : self.n_minutes]

    def append(self, minutes: IntArray) -> None:
        """Add closed minutes of all symbols, shape (n, k, 8)."""
        needed = self.n_minutes + minutes.shape[1]
        if needed > self._rows.shape[1]:
            grown = np.zeros(
                (self._rows.shape[0], max(needed, self._rows.shape[1] * 5 // 4), N_TAPE),
                dtype=np.int64,
            )
            grown[:, : self.n_minutes] = self._rows[:, : self.n_minutes]
            self._rows = grown
        self._rows[:, self.n_minutes : needed] = minutes
        self.n_minutes = needed

    def fold(self, symbol: int, from_ms: int, to_ms: int, forming: IntArray | None) -> IntArray:
        """Return one candle from the minutes opened in [from_ms, to_ms), (8,); close 0: none."""
        first = max(0, (from_ms - self.first_ms) // MINUTE_MS)
        last = min(self.n_minutes, (to_ms - self.first_ms) // MINUTE_MS)
        parts = self._rows[symbol, first:last]
        if forming is not None:
            parts = np.concatenate([parts, forming[None]])
        parts = parts[parts[:, T_CLOSE] > 0]
        return merge(parts) if parts.size else np.zeros(N_TAPE, dtype=np.int64)

    def klines(
        self,
        symbol: int,
        interval: str,
        from_ms: int | None,
        to_ms: int | None,
        limit: int,
        forming: IntArray | None,
    ) -> tuple[IntArray, IntArray]:
        """Return (open times, candles (k, 8)) of an interval, the forming one last.

        As the exchange does: with a start the oldest `limit`, else the newest.
        """
        step = INTERVALS_MS[interval]
        newest = interval_open(self.next_ms, interval)
        oldest = interval_open(self.first_ms, interval)
        first = oldest if from_ms is None else interval_open(from_ms + step - 1, interval)
        first = max(first, oldest)
        last = newest if to_ms is None else min(newest, interval_open(to_ms, interval))
        count = (last - first) // step + 1
        if count <= 0:
            return np.empty(0, np.int64), np.empty((0, N_TAPE), np.int64)
        if count > limit:
            if from_ms is None:
                first = last - (limit - 1) * step
            else:
                last = first + (limit - 1) * step
            count = limit
        times = first + np.arange(count, dtype=np.int64) * step
        if interval == "1m":
            return self._minutes(symbol, times, forming)
        found = [
            self.fold(symbol, int(t), int(t) + step, forming if t == newest else None)
            for t in times
        ]
        candles = np.array(found, dtype=np.int64).reshape(count, N_TAPE)
        known = candles[:, T_CLOSE] > 0
        return times[known], candles[known]

    def _minutes(
        self, symbol: int, times: IntArray, forming: IntArray | None
    ) -> tuple[IntArray, IntArray]:
        first = int((times[0] - self.first_ms) // MINUTE_MS)
        candles = self._rows[symbol, first : min(self.n_minutes, first + times.size)]
        if candles.shape[0] < times.size and forming is not None:
            candles = np.concatenate([candles, forming[None]])
        times = times[: candles.shape[0]]
        known = candles[:, T_CLOSE] > 0
        return times[known], candles[known]

    def kline_rows(self, symbol: int, interval: str, times: IntArray, candles: IntArray) -> bytes:
        """Return candles as the REST answer's JSON."""
        scale = self.scales[symbol]
        step = INTERVALS_MS[interval]
        p, q = scale.price_decimals, scale.quantity_decimals
        row = f'[%d,"%.{p}f","%.{p}f","%.{p}f","%.{p}f","%.{q}f",%d,"%.2f",%d,"%.{q}f","%.2f","0"]'
        prices = candles[:, :4] * scale.tick
        volume, bought = candles[:, T_VOLUME] * scale.step, candles[:, T_BUY] * scale.step
        quote = candles[:, T_QUOTE] / 100.0
        share = np.divide(bought, volume, out=np.zeros_like(volume), where=volume > 0)
        columns = zip(
            times.tolist(),
            *(prices[:, k].tolist() for k in range(4)),
            volume.tolist(),
            (times + step - 1).tolist(),
            quote.tolist(),
            candles[:, T_TRADES].tolist(),
            bought.tolist(),
            (quote * share).tolist(),
            strict=True,
        )
        return ("[" + ",".join([row % values for values in columns]) + "]").encode()


def merge(minutes: IntArray) -> IntArray:
    """Return one candle from consecutive ones, (k, 8) to (8,)."""
    out = minutes.sum(axis=0)
    out[T_OPEN] = minutes[0, T_OPEN]
    out[T_HIGH] = minutes[:, T_HIGH].max()
    out[T_LOW] = minutes[:, T_LOW].min()
    out[T_CLOSE] = minutes[-1, T_CLOSE]
    return np.asarray(out)
