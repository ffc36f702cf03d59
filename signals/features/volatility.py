"""Volatility: how much the price moves, and in what manner."""

from math import log, pi

import numpy as np
from numpy.typing import NDArray

from signals.features.base import factor
from signals.features.frame import Frame, safe_ratio
from signals.features.recursions import warm

FloatArray = NDArray[np.float64]


@factor(
    "atr_pct",
    "volatility",
    "ATR(14) of price",
    unit="%",
    sign=0,
    warm_up=28,
    source="Wilder 1978",
    above="One ATR is {x:.2f} % of price, higher than {rank:.0f} % of its recent readings.",
    below="One ATR is {x:.2f} % of price, higher than {rank:.0f} % of its recent readings.",
    show=100.0,
)
def atr_pct(frame: Frame) -> FloatArray:
    return safe_ratio(warm(frame.cells["atr"], frame.cells["count"], 28), frame.close)


def _range_volatility(frame: Frame, k: int) -> FloatArray:
    return np.sqrt(np.maximum(frame.total("satchell", k) / k, 1e-18))


@factor(
    "vol_ratio",
    "volatility",
    "Volatility, a day against a week",
    unit="ln",
    sign=0,
    warm_up=168,
    source="Rogers, Satchell 1991, as in Yang, Zhang 2000 (no overnight gap in a 24/7 market)",
    above="The last 24 candles were more volatile than the last 168 (ln ratio {x:+.2f}).",
    below="The last 24 candles were calmer than the last 168 (ln ratio {x:+.2f}).",
)
def vol_ratio(frame: Frame) -> FloatArray:
    return np.log(_range_volatility(frame, 24) / _range_volatility(frame, 168))


@factor(
    "park_cc",
    "volatility",
    "Range against close-to-close",
    unit="ln",
    sign=0,
    warm_up=25,
    source="Parkinson 1980",
    above="Choppy: candles range wider than their closes travel (ln ratio {x:+.2f}).",
    below="Directed: closes travel as far as candles range (ln ratio {x:+.2f}).",
)
def park_cc(frame: Frame) -> FloatArray:
    parkinson = frame.total("park", 24) / (24 * 4 * log(2))
    closes = np.maximum(frame.total("r2", 24) / 24, 1e-18)
    return 0.5 * np.log(np.maximum(parkinson, 1e-18) / closes)


@factor(
    "jump_share",
    "volatility",
    "Share of jumps",
    unit="%",
    sign=0,
    warm_up=62,
    source="Barndorff-Nielsen, Shephard 2004 (bipower variation)",
    above="Jumps made {x:.0f} % of the variance of the last 60 candles.",
    below="Jumps made {x:.0f} % of the variance of the last 60 candles.",
    centre=0.15,
    scale=0.15,
    show=100.0,
    decimals=0,
)
def jump_share(frame: Frame) -> FloatArray:
    size = frame.window("abs_r", 61)
    bipower = pi / 2 * (size[1:] * size[:-1]).sum(axis=0)
    realised = frame.total("r2", 60)
    return np.maximum(0.0, 1 - safe_ratio(bipower, realised))


FACTORS = (atr_pct, vol_ratio, park_cc, jump_share)
