"""Funding, basis, open interest and liquidations: what leverage is doing."""

import numpy as np
from numpy.typing import NDArray

from signals.features.base import factor
from signals.features.frame import Frame, safe_ratio
from signals.features.trend import sigma

FloatArray = NDArray[np.float64]

_EIGHTS_IN_3D = 9


@factor(
    "fund_z",
    "funding",
    "Funding rate",
    unit="bp",
    sign=-1,
    warm_up=0,
    source="last settled rate, rescaled to 8 h; extreme funding as contrarian is a hypothesis",
    above="Longs pay shorts {ax:.2f} bp per 8 hours.",
    below="Shorts pay longs {ax:.2f} bp per 8 hours.",
    show=1e4,
)
def fund_z(frame: Frame) -> FloatArray:
    return frame.inputs.funding_8h


@factor(
    "fund_cum",
    "funding",
    "Funding paid in 3 days",
    unit="daily σ",
    sign=-1,
    warm_up=26,
    source="carry; Schmeling, Schrimpf, Todorov 2023 (BIS 1087)",
    above="In three days longs have paid {ax:.2f} daily σ.",
    below="In three days shorts have paid {ax:.2f} daily σ.",
)
def fund_cum(frame: Frame) -> FloatArray:
    per_day = sigma(frame) * (1440 / frame.timeframe.minutes) ** 0.5
    return safe_ratio(frame.inputs.funding_3d, per_day)


@factor(
    "basis_mom",
    "funding",
    "Change of premium",
    unit="bp",
    sign=1,
    warm_up=5,
    source="mark over index, change in 4 candles",
    above="The premium over the index rose {ax:.1f} bp in 4 candles.",
    below="The premium over the index fell {ax:.1f} bp in 4 candles.",
    show=1e4,
    decimals=1,
)
def basis_mom(frame: Frame) -> FloatArray:
    return frame.last("premium") - frame.last("premium", 4)


@factor(
    "fund_turn",
    "funding",
    "Turn of funding",
    unit="bp",
    sign=-1,
    warm_up=0,
    source="last settled rate against the mean of three days, per 8 h",
    above="Funding stands {ax:.2f} bp per 8 hours over its three days.",
    below="Funding stands {ax:.2f} bp per 8 hours under its three days.",
    show=1e4,
)
def fund_turn(frame: Frame) -> FloatArray:
    return np.asarray(frame.inputs.funding_8h - frame.inputs.funding_3d / _EIGHTS_IN_3D)


def _interest_change(frame: Frame, k: int) -> FloatArray:
    return frame.last("log_oi") - frame.last("log_oi", k)


@factor(
    "oi_chg_4",
    "open_interest",
    "Open interest, 4 candles",
    unit="%",
    sign=0,
    warm_up=5,
    source="log change of contracts outstanding, base asset",
    above="Open interest grew {ax:.2f} % in 4 candles.",
    below="Open interest shrank {ax:.2f} % in 4 candles.",
    show=100.0,
)
def oi_chg_4(frame: Frame) -> FloatArray:
    return _interest_change(frame, 4)


@factor(
    "oi_chg_24",
    "open_interest",
    "Open interest, 24 candles",
    unit="%",
    sign=0,
    warm_up=25,
    source="log change of contracts outstanding, base asset",
    above="Open interest grew {ax:.1f} % in 24 candles.",
    below="Open interest shrank {ax:.1f} % in 24 candles.",
    show=100.0,
    decimals=1,
)
def oi_chg_24(frame: Frame) -> FloatArray:
    return _interest_change(frame, 24)


@factor(
    "oi_quadrant",
    "open_interest",
    "Price and open interest",
    unit="%",
    sign=1,
    warm_up=9,
    source="direction of price times change of open interest, 8 candles",
    above="Positions moved with a rising price ({x:+.2f} %).",
    below="Positions moved with a falling price ({x:+.2f} %).",
    show=100.0,
)
def oi_quadrant(frame: Frame) -> FloatArray:
    change = _interest_change(frame, 8)
    direction = np.sign(frame.last("log_close") - frame.last("log_close", 8))
    return np.where(change > 0, direction * change, 0.3 * direction * change)


