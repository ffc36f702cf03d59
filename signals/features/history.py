"""The same feature engine, driven over stored history."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import Timeframe
from signals.features.catalogue import CATALOGUE
from signals.features.engine import TREND_WEIGHTS, FeatureEngine, combine_trends
from signals.features.inputs import FUNDING_LIMIT_MS, HeatFeatures, SideInputs
from signals.market.history import History, Series
from signals.market.panel import CLOSE

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Progress = Callable[[int, int], None]

INTEREST_MAX_AGE_MS: Final = 900_000
_HOUR_MS: Final = 3_600_000
_THREE_DAYS_MS: Final = 72 * _HOUR_MS
_REPORT_EVERY: Final = 200


@dataclass(frozen=True, slots=True)
class FeatureHistory:
    """Factors of every candle of one timeframe.

    `open_ms` (T,), `X` (T, n, F) float32, `atr` and `sigma` (T, n); `history` holds the candles
    of the same times.
    """

    timeframe: Timeframe
    symbols: tuple[str, ...]
    open_ms: IntArray
    X: NDArray[np.float32]
    atr: FloatArray
    sigma: FloatArray
    history: History
    readings: NDArray[np.float32] | None = None
    """(T, n, F) in the factors' own units; None where they were not kept."""


def funding_columns(
    funding: Series | None, at_ms: IntArray, n: int
) -> tuple[FloatArray, FloatArray]:
    """Return the last settled rate per 8 h and the 3-day sum as of each time, both (T, n)."""
    rate = np.full((at_ms.size, n), np.nan)
    total = np.full((at_ms.size, n), np.nan)
    if funding is None:
        return rate, total
    for column in range(n):
        known = ~np.isnan(funding.values[:, column])
        times, values = funding.at_ms[known], funding.values[known, column]
        if times.size < 2:
            continue
        hours = np.diff(times, prepend=2 * times[0] - times[1]) / _HOUR_MS
        per_8h = values * 8.0 / np.maximum(np.round(hours), 1.0)
        place = np.searchsorted(times, at_ms, side="right") - 1
        held = np.maximum(place, 0)
        fresh = (place >= 0) & (at_ms - times[held] <= FUNDING_LIMIT_MS)
        rate[fresh, column] = per_8h[held[fresh]]
        sums = np.concatenate([[0.0], np.cumsum(values)])
        # Counted back from the newest settlement, as the live column is.
        first = np.searchsorted(times, times[held] - _THREE_DAYS_MS, side="right")
        total[fresh, column] = (sums[held + 1] - sums[first])[fresh]
    return rate, total


def run_history(
    history: History,
    timeframe: Timeframe,
    *,
    trends: Mapping[Timeframe, "TrendHistory"] | None = None,
    heat: Sequence[HeatFeatures] | None = None,
    progress: Progress | None = None,
    engine: FeatureEngine | None = None,
    keep_readings: bool = False,
) -> FeatureHistory:
    """Drive an engine over every candle of `timeframe`.

    Parameters
    ----------
    history : candles of `timeframe` or of a shorter one
    trends : the trends of the longer timeframes (`trend_histories`)
    heat : one entry a candle, where a heatmap was driven over the same candles
    keep_readings : keep what people read as well (as large as X)
    """
    candles = history.resample(timeframe)
    n, steps = candles.n, candles.open_ms.size
    close_ms = candles.open_ms + timeframe.duration_ms
    interest = (
        candles.open_interest.as_of(close_ms, INTEREST_MAX_AGE_MS)
        if candles.open_interest
        else np.full((steps, n), np.nan)
    )
    rate, total = funding_columns(candles.funding, close_ms, n)
    driven = engine or FeatureEngine(timeframe, n, btc_row_of(candles.symbols))
    X = np.empty((steps, n, CATALOGUE.size), dtype=np.float32)
    readings = np.empty_like(X) if keep_readings else None
    atr, sigma = np.empty((steps, n)), np.empty((steps, n))
    inputs = SideInputs.unknown(n)
    for step in range(steps):
        candle = candles.candles[step]
        rows = ~np.isnan(candle[CLOSE])
        if not rows.any():  # the engine finds the hole by itself when candles come again
            X[step], atr[step], sigma[step] = np.nan, np.nan, np.nan
            if readings is not None:
                readings[step] = np.nan
            continue
        inputs.open_interest = interest[step]
        inputs.funding_8h, inputs.funding_3d = rate[step], total[step]
        if trends is not None:
            inputs.trend_higher = combine_trends(trends_at(trends, timeframe, int(close_ms[step])))
        if heat is not None:
            inputs.heat = heat[step]
        X[step] = driven.update(candle, inputs, rows, int(candles.open_ms[step]))
        if readings is not None:
            readings[step] = driven.readings
        atr[step], sigma[step] = driven.atr, driven.sigma
        if progress and step % _REPORT_EVERY == 0:
            progress(step, steps)
    if progress:
        progress(steps, steps)
    return FeatureHistory(
        timeframe, candles.symbols, candles.open_ms, X, atr, sigma, candles, readings
    )


