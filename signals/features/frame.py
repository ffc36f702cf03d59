"""The window a factor looks at: derived columns of the newest candles, all symbols at once.

Time-major ring written twice (as the candle panel is), so every window is a view. The last
row is the candle being looked at; `stage` puts it there without committing it, so a forming
candle can be looked at a thousand times and leaves no trace.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import Timeframe
from signals.features.analogs import EVERY, PATH, REACH, Analogs
from signals.market.panel import (
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    QUOTE_VOLUME,
    TAKER_BUY_VOLUME,
    VOLUME,
)

if TYPE_CHECKING:
    from signals.features.inputs import SideInputs

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

WINDOW: Final = 170
DERIVED: Final = (
    "log_close",
    "r",
    "abs_r",
    "r2",
    "high",
    "low",
    "park",
    "satchell",
    "volume",
    "quote",
    "signed",
    "log_oi",
    "premium",
    "btc_r",
    "rsi",
)
_AT: Final = {name: place for place, name in enumerate(DERIVED)}
DAY_MINUTES: Final = 1440


class Frame:
    """What factors read. Arrays have shape (n,) or, for windows, (k, n), oldest first."""

    def __init__(self, timeframe: Timeframe, n: int, btc_row: int) -> None:
        self.timeframe = timeframe
        self.n = n
        self.btc_row = btc_row
        self.day = min(max(1, DAY_MINUTES // timeframe.minutes), WINDOW - 2)
        """Candles in 24 hours, as far as the window reaches."""
        self.hour = max(1, 60 // timeframe.minutes)
        self._ring = np.full((2 * WINDOW, len(DERIVED), n), np.nan)
        self._position = 0
        self._looking = 0
        self.cells: dict[str, FloatArray] = {}
        """Recursions including the candle being looked at (see `recursions`)."""
        self.inputs: SideInputs
        self.close: FloatArray = np.full(n, np.nan)
        self.open_ms = 0
        self.now_ms = 0
        self.elapsed = 1.0
        """Share of the candle's time that has passed; 1 at its close."""
        self._analogs = Analogs(n)
        self._absorbed_ms = -1
        self.cases = 0
        """How many of the cases an answer may know."""
        self._answer: FloatArray = np.full(n, np.nan)
        self._held_answer: FloatArray = np.full(n, np.nan)
        """What the newest closed candle was answered, kept while the next one forms."""

    def stage(self, candle: FloatArray, inputs: "SideInputs") -> FloatArray:
        """Lay a candle, shape (8, n), at the end of the window; return its derived row."""
        place = (self._position + 1) % WINDOW
        row = self._derive(candle, inputs)
        self._ring[place] = row
        self._ring[place + WINDOW] = row
        self._looking = place
        self.inputs = inputs
        self.close = candle[CLOSE]
        return row

    def set_column(self, name: str, values: FloatArray) -> None:
        """Fill one derived column of the staged candle (what recursions give back)."""
        self._ring[self._looking, _AT[name]] = values
        self._ring[self._looking + WINDOW, _AT[name]] = values

    def commit(self, rows: BoolArray) -> None:
        """Keep the staged candle of `rows`; the others have a hole there."""
        self._position = self._looking
        for place in (self._looking, self._looking + WINDOW):
            self._ring[place][:, ~rows] = np.nan
        self._held_answer = np.where(rows, self._answer, np.nan)

    def learn_analogs(self, newest_ms: int) -> None:
        """Take in the case that ends one candle before the newest closed one, once.

        That one can no longer change: stragglers come for the newest only.
        """
        ends_ms = newest_ms - self.timeframe.duration_ms
        self.cases = self._analogs.count
        if newest_ms < 0 or ends_ms <= self._absorbed_ms:
            return
        self._absorbed_ms = ends_ms
        if ends_ms // self.timeframe.duration_ms % EVERY == 0:
            end = self._position + WINDOW
            self._analogs.absorb(self._ring[end - REACH : end, _AT["log_close"]])
            self.cases = self._analogs.count

    def alike(self) -> FloatArray:
        """Return what followed paths like the newest one, (n,); of a forming candle, the last."""
        if self.elapsed < 1.0:
            return self._held_answer
        self._answer = self._analogs.ask(self.window("log_close", PATH + 1), self.cases)
        return self._answer

    def step_back(self) -> None:
        """Reopen the newest kept candle, for stragglers."""
        self._position = (self._position - 1) % WINDOW

    def window(self, name: str, k: int, back: int = 0) -> FloatArray:
        """Return the newest `k` values of a derived column, `back` candles ago; a view."""
        end = self._looking + WINDOW + 1 - back
        return np.asarray(self._ring[end - k : end, _AT[name]])

    def last(self, name: str, back: int = 0) -> FloatArray:
        """Return one derived column, `back` candles ago, shape (n,)."""
        return np.asarray(self._ring[self._looking + WINDOW - back, _AT[name]])

    def total(self, name: str, k: int) -> FloatArray:
        """Return the sum over the newest `k` candles, shape (n,)."""
        return np.asarray(self.window(name, k).sum(axis=0))

    def _derive(self, candle: FloatArray, inputs: "SideInputs") -> FloatArray:
        row = np.empty((len(DERIVED), self.n))
        close, open_ = candle[CLOSE], candle[OPEN]
        before = self._ring[self._position, _AT["log_close"]]
        with np.errstate(invalid="ignore", divide="ignore"):
            log_close = np.log(close)
            log_high, log_low = np.log(candle[HIGH]), np.log(candle[LOW])
            log_open = np.log(open_)
            r = log_close - before
            row[_AT["log_close"]] = log_close
            row[_AT["r"]] = r
            row[_AT["abs_r"]] = np.abs(r)
            row[_AT["r2"]] = r * r
            row[_AT["high"]] = log_high
            row[_AT["low"]] = log_low
            row[_AT["park"]] = (log_high - log_low) ** 2
            row[_AT["satchell"]] = (log_high - log_close) * (log_high - log_open) + (
                log_low - log_close
            ) * (log_low - log_open)
            row[_AT["volume"]] = candle[VOLUME]
            row[_AT["quote"]] = candle[QUOTE_VOLUME]
            row[_AT["signed"]] = 2 * candle[TAKER_BUY_VOLUME] - candle[VOLUME]
            row[_AT["log_oi"]] = np.log(inputs.open_interest)
        row[_AT["premium"]] = inputs.premium
        row[_AT["btc_r"]] = r[self.btc_row] if self.btc_row >= 0 else np.nan
        row[_AT["rsi"]] = np.nan
        return row


def safe_ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Return top / bottom, NaN where the bottom is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        out = top / bottom
    out[~np.isfinite(out)] = np.nan
    return np.asarray(out)
