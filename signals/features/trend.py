"""Trend and range: which way the price has gone, and how steadily."""

import numpy as np
from numpy.typing import NDArray

from signals.features.base import factor
from signals.features.frame import Frame, safe_ratio
from signals.features.recursions import warm

FloatArray = NDArray[np.float64]


def sigma(frame: Frame) -> FloatArray:
    """Return the standard deviation of one candle's log return (half-life 48 candles)."""
    return np.sqrt(warm(frame.cells["var"], frame.cells["count"], 25))


def _momentum(frame: Frame, k: int) -> FloatArray:
    moved = frame.last("log_close") - frame.last("log_close", k)
    return safe_ratio(moved, sigma(frame) * k**0.5)


@factor(
    "mom_4",
    "trend",
    "Momentum, 4 candles",
    unit="σ",
    sign=1,
    warm_up=52,
    source="time-series momentum; Moskowitz, Ooi, Pedersen 2012",
    above="Up {ax:.1f} σ over the last 4 candles of {tf}.",
    below="Down {ax:.1f} σ over the last 4 candles of {tf}.",
)
def mom_4(frame: Frame) -> FloatArray:
    return _momentum(frame, 4)


@factor(
    "mom_16",
    "trend",
    "Momentum, 16 candles",
    unit="σ",
    sign=1,
    warm_up=64,
    source="time-series momentum; Moskowitz, Ooi, Pedersen 2012",
    above="Up {ax:.1f} σ over the last 16 candles of {tf}.",
    below="Down {ax:.1f} σ over the last 16 candles of {tf}.",
)
def mom_16(frame: Frame) -> FloatArray:
    return _momentum(frame, 16)


@factor(
    "mom_96",
    "trend",
    "Momentum, 96 candles",
    unit="σ",
    sign=1,
    warm_up=144,
    source="time-series momentum; Moskowitz, Ooi, Pedersen 2012",
    above="Up {ax:.1f} σ over the last 96 candles of {tf}.",
    below="Down {ax:.1f} σ over the last 96 candles of {tf}.",
)
def mom_96(frame: Frame) -> FloatArray:
    return _momentum(frame, 96)


@factor(
    "ema_spread",
    "trend",
    "EMA 12 against EMA 48",
    unit="σ",
    sign=1,
    warm_up=96,
    source="moving-average crossover practice",
    above="EMA 12 stands {ax:.1f} σ over EMA 48.",
    below="EMA 12 stands {ax:.1f} σ under EMA 48.",
)
def ema_spread(frame: Frame) -> FloatArray:
    cells = frame.cells
    spread = warm(cells["ema_12"] - cells["ema_48"], cells["count"], 96)
    return safe_ratio(spread, sigma(frame) * frame.close)


@factor(
    "macd",
    "trend",
    "MACD histogram",
    unit="σ",
    sign=1,
    warm_up=60,
    source="Appel, MACD 12/26/9",
    above="MACD runs {ax:.2f} σ over its signal line.",
    below="MACD runs {ax:.2f} σ under its signal line.",
)
def macd(frame: Frame) -> FloatArray:
    cells = frame.cells
    histogram = cells["ema_12"] - cells["ema_26"] - cells["macd_signal"]
    return safe_ratio(warm(histogram, cells["count"], 60), sigma(frame) * frame.close)


@factor(
    "adx",
    "trend",
    "Trend strength, signed ADX(14)",
    unit="",
    sign=1,
    warm_up=42,
    source="Wilder 1978",
    above="The directional index is {ax:.0f}, upwards.",
    below="The directional index is {ax:.0f}, downwards.",
    centre=0.0,
    scale=25.0,
    decimals=0,
)
def adx(frame: Frame) -> FloatArray:
    cells = frame.cells
    strength = np.where(cells["dx_count"] >= 14, cells["adx"], np.nan)
    return np.sign(cells["plus"] - cells["minus"]) * strength


@factor(
    "trend_mtf",
    "trend",
    "Trend across timeframes",
    unit="",
    sign=1,
    warm_up=96,
    source="weighted EMA trend of 15m, 1h, 4h and 1d",
    above="The four timeframes lean upwards ({ax:.2f} of 1).",
    below="The four timeframes lean downwards ({ax:.2f} of 1).",
    centre=0.0,
    scale=0.5,
)
def trend_mtf(frame: Frame) -> FloatArray:
    return frame.inputs.trend_higher


@factor(
    "vwap_dist",
    "trend",
    "Distance from VWAP",
    unit="σ",
    sign=1,
    warm_up=96,
    source="volume-weighted average price, half-life 48 candles",
    above="Price is {ax:.1f} σ over its volume-weighted average.",
    below="Price is {ax:.1f} σ under its volume-weighted average.",
)
def vwap_dist(frame: Frame) -> FloatArray:
    cells = frame.cells
    vwap = safe_ratio(warm(cells["vwap_pv"], cells["count"], 96), cells["vwap_v"])
    return safe_ratio(frame.close - vwap, sigma(frame) * frame.close)


def _channel(frame: Frame, k: int) -> FloatArray:
    top = frame.window("high", k).max(axis=0)
    bottom = frame.window("low", k).min(axis=0)
    return safe_ratio(frame.last("log_close") - bottom, top - bottom) - 0.5


@factor(
    "don_24",
    "trend",
    "Place in the 24-candle range",
    unit="%",
    sign=1,
    warm_up=24,
    source="Donchian channel",
    above="Price stands in the upper half of its 24-candle range ({x:+.0f} % from the middle).",
    below="Price stands in the lower half of its 24-candle range ({x:+.0f} % from the middle).",
    centre=0.0,
    scale=0.3,
    show=100.0,
    decimals=0,
)
def don_24(frame: Frame) -> FloatArray:
    return _channel(frame, 24)


@factor(
    "don_168",
    "trend",
    "Place in the 168-candle range",
    unit="%",
    sign=1,
    warm_up=168,
    source="Donchian channel",
    above="Price stands in the upper half of its 168-candle range ({x:+.0f} % from the middle).",
    below="Price stands in the lower half of its 168-candle range ({x:+.0f} % from the middle).",
    centre=0.0,
    scale=0.3,
    show=100.0,
    decimals=0,
)
def don_168(frame: Frame) -> FloatArray:
    return _channel(frame, 168)


FACTORS = (
    mom_4,
    mom_16,
    mom_96,
    ema_spread,
    macd,
    adx,
    trend_mtf,
    vwap_dist,
    don_24,
    don_168,
)
