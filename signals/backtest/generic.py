"""Generic indicator columns, as boosting bots expand them: what the baseline learns from.

Each indicator with two periods, two earlier candles of each, the leader's candle beside, raw price
and volume, hour and weekday. Nothing is normalised to the symbol: that is how it is usually done.
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from signals.features.history import btc_row_of
from signals.market.history import History
from signals.market.panel import CLOSE, HIGH, LOW, VOLUME

FloatArray = NDArray[np.float64]

PERIODS: Final = (10, 20)
SHIFTS: Final = (1, 2)
_HOUR_MS: Final = 3_600_000


def generic_columns(history: History) -> NDArray[np.float32]:
    """Return the columns of every candle, shape (T, n, K); NaN while they warm."""
    close = history.candles[:, CLOSE]
    with np.errstate(invalid="ignore", divide="ignore"):
        expanded = [column for period in PERIODS for column in _indicators(history, period)]
        change = _changed(close, 1)
        volume = np.log1p(history.candles[:, VOLUME])
        plain = [change, np.log(close), volume]
    shifted = [_shift(column, k) for k in SHIFTS for column in (*expanded, change)]
    hour = history.open_ms // _HOUR_MS % 24
    weekday = (history.open_ms // (24 * _HOUR_MS) + 3) % 7
    clock = [
        np.repeat(value[:, None].astype(float), history.n, axis=1) for value in (hour, weekday)
    ]
    leader = btc_row_of(history.symbols)
    beside = [] if leader < 0 else [
        np.repeat(column[:, leader : leader + 1], history.n, axis=1)
        for column in (change, *expanded[:3])
    ]  # fmt: skip
    columns = (*expanded, *plain, *shifted, *clock, *beside)
    out = np.stack([column.astype(np.float32) for column in columns], axis=-1)
    out[~np.isfinite(out)] = np.nan
    return out


def _indicators(history: History, period: int) -> list[FloatArray]:
    """RSI, MFI, price over SMA and EMA, band width, place in the band, ROC, relative volume."""
    high, low, close, volume = (history.candles[:, k] for k in (HIGH, LOW, CLOSE, VOLUME))
    move = close - _shift(close, 1)
    up, down = _mean(np.maximum(move, 0), period), _mean(np.maximum(-move, 0), period)
    typical = (high + low + close) / 3
    flow = typical * volume
    rising = typical > _shift(typical, 1)
    taken = _mean(np.where(rising, flow, 0.0), period)
    given = _mean(np.where(rising, 0.0, flow), period)
    middle = _mean(close, period)
    wide = np.sqrt(np.maximum(_mean(close**2, period) - middle**2, 0.0))
    return [
        up / (up + down),
        taken / (taken + given),
        close / middle - 1,
        close / _ema(close, period) - 1,
        4 * wide / middle,
        (close - middle) / (2 * wide),
        _changed(close, period),
        volume / _mean(volume, period),
    ]


def _changed(values: FloatArray, k: int) -> FloatArray:
    return np.asarray(values / _shift(values, k) - 1)


def _shift(values: FloatArray, k: int) -> FloatArray:
    out = np.full_like(values, np.nan)
    out[k:] = values[:-k]
    return out


def _mean(values: FloatArray, k: int) -> FloatArray:
    """Return the mean of the newest k candles; NaN where one of them is missing."""
    out = np.full(values.shape, np.nan)
    if values.shape[0] >= k:
        out[k - 1 :] = sliding_window_view(values, k, axis=0).mean(axis=-1)
    return out


def _ema(values: FloatArray, span: int) -> FloatArray:
    """Return the exponential average; a missing candle starts it again."""
    out = np.empty_like(values)
    held, alpha = np.full(values.shape[1], np.nan), 2.0 / (span + 1)
    for step in range(values.shape[0]):
        now = values[step]
        held = np.where(np.isnan(held), now, held + alpha * (now - held))
        out[step] = held
    return out
