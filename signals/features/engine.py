"""From candles to one feature matrix: the same steps for the wire and for history."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import Timeframe
from signals.features import recursions
from signals.features.catalogue import CATALOGUE
from signals.features.frame import Frame
from signals.features.inputs import SideInputs
from signals.features.recursions import warm
from signals.features.reversion import rsi_points
from signals.features.trend import ema_spread, sigma
from signals.market.panel import CLOSE, N_FIELDS

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

CLIP: Final = 5.0
FLOOR: Final = 60
"""Readings of its own that a factor needs before it can say what is unusual."""
HALF_LIFE: Final = 200.0
"""Candles; the memory of centre and spread."""
_MEMORY: Final = 200
"""Readings kept for percentiles."""
_TO_SIGMA: Final = 1.2533
"""Mean absolute deviation to standard deviation, for a normal distribution."""

_SIGNS = np.array([factor.sign or 1 for factor in CATALOGUE.factors], dtype=np.float64)
_BOUNDED = np.array([factor.scale is not None for factor in CATALOGUE.factors])
_CENTRES = np.array([factor.centre for factor in CATALOGUE.factors])
_SCALES = np.array([factor.scale or 1.0 for factor in CATALOGUE.factors])
_WARM_UPS = np.array([factor.warm_up for factor in CATALOGUE.factors])
_OF_THE_MARKET = np.array([factor.name == "breadth" for factor in CATALOGUE.factors])
"""What every symbol's candle changes for all: one number of the whole market."""


