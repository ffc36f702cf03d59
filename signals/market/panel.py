"""Closed candles of all symbols in one time-major ring per timeframe.

The ring is written twice, half its length apart, so that the newest k candles of every
symbol are always one contiguous view: no copy, no roll.
"""

from enum import Enum, auto
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import Timeframe

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FIELDS: Final = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "taker_buy_volume",
    "n_trades",
)
N_FIELDS: Final = len(FIELDS)
OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE_VOLUME, TAKER_BUY_VOLUME, N_TRADES = range(N_FIELDS)

NEVER: Final = -1


class Append(Enum):
    """What became of a closed candle that was offered."""

    NEW = auto()
    DUPLICATE = auto()
    CONFLICT = auto()
    """Closed before with other values: the first stays, the caller raises an alarm."""
    REPAIRED = auto()
    """It fills a hole that newer candles had jumped over."""
    LATE = auto()
    """Older than the ring reaches."""


class CandlePanel:
    """Ring of closed candles, shape (2 x capacity, fields, symbols), NaN where none is known.

    Parameters
    ----------
    n_symbols : rows of every array
    capacity : how many candle times are kept
    """

    def __init__(self, timeframe: Timeframe, n_symbols: int, capacity: int) -> None:
        self.timeframe = timeframe
        self.n_symbols = n_symbols
        self.capacity = capacity
        self._step = timeframe.duration_ms
        self._ring = np.full((2 * capacity, N_FIELDS, n_symbols), np.nan)
        self._position = 0
        """Ring place of the newest candle time."""
        self.newest_open_ms = NEVER
        """Open time of the newest candle any symbol has."""
        self.last_open_ms: IntArray = np.full(n_symbols, NEVER, dtype=np.int64)
        """Open time of each symbol's newest closed candle."""
        self.forming: FloatArray = np.full((N_FIELDS, n_symbols), np.nan)
        self.forming_open_ms: IntArray = np.full(n_symbols, NEVER, dtype=np.int64)

    def append(self, row: int, open_ms: int, values: FloatArray | tuple[float, ...]) -> Append:
        """Offer a closed candle of one symbol; `values` in the order of `FIELDS`."""
        age = self._advance_to(open_ms)
        if age >= self.capacity:
            return Append.LATE
        place = (self._position - age) % self.capacity
        held = self._ring[place, :, row]
        if held[CLOSE] == held[CLOSE]:
            same = np.array_equal(held, np.asarray(values), equal_nan=True)
            return Append.DUPLICATE if same else Append.CONFLICT
        self._ring[place, :, row] = values
        self._ring[place + self.capacity, :, row] = values
        if open_ms > self.last_open_ms[row]:
            self.last_open_ms[row] = open_ms
            return Append.NEW
        return Append.REPAIRED

    def load(self, row: int, open_ms: IntArray, values: FloatArray) -> None:
        """Put history under one symbol; (k,) rising times and (k, fields) values."""
        if not open_ms.size:
            return
        self._advance_to(int(open_ms[-1]))
        ages = (self.newest_open_ms - open_ms) // self._step
        kept = ages < self.capacity
        places = (self._position - ages[kept]) % self.capacity
        self._ring[places, :, row] = values[kept]
        self._ring[places + self.capacity, :, row] = values[kept]
        self.last_open_ms[row] = max(int(self.last_open_ms[row]), int(open_ms[-1]))

    def _advance_to(self, open_ms: int) -> int:
        """Make room up to `open_ms`; return how many steps it lies behind the newest."""
        if self.newest_open_ms == NEVER:
            self.newest_open_ms = open_ms
            return 0
        steps = (open_ms - self.newest_open_ms) // self._step
        if steps <= 0:
            return int(-steps)
        for _ in range(min(steps, self.capacity)):
            self._position = (self._position + 1) % self.capacity
            self._ring[self._position] = np.nan
            self._ring[self._position + self.capacity] = np.nan
        self.newest_open_ms = open_ms
        return 0

    def window(self, k: int) -> FloatArray:
        """Return the newest `k` candle times, shape (k, fields, n), oldest first; a view."""
        if not 0 < k <= self.capacity:
            raise ValueError(f"k must be in 1..{self.capacity}, was {k}")
        end = self._position + self.capacity + 1
        return self._ring[end - k : end]

    def at(self, open_ms: int) -> FloatArray:
        """Return the column of one candle time, shape (fields, n); NaN where it is not held."""
        age = (self.newest_open_ms - open_ms) // self._step
        if self.newest_open_ms == NEVER or not 0 <= age < self.capacity:
            return np.full((N_FIELDS, self.n_symbols), np.nan)
        return np.asarray(self._ring[(self._position - age) % self.capacity])

    def holds(self, row: int, open_ms: int) -> bool:
        """Say whether the closed candle of this symbol and time is in the ring."""
        return bool(not np.isnan(self.at(open_ms)[CLOSE, row]))