@dataclass(frozen=True, slots=True)
class TrendHistory:
    """The trend of one timeframe after each close: times (T,) and values (T, n)."""

    close_ms: IntArray
    values: FloatArray

    def as_of(self, at_ms: int, *, before: bool = False) -> FloatArray:
        """Return the trend after the last candle closed by `at_ms`; NaN before the first.

        Parameters
        ----------
        before : a candle that closes at `at_ms` itself does not count
        """
        side: Literal["left", "right"] = "left" if before else "right"
        place = int(np.searchsorted(self.close_ms, at_ms, side=side)) - 1
        if place < 0:
            return np.full(self.values.shape[1], np.nan)
        return np.asarray(self.values[place])


def trends_at(
    trends: Mapping[Timeframe, TrendHistory], timeframe: Timeframe, close_ms: int
) -> dict[Timeframe, FloatArray]:
    """Return the trends that are known as a candle of `timeframe` closes at `close_ms`.

    As on the wire, where candles that close together are taken shortest first: of the shorter
    timeframes the candle that closes now counts, of this one and the longer ones it does not.
    """
    return {
        tf: series.as_of(close_ms, before=tf.duration_ms >= timeframe.duration_ms)
        for tf, series in trends.items()
    }


def trend_histories(history: History) -> dict[Timeframe, TrendHistory]:
    """Return the trends of the four timeframes that `trend_mtf` weighs."""
    out: dict[Timeframe, TrendHistory] = {}
    for timeframe in TREND_WEIGHTS:
        if timeframe.duration_ms < history.timeframe.duration_ms:
            empty = np.empty(0, np.int64)
            out[timeframe] = TrendHistory(empty, np.empty((0, history.n)))
            continue
        candles = history.resample(timeframe)
        close = candles.candles[:, CLOSE]
        out[timeframe] = TrendHistory(candles.open_ms + timeframe.duration_ms, _trend(close))
    return out


def _trend(close: FloatArray) -> FloatArray:
    """Return tanh of the EMA spread in sigmas of each candle, shape (T, n); see `ema_spread`."""
    out = np.full(close.shape, np.nan)
    n = close.shape[1]
    fast, slow, variance = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    before, count = np.full(n, np.nan), np.zeros(n)
    alpha = 1.0 - 2.0 ** (-1.0 / 48.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        for step in range(close.shape[0]):
            now = close[step]
            known = ~np.isnan(now)
            r2 = np.log(now / before) ** 2
            fast = np.where(np.isnan(fast), now, fast + 2 / 13 * (now - fast))
            slow = np.where(np.isnan(slow), now, slow + 2 / 49 * (now - slow))
            moved = np.where(np.isnan(variance), r2, variance + alpha * (r2 - variance))
            variance = np.where(np.isnan(r2), variance, moved)
            count = np.where(known, count + 1, 0)
            for values in (fast, slow, variance):
                values[~known] = np.nan
            spread = (fast - slow) / (np.sqrt(variance) * now)
            out[step] = np.where(count >= 96, np.tanh(spread), np.nan)
            before = now
    return out


def btc_row_of(symbols: Sequence[str]) -> int:
    """Return the row of the market's leader: BTCUSDT, or -1 where it is not among them."""
    return list(symbols).index("BTCUSDT") if "BTCUSDT" in symbols else -1