@dataclass(slots=True)
class _Normaliser:
    """Exponentially weighted centre and mean absolute deviation; arrays of shape (F, n)."""

    centre: FloatArray
    spread: FloatArray
    count: FloatArray

    @classmethod
    def start(cls, n: int) -> "_Normaliser":
        shape = (CATALOGUE.size, n)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape))

    def z(self, readings: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore", divide="ignore"):
            out = (readings - self.centre) / (self.spread * _TO_SIGMA)
        out[(self.count < FLOOR) | (self.spread <= 0)] = np.nan
        return np.asarray(out)

    def learn(self, readings: FloatArray, rows: BoolArray) -> None:
        known = ~np.isnan(readings) & rows
        self.count += known
        alpha = np.maximum(recursions.weight(HALF_LIFE), 1.0 / np.maximum(self.count, 1.0))
        with np.errstate(invalid="ignore"):
            deviation = np.abs(readings - self.centre)
            # One wild reading must not move the measure of what is wild.
            ceiling = np.where(self.count > FLOOR, CLIP * 2 * self.spread, np.inf)
            capped = np.minimum(deviation, ceiling)
            step = np.sign(readings - self.centre) * capped
        np.copyto(self.centre, self.centre + alpha * step, where=known)
        first = self.count <= 1
        np.copyto(self.spread, self.spread + alpha * (capped - self.spread), where=known & ~first)


class FeatureEngine:
    """One timeframe's factors for `n` symbols.

    `values` (n, F) are the model's columns, `readings` (n, F) the factors in their own units,
    both of the newest closed candle or, after `peek`, of the forming one.
    """

    def __init__(self, timeframe: Timeframe, n: int, btc_row: int) -> None:
        self.timeframe = timeframe
        self.n = n
        self.frame = Frame(timeframe, n, btc_row)
        self._cells = recursions.start(n)
        self._before = self._cells
        self._normaliser = _Normaliser.start(n)
        self._memory = np.full((_MEMORY, CATALOGUE.size, n), np.nan, dtype=np.float32)
        self._n_closed = 0
        self._cases = 0
        """Cases of the past that the newest closed candle was asked with."""
        self._candle: FloatArray = np.full((N_FIELDS, n), np.nan)
        """The newest closed candles, as far as they have come."""
        self.last_open_ms = -1
        self.values: FloatArray = np.full((n, CATALOGUE.size), np.nan)
        self.readings: FloatArray = np.full((n, CATALOGUE.size), np.nan)
        self.atr: FloatArray = np.full(n, np.nan)
        self.sigma: FloatArray = np.full(n, np.nan)
        self.trend: FloatArray = np.full(n, np.nan)
        """tanh of the EMA spread of closed candles: what longer timeframes say to shorter ones."""

    def update(
        self, candle: FloatArray, inputs: SideInputs, rows: BoolArray, open_ms: int
    ) -> FloatArray:
        """Add the candles of `rows` that opened at `open_ms`; return X, shape (n, F).

        Parameters
        ----------
        candle : ndarray of shape (8, n); what is not in `rows` is ignored
        rows : ndarray of bool, shape (n,)

        A second call with the same `open_ms` adds stragglers. An older one changes nothing.
        """
        if open_ms < self.last_open_ms:
            return self.values
        candle = np.where(rows, candle, np.nan)
        if open_ms == self.last_open_ms:
            return self._add_stragglers(candle, inputs, rows, open_ms)
        self.frame.learn_analogs(self.last_open_ms)
        self._cases = self.frame.cases
        for _ in range(self._missed(open_ms)):
            nothing = np.full_like(candle, np.nan)
            self.frame.stage(nothing, inputs)
            self.frame.commit(np.zeros(self.n, dtype=bool))
            self._cells = recursions.advance(self._cells, nothing, self.frame.btc_row)
        self._look(candle, inputs, open_ms, self.timeframe.close_of(open_ms))
        self._before, self._cells = self._cells, self.frame.cells
        self.frame.commit(rows)
        self._candle = candle
        self._learn(np.broadcast_to(rows, (CATALOGUE.size, self.n)), rows)
        self.last_open_ms = open_ms
        self._n_closed += 1
        return self.values

    def _missed(self, open_ms: int) -> int:
        if self.last_open_ms < 0:
            return 0
        steps = (open_ms - self.last_open_ms) // self.timeframe.duration_ms - 1
        return min(steps, 2 * len(self._memory))

    def _add_stragglers(
        self, candle: FloatArray, inputs: SideInputs, rows: BoolArray, open_ms: int
    ) -> FloatArray:
        """Look at the whole candle time again: who came late may be the leader of the others."""
        kept = self.readings.T.copy()
        kept_values = self.values.copy()
        self._candle = np.where(rows, candle, self._candle)
        self._cells = self._before
        self.frame.step_back()
        self.frame.cases = self._cases  # what was known when the candle closed
        self._look(self._candle, inputs, open_ms, self.timeframe.close_of(open_ms))
        self._cells = self.frame.cells
        self.frame.commit(~np.isnan(self._candle[CLOSE]))
        # What was known of the others stands; what a straggler made known is added to it.
        new = rows | np.isnan(kept) | _OF_THE_MARKET[:, None]
        self.readings = np.where(new, self.readings.T, kept).T
        self.values = np.where(new.T, self.values, kept_values)
        self._learn(rows | np.isnan(kept), ~np.isnan(self._candle[CLOSE]), again=True)
        return self.values

    def peek(self, candle: FloatArray, inputs: SideInputs, open_ms: int, now_ms: int) -> FloatArray:
        """Return X as it would be if the forming candle closed now; nothing is kept of it."""
        if open_ms > self.last_open_ms:
            self.frame.learn_analogs(self.last_open_ms)
        self._look(candle, inputs, open_ms, now_ms)
        return self.values

    def _look(self, candle: FloatArray, inputs: SideInputs, open_ms: int, now_ms: int) -> None:
        frame = self.frame
        frame.open_ms, frame.now_ms = open_ms, now_ms
        frame.stage(candle, inputs)
        frame.elapsed = min(1.0, max(0.0, (now_ms - open_ms) / self.timeframe.duration_ms))
        frame.cells = recursions.advance(self._cells, candle, frame.btc_row, frame.elapsed)
        frame.set_column("rsi", rsi_points(frame))
        readings = np.empty((CATALOGUE.size, self.n))
        with np.errstate(invalid="ignore", divide="ignore"):
            for place, factor in enumerate(CATALOGUE.factors):
                readings[place] = factor.read(frame)
        unknown = np.isnan(candle[CLOSE]) | (frame.cells["count"] < _WARM_UPS[:, None])
        readings[unknown] = np.nan
        readings[~np.isfinite(readings)] = np.nan
        bounded = (readings - _CENTRES[:, None]) / _SCALES[:, None]
        z = np.where(_BOUNDED[:, None], bounded, self._normaliser.z(readings))
        self.values = np.ascontiguousarray((np.clip(z, -CLIP, CLIP) * _SIGNS[:, None]).T)
        self.readings = np.ascontiguousarray(readings.T)
        self.atr = warm(frame.cells["atr"], frame.cells["count"], 15)
        self.sigma = sigma(frame)

    def _learn(self, fresh: BoolArray, rows: BoolArray, *, again: bool = False) -> None:
        """Let the normaliser learn the readings of `fresh` (F, n), and remember those of `rows`."""
        readings = self.readings.T
        self._normaliser.learn(readings, fresh)
        place = (self._n_closed - (1 if again else 0)) % _MEMORY
        if not again:
            self._memory[place] = np.nan
        np.copyto(self._memory[place], readings.astype(np.float32), where=rows)
        spread = np.tanh(ema_spread.read(self.frame))
        self.trend = np.where(rows, spread, self.trend)

    def percentiles(self, row: int) -> FloatArray:
        """Return where each reading of one symbol stands among its own last 200, shape (F,)."""
        past = self._memory[:, :, row]
        now = self.readings[row].astype(np.float32)
        known = ~np.isnan(past)
        with np.errstate(invalid="ignore"):
            below = (past < now).sum(axis=0) + 0.5 * (past == now).sum(axis=0)
        share = np.clip(below / np.maximum(known.sum(axis=0), 1), 0.0, 1.0)
        return np.where((known.sum(axis=0) >= FLOOR) & ~np.isnan(now), share, np.nan)


TREND_WEIGHTS: Final = {
    Timeframe.M15: 0.2,
    Timeframe.H1: 0.3,
    Timeframe.H4: 0.3,
    Timeframe.D1: 0.2,
}


def combine_trends(trends: dict[Timeframe, FloatArray]) -> FloatArray:
    """Return the weighted trend of the timeframes that know theirs, -1..1, NaN where under half do."""
    total = sum(
        (np.where(np.isnan(trends[tf]), 0.0, trends[tf]) * w for tf, w in TREND_WEIGHTS.items()),
        start=np.zeros(1),
    )
    known = sum(
        (np.where(np.isnan(trends[tf]), 0.0, w) for tf, w in TREND_WEIGHTS.items()),
        start=np.zeros(1),
    )
    return np.where(known >= 0.5, total / np.maximum(known, 1e-12), np.nan)
