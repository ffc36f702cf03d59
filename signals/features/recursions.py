"""Averages that remember: exponential and Wilder recursions, all symbols at once.

`advance` gives the values that would hold with one more candle and changes nothing, so that
the forming candle can be looked at; the engine keeps them when the candle has closed.

Sources: Wilder 1978, "New Concepts in Technical Trading Systems" (RSI, ATR, ADX: averages
with weight 1/14, started from the mean of the first fourteen values); Appel's MACD 12/26/9.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from signals.market.panel import CLOSE, HIGH, LOW, QUOTE_VOLUME, TAKER_BUY_VOLUME, VOLUME

FloatArray = NDArray[np.float64]
Cells = dict[str, FloatArray]

EMA_SPANS: Final = (12, 26, 48, 200)
WILDER: Final = 14
SIGMA_HALF_LIFE: Final = 48.0
BETA_HALF_LIFE: Final = 200.0
FLOW_HALF_LIFE: Final = 8.0
AMIHUD_HALF_LIFE: Final = 24.0

_STARTED_BY_MEAN: Final = ("up", "down", "atr", "plus", "minus")


def start(n: int) -> Cells:
    """Return cells that know nothing."""
    names = [f"ema_{span}" for span in EMA_SPANS]
    names += ["macd_signal", "adx", "var", "beta_xy", "beta_xx", "flow", "amihud", "vwap_pv"]
    names += ["vwap_v", "close", "high", "low", *_STARTED_BY_MEAN]
    cells: Cells = {name: np.full(n, np.nan) for name in names}
    cells["count"] = np.zeros(n)
    cells["dx_count"] = np.zeros(n)
    return cells


def weight(half_life: float) -> float:
    """Return the weight of the newest value for a half-life in candles."""
    return float(1.0 - 2.0 ** (-1.0 / half_life))


def _ema(held: FloatArray, value: FloatArray, alpha: float) -> FloatArray:
    """Move towards the value; the first value starts it, a missing one leaves it."""
    moved = held + alpha * (value - held)
    return np.where(np.isnan(value), held, np.where(np.isnan(held), value, moved))


def _wilder(held: FloatArray, value: FloatArray, count: FloatArray) -> FloatArray:
    """Average with weight 1/14; the plain mean of the first fourteen starts it."""
    share = 1.0 / np.clip(count, 1.0, WILDER)
    begun = np.where(np.isnan(held), 0.0, held)
    return begun + share * (value - begun)


def advance(cells: Cells, candle: FloatArray, btc_row: int, elapsed: float = 1.0) -> Cells:
    """Return the cells with one more candle, shape (8, n), added.

    A symbol whose candle is missing (NaN) starts again from nothing.

    Parameters
    ----------
    elapsed : share of the candle's time that has passed, 0..1. Range, flow and cost of a candle
        that has just begun say little yet, so they move their averages by that share only.
    """
    close, high, low = candle[CLOSE], candle[HIGH], candle[LOW]
    known = ~np.isnan(close)
    before = cells["close"]
    count = np.where(known, cells["count"] + 1, 0.0)
    out: Cells = {"count": count, "close": close, "high": high, "low": low}
    with np.errstate(invalid="ignore", divide="ignore"):
        for span in EMA_SPANS:
            out[f"ema_{span}"] = _ema(cells[f"ema_{span}"], close, 2.0 / (span + 1))
        macd = out["ema_12"] - out["ema_26"]
        out["macd_signal"] = _ema(cells["macd_signal"], macd, 0.2)
        change = close - before
        r = np.log(close / before)
        moves = count - 1  # how many changes have been seen, this one included
        out["up"] = _wilder(cells["up"], np.maximum(change, 0.0), moves)
        out["down"] = _wilder(cells["down"], np.maximum(-change, 0.0), moves)
        _directional(cells, out, high, low, before, moves, elapsed)
        out["var"] = _ema(cells["var"], r * r, weight(SIGMA_HALF_LIFE))
        r_btc = np.full_like(r, r[btc_row] if btc_row >= 0 else np.nan)
        out["beta_xy"] = _ema(cells["beta_xy"], r * r_btc, weight(BETA_HALF_LIFE))
        out["beta_xx"] = _ema(cells["beta_xx"], r_btc * r_btc, weight(BETA_HALF_LIFE))
        volume, quote = candle[VOLUME], candle[QUOTE_VOLUME]
        traded = volume > 0
        flow = np.where(traded, 2 * candle[TAKER_BUY_VOLUME] / volume - 1, np.nan)
        out["flow"] = _ema(cells["flow"], flow, elapsed * weight(FLOW_HALF_LIFE))
        illiquid = np.where(quote > 0, np.abs(r) / quote, np.nan)
        out["amihud"] = _ema(cells["amihud"], illiquid, elapsed * weight(AMIHUD_HALF_LIFE))
        typical = (high + low + close) / 3
        out["vwap_pv"] = _ema(cells["vwap_pv"], typical * volume, weight(48))
        out["vwap_v"] = _ema(cells["vwap_v"], volume, weight(48))
    for name, values in out.items():
        if name not in ("count", "dx_count"):
            values[~known] = np.nan
    out["dx_count"][~known] = 0.0
    return out


def _directional(
    cells: Cells,
    out: Cells,
    high: FloatArray,
    low: FloatArray,
    before: FloatArray,
    moves: FloatArray,
    elapsed: float,
) -> None:
    true_range = np.maximum(high, before) - np.minimum(low, before)
    rose, fell = high - cells["high"], cells["low"] - low
    plus = np.where((rose > fell) & (rose > 0), rose, np.where(np.isnan(rose), np.nan, 0.0))
    minus = np.where((fell > rose) & (fell > 0), fell, np.where(np.isnan(fell), np.nan, 0.0))
    for name, value in (("plus", plus), ("minus", minus)):
        out[name] = _wilder(cells[name], value, moves)
    held = cells["atr"]
    whole = _wilder(held, true_range, moves)
    out["atr"] = whole if elapsed == 1.0 else held + elapsed * (whole - held)
    total = out["plus"] + out["minus"]
    dx = np.where(total > 0, 100 * np.abs(out["plus"] - out["minus"]) / total, 0.0)
    has_dx = moves >= WILDER
    out["dx_count"] = np.where(has_dx, cells["dx_count"] + 1, 0.0)
    out["adx"] = np.where(has_dx, _wilder(cells["adx"], dx, out["dx_count"]), np.nan)


def warm(values: FloatArray, count: FloatArray, needed: float) -> FloatArray:
    """Return the values where enough candles have been seen, NaN elsewhere."""
    return np.where(count >= needed, values, np.nan)
