"""The market around a symbol, and the clock."""

from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from signals.features.base import factor
from signals.features.frame import Frame, safe_ratio
from signals.features.recursions import warm
from signals.features.trend import sigma

FloatArray = NDArray[np.float64]

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_FIRST_MONDAY_MS = 4 * _DAY_MS  # 1970-01-05


def beta(frame: Frame) -> FloatArray:
    """Return the slope of returns on BTC's (half-life 200 candles); NaN before 60, and for BTC.

    BTC explains itself entirely: what rounding leaves over must not become a reading.
    """
    cells = frame.cells
    slope = safe_ratio(warm(cells["beta_xy"], cells["count"], 60), cells["beta_xx"])
    if frame.btc_row >= 0:
        slope[frame.btc_row] = np.nan
    return slope


@factor(
    "btc_lead",
    "cross_market",
    "Behind BTC, last candle",
    unit="σ",
    sign=1,
    warm_up=60,
    source="lead of BTC over alts; the lead is below a minute in today's markets",
    above="Behind BTC's last move by {ax:.1f} σ.",
    below="Ahead of BTC's last move by {ax:.1f} σ.",
)
def btc_lead(frame: Frame) -> FloatArray:
    expected = beta(frame) * frame.last("btc_r")
    return safe_ratio(expected - frame.last("r"), sigma(frame))


@factor(
    "btc_knock",
    "cross_market",
    "Behind BTC, four candles",
    unit="σ",
    sign=1,
    warm_up=60,
    source="what BTC's move over four candles has not yet knocked on to, by beta",
    above="Behind BTC's move over four candles by {ax:.1f} σ.",
    below="Ahead of BTC's move over four candles by {ax:.1f} σ.",
)
def btc_knock(frame: Frame) -> FloatArray:
    expected = beta(frame) * frame.total("btc_r", 4)
    return safe_ratio(expected - frame.total("r", 4), sigma(frame) * 2.0)


@factor(
    "resid_24",
    "cross_market",
    "Own move, BTC's part taken off",
    unit="σ",
    sign=1,
    warm_up=60,
    source="residual return against BTC, 24 hours or 168 candles",
    above="Stronger than BTC explains over a day, by {ax:.1f} σ.",
    below="Weaker than BTC explains over a day, by {ax:.1f} σ.",
)
def resid_24(frame: Frame) -> FloatArray:
    own = frame.total("r", frame.day)
    market = frame.total("btc_r", frame.day)
    return safe_ratio(own - beta(frame) * market, sigma(frame) * frame.day**0.5)


@factor(
    "breadth",
    "cross_market",
    "Breadth of the market",
    unit="%",
    sign=1,
    warm_up=25,
    source="share of symbols that rose over 24 hours or 168 candles",
    above="{x:.0f} % of the symbols rose over a day.",
    below="{x:.0f} % of the symbols rose over a day.",
    centre=0.5,
    scale=0.25,
    show=100.0,
    decimals=0,
)
def breadth(frame: Frame) -> FloatArray:
    moved = frame.total("r", frame.day)
    known = ~np.isnan(moved)
    if known.sum() < 3:
        return np.full(frame.n, np.nan)
    share = float((moved[known] > 0).mean())
    return np.where(np.isnan(frame.close), np.nan, share)


def _angle(frame: Frame) -> float:
    return 2 * pi * (frame.now_ms % _DAY_MS) / _DAY_MS


@factor(
    "hour_sin",
    "time",
    "Hour of the day, sine",
    unit="",
    sign=0,
    warm_up=0,
    source="daily season of crypto markets; Hansen, Kim, Kimbrough 2021",
    above="The hour's place in the day (sine {x:+.2f}).",
    below="The hour's place in the day (sine {x:+.2f}).",
    centre=0.0,
    scale=1.0,
)
def hour_sin(frame: Frame) -> FloatArray:
    return np.full(frame.n, sin(_angle(frame)))


@factor(
    "hour_cos",
    "time",
    "Hour of the day, cosine",
    unit="",
    sign=0,
    warm_up=0,
    source="daily season of crypto markets; Hansen, Kim, Kimbrough 2021",
    above="The hour's place in the day (cosine {x:+.2f}).",
    below="The hour's place in the day (cosine {x:+.2f}).",
    centre=0.0,
    scale=1.0,
)
def hour_cos(frame: Frame) -> FloatArray:
    return np.full(frame.n, cos(_angle(frame)))


@factor(
    "weekend",
    "time",
    "Weekend",
    unit="",
    sign=0,
    warm_up=0,
    source="Saturday and Sunday, UTC",
    above="It is the weekend.",
    below="It is a weekday.",
    centre=0.5,
    scale=1.0,
    decimals=0,
)
def weekend(frame: Frame) -> FloatArray:
    day = (frame.now_ms - _FIRST_MONDAY_MS) // _DAY_MS % 7
    return np.full(frame.n, 1.0 if day >= 5 else 0.0)


@factor(
    "session",
    "time",
    "Session of the United States",
    unit="",
    sign=0,
    warm_up=0,
    source="13 to 21 UTC on weekdays, when moves are a quarter larger",
    above="The United States trade.",
    below="The United States do not trade.",
    centre=0.5,
    scale=1.0,
    decimals=0,
)
def session(frame: Frame) -> FloatArray:
    hour = frame.now_ms % _DAY_MS // _HOUR_MS
    weekday = (frame.now_ms - _FIRST_MONDAY_MS) // _DAY_MS % 7 < 5
    return np.full(frame.n, 1.0 if weekday and 13 <= hour < 21 else 0.0)


FACTORS = (
    btc_lead,
    btc_knock,
    resid_24,
    breadth,
    hour_sin,
    hour_cos,
    weekend,
    session,
)