@factor(
    "oi_div",
    "open_interest",
    "Open interest against price",
    unit="%",
    sign=-1,
    warm_up=25,
    source="growth of open interest while price moves, signed by the move, 24 candles",
    above="Open interest grew into a rising price ({ax:.2f} %·σ): crowded longs.",
    below="Open interest grew into a falling price ({ax:.2f} %·σ): crowded shorts.",
    show=100.0,
)
def oi_div(frame: Frame) -> FloatArray:
    moved = safe_ratio(
        frame.last("log_close") - frame.last("log_close", 24), sigma(frame) * 24**0.5
    )
    return np.maximum(0.0, _interest_change(frame, 24)) * np.clip(moved, -3, 3)


@factor(
    "lev_build",
    "open_interest",
    "Open interest against turnover",
    unit="ln",
    sign=0,
    warm_up=96,
    source="log of open interest over the volume of 96 candles, base asset",
    above="Open interest is {x:+.2f} (ln) against the volume of 96 candles.",
    below="Open interest is {x:+.2f} (ln) against the volume of 96 candles.",
)
def lev_build(frame: Frame) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        value = frame.last("log_oi") - np.log(frame.total("volume", 96))
    return np.asarray(np.where(np.isfinite(value), value, np.nan))


@factor(
    "liq_imb",
    "liquidation",
    "Liquidated shorts against longs",
    unit="%",
    sign=1,
    warm_up=0,
    source="reported forced orders, half-life 15 min (a lower bound)",
    above="More shorts than longs were liquidated lately ({ax:.0f} %).",
    below="More longs than shorts were liquidated lately ({ax:.0f} %).",
    centre=0.0,
    scale=0.5,
    show=100.0,
    decimals=0,
)
def liq_imb(frame: Frame) -> FloatArray:
    longs, shorts = frame.inputs.liquidated_15m
    # The hour's share of the day's total stands for "nothing unusual" and keeps quiet times at 0.
    usual = frame.inputs.liquidated_day.sum(axis=0) / 24
    return np.asarray((shorts - longs) / (shorts + longs + usual + 1.0))


@factor(
    "liq_burst",
    "liquidation",
    "Liquidation burst",
    unit="ln",
    sign=1,
    warm_up=0,
    source="reported forced orders, 5 min against a day, signed by side",
    above="Shorts are being liquidated faster than usual (ln {ax:.1f}).",
    below="Longs are being liquidated faster than usual (ln {ax:.1f}).",
    centre=0.0,
    scale=1.5,
    decimals=1,
)
def liq_burst(frame: Frame) -> FloatArray:
    longs, shorts = frame.inputs.liquidated_5m
    usual = frame.inputs.liquidated_day.sum(axis=0) * (300 / 86_400)
    speed = np.log1p((longs + shorts) / (usual + 1.0))
    return np.asarray(np.sign(shorts - longs) * speed)


@factor(
    "heat_pull",
    "liquidation",
    "Pull of the liquidation map",
    unit="ln",
    sign=1,
    warm_up=0,
    source="estimated liquidation levels near the price; a magnet is a hypothesis",
    above="Estimated liquidations lie heavier above the price (ln {ax:.2f}).",
    below="Estimated liquidations lie heavier below the price (ln {ax:.2f}).",
)
def heat_pull(frame: Frame) -> FloatArray:
    return frame.inputs.heat.pull_up - frame.inputs.heat.pull_down


@factor(
    "heat_dist",
    "liquidation",
    "Nearness of the nearest cluster",
    unit="",
    sign=1,
    warm_up=0,
    source="estimated liquidation levels; 1 / (1 + distance in ATR), signed",
    above="The nearest estimated cluster lies above (nearness {ax:.2f} of 1).",
    below="The nearest estimated cluster lies below (nearness {ax:.2f} of 1).",
    centre=0.0,
    scale=0.4,
)
def heat_dist(frame: Frame) -> FloatArray:
    distance = frame.inputs.heat.nearest_distance
    return np.asarray(np.sign(distance) / (1 + np.abs(distance)))


FACTORS = (
    fund_z,
    fund_cum,
    fund_turn,
    basis_mom,
    oi_chg_4,
    oi_chg_24,
    oi_quadrant,
    oi_div,
    lev_build,
    liq_imb,
    liq_burst,
    heat_pull,
    heat_dist,
)
