"""Stored history as arrays: what training and back-tests are driven by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import Timeframe
from signals.market.panel import CLOSE, HIGH, LOW, N_FIELDS, OPEN, VOLUME

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """Values known at certain times: (k,) milliseconds and (k, n); NaN where not known."""

    at_ms: IntArray
    values: FloatArray

    def as_of(self, at_ms: IntArray, max_age_ms: int) -> FloatArray:
        """Return the newest values not after each time, shape (T, n); NaN if older than allowed.

        Every column looks back on its own, so that one symbol's hole is not another's.
        """
        out = np.full((at_ms.size, self.values.shape[1]), np.nan)
        if not self.at_ms.size:
            return out
        for column in range(self.values.shape[1]):
            known = ~np.isnan(self.values[:, column])
            times, values = self.at_ms[known], self.values[known, column]
            if not times.size:
                continue
            place = np.searchsorted(times, at_ms, side="right") - 1
            held = np.maximum(place, 0)
            fresh = (place >= 0) & (at_ms - times[held] <= max_age_ms)
            out[fresh, column] = values[held[fresh]]
        return out

    def slice(self, from_ms: int, to_ms: int) -> "Series":
        kept = (self.at_ms >= from_ms) & (self.at_ms < to_ms)
        return Series(self.at_ms[kept], self.values[kept])


@dataclass(frozen=True, slots=True)
class History:
    """Candles of one timeframe for several symbols on one time axis, with what else is known.

    `open_ms` has shape (T,) and is complete (every candle time from first to last); `candles`
    has shape (T, 8, n), NaN where a symbol has none.
    """

    symbols: tuple[str, ...]
    timeframe: Timeframe
    open_ms: IntArray
    candles: FloatArray
    open_interest: Series | None = None
    funding: Series | None = None

    @property
    def n(self) -> int:
        return len(self.symbols)

    def resample(self, timeframe: Timeframe) -> "History":
        """Return longer candles; one that lacks a part is missing.

        Raises
        ------
        ValueError
            If `timeframe` is not a multiple of this one.
        """
        if timeframe is self.timeframe:
            return self
        if timeframe.duration_ms % self.timeframe.duration_ms:
            raise ValueError(f"{timeframe} candles cannot be built from {self.timeframe}")
        k = timeframe.duration_ms // self.timeframe.duration_ms
        first = -(-int(self.open_ms[0]) // timeframe.duration_ms) * timeframe.duration_ms
        start = (first - int(self.open_ms[0])) // self.timeframe.duration_ms
        count = (self.open_ms.size - start) // k
        if count <= 0:
            return replace(
                self,
                timeframe=timeframe,
                open_ms=np.empty(0, np.int64),
                candles=np.empty((0, N_FIELDS, self.n)),
            )
        parts = self.candles[start : start + count * k].reshape(count, k, N_FIELDS, self.n)
        out = np.empty((count, N_FIELDS, self.n))
        out[:, OPEN] = parts[:, 0, OPEN]
        out[:, HIGH] = parts[:, :, HIGH].max(axis=1)
        out[:, LOW] = parts[:, :, LOW].min(axis=1)
        out[:, CLOSE] = parts[:, -1, CLOSE]
        out[:, VOLUME:] = parts[:, :, VOLUME:].sum(axis=1)
        missing = np.isnan(parts[:, :, CLOSE]).any(axis=1)
        out.transpose(0, 2, 1)[missing] = np.nan
        open_ms = first + np.arange(count, dtype=np.int64) * timeframe.duration_ms
        return replace(self, timeframe=timeframe, open_ms=open_ms, candles=out)

    def slice(self, from_ms: int, to_ms: int) -> "History":
        """Return the candles opened in [from_ms, to_ms) and the series of that span."""
        kept = (self.open_ms >= from_ms) & (self.open_ms < to_ms)
        return replace(
            self,
            open_ms=self.open_ms[kept],
            candles=self.candles[kept],
            open_interest=self.open_interest and self.open_interest.slice(from_ms, to_ms),
            funding=self.funding and self.funding.slice(from_ms, to_ms),
        )


def stack(
    symbols: Sequence[str],
    timeframe: Timeframe,
    parts: Sequence[tuple[IntArray, FloatArray]],
) -> History:
    """Lay each symbol's candles ((k,) times, (k, 8) values) on one complete time axis."""
    times = [open_ms for open_ms, _ in parts if open_ms.size]
    if not times:
        raise ValueError("no symbol has any candle")
    first = min(int(open_ms[0]) for open_ms in times)
    last = max(int(open_ms[-1]) for open_ms in times)
    axis = np.arange(first, last + 1, timeframe.duration_ms, dtype=np.int64)
    candles = np.full((axis.size, N_FIELDS, len(symbols)), np.nan)
    for column, (open_ms, values) in enumerate(parts):
        places = (open_ms - first) // timeframe.duration_ms
        candles[places, :, column] = values
    return History(tuple(symbols), timeframe, axis, candles)
