"""Volume and order flow as the candles tell them."""

import numpy as np
from numpy.typing import NDArray

from signals.features.base import factor
from signals.features.frame import Frame, safe_ratio
from signals.features.recursions import warm
from signals.features.trend import sigma

FloatArray = NDArray[np.float64]


@factor(
    "vol_z",
    "volume",
    "Volume against its usual",
    unit="ln",
    sign=0,
    warm_up=25,
    source="log of volume against its mean over the 24 candles before",
    above="Volume is above its usual of 24 candles (ln ratio {x:+.2f}).",
    below="Volume is below its usual of 24 candles (ln ratio {x:+.2f}).",
)
def vol_z(frame: Frame) -> FloatArray:
    volume = frame.window("volume", 25)
    usual = volume[:-1].mean(axis=0)
    # A candle that is under way is taken as if the rest of it were usual.
    expected = volume[-1] + (1.0 - frame.elapsed) * usual
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.log(expected / usual)
    return np.where(np.isfinite(value), value, np.nan)


@factor(
    "taker_imb",
    "volume",
    "Taker imbalance",
    unit="%",
    sign=1,
    warm_up=24,
    source="taker-buy share of volume, half-life 8 candles",
    above="Takers bought {ax:.1f} % more than they sold.",
    below="Takers sold {ax:.1f} % more than they bought.",
    show=100.0,
    decimals=1,
)
def taker_imb(frame: Frame) -> FloatArray:
    return warm(frame.cells["flow"], frame.cells["count"], 24)


@factor(
    "taker_day",
    "volume",
    "Taker imbalance, 96 candles",
    unit="%",
    sign=1,
    warm_up=96,
    source="taker-buy share of volume, summed over 96 candles",
    above="Over 96 candles takers bought {ax:.1f} % more than they sold.",
    below="Over 96 candles takers sold {ax:.1f} % more than they bought.",
    show=100.0,
    decimals=1,
)
def taker_day(frame: Frame) -> FloatArray:
    return safe_ratio(frame.total("signed", 96), frame.total("volume", 96))


@factor(
    "cvd_div",
    "volume",
    "Volume delta against price",
    unit="σ",
    sign=1,
    warm_up=50,
    source="cumulative volume delta divergence, 24 candles",
    above="Net taker buying outruns the price ({ax:.1f} σ).",
    below="Net taker selling outruns the price ({ax:.1f} σ).",
)
def cvd_div(frame: Frame) -> FloatArray:
    flow = safe_ratio(frame.total("signed", 24), frame.total("volume", 24))
    moved = safe_ratio(
        frame.last("log_close") - frame.last("log_close", 24), sigma(frame) * 24**0.5
    )
    # A taker imbalance of 10 % over a day of candles is about as unusual as one sigma of price.
    return flow * 10 - moved


@factor(
    "amihud",
    "volume",
    "Illiquidity",
    unit="ln",
    sign=0,
    warm_up=50,
    source="Amihud 2002: |return| a quote volume, half-life 24 candles",
    above="A given volume moves the price more than usual (ln {x:.1f}).",
    below="A given volume moves the price less than usual (ln {x:.1f}).",
    decimals=1,
)
def amihud(frame: Frame) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.log(warm(frame.cells["amihud"], frame.cells["count"], 50))
    return np.where(np.isfinite(value), value, np.nan)


FACTORS = (vol_z, taker_imb, taker_day, cvd_div, amihud)
