"""Reversion: moves that went far, and momentum that does not confirm them."""

import numpy as np
from numpy.typing import NDArray

from signals.features.analogs import WARM_UP
from signals.features.base import factor
from signals.features.frame import Frame, safe_ratio
from signals.features.recursions import warm
from signals.features.trend import sigma

FloatArray = NDArray[np.float64]


@factor(
    "rev_1",
    "reversion",
    "Last candle, reversed",
    unit="σ",
    sign=1,
    warm_up=26,
    source="short-term reversal; Jegadeesh 1990",
    above="The last candle fell {ax:.1f} σ: a rebound is favoured where reversal holds.",
    below="The last candle rose {ax:.1f} σ: a pull-back is favoured where reversal holds.",
)
def rev_1(frame: Frame) -> FloatArray:
    return safe_ratio(-frame.last("r"), sigma(frame))


def rsi_points(frame: Frame) -> FloatArray:
    """Return Wilder's RSI(14), 0..100; NaN before fourteen changes."""
    up, down = frame.cells["up"], frame.cells["down"]
    value = 100 * safe_ratio(up, up + down)
    return warm(value, frame.cells["count"], 15)


@factor(
    "rsi_14",
    "reversion",
    "RSI(14)",
    unit="",
    sign=1,
    warm_up=15,
    source="Wilder 1978",
    above="RSI(14) is {x:.0f}.",
    below="RSI(14) is {x:.0f}.",
    centre=50.0,
    scale=15.0,
    decimals=0,
)
def rsi_14(frame: Frame) -> FloatArray:
    return rsi_points(frame)


@factor(
    "rsi_div",
    "reversion",
    "RSI divergence",
    unit="RSI points",
    sign=1,
    warm_up=60,
    source="divergence of price extremes and RSI, 40 candles",
    above="A new low of price without a new low of RSI ({ax:.0f} points higher).",
    below="A new high of price without a new high of RSI ({ax:.0f} points lower).",
    centre=0.0,
    scale=10.0,
    decimals=0,
)
def rsi_div(frame: Frame) -> FloatArray:
    price, rsi = frame.window("log_close", 40), frame.window("rsi", 40)
    now_price, now_rsi = price[-1], rsi[-1]
    columns = np.arange(frame.n)
    earlier_price, earlier_rsi = price[:-3], rsi[:-3]
    known = ~np.isnan(price).any(axis=0) & ~np.isnan(rsi).any(axis=0)
    filled = np.where(np.isnan(earlier_price), 0.0, earlier_price)
    low_at, high_at = filled.argmin(axis=0), filled.argmax(axis=0)
    with np.errstate(invalid="ignore"):
        new_low = now_price < earlier_price[low_at, columns]
        new_high = now_price > earlier_price[high_at, columns]
        held_up = np.maximum(0.0, now_rsi - earlier_rsi[low_at, columns])
        held_down = np.maximum(0.0, earlier_rsi[high_at, columns] - now_rsi)
    value = np.where(new_low, held_up, 0.0) - np.where(new_high, held_down, 0.0)
    return np.where(known, np.clip(value, -20, 20), np.nan)


@factor(
    "analog",
    "reversion",
    "What followed its own most alike past",
    unit="σ",
    sign=1,
    warm_up=WARM_UP,
    source="kernel regression over up to 512 cases of the symbol; Nadaraya 1964, Watson 1964",
    above="After paths most like this one the price rose over 24 candles, by {ax:.2f} σ as weighed.",
    below="After paths most like this one the price fell over 24 candles, by {ax:.2f} σ as weighed.",
    centre=0.0,
    scale=0.25,
)
def analog(frame: Frame) -> FloatArray:
    return frame.alike()


FACTORS = (rev_1, rsi_14, rsi_div, analog)
