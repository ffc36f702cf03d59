"""The order book; there is no history of it, so these learn only from what we record."""

import numpy as np
from numpy.typing import NDArray

from signals.features.base import factor
from signals.features.frame import Frame

FloatArray = NDArray[np.float64]

_IMBALANCE = "queue imbalance; Gould, Bonart 2015"
_ABOVE = "Bids outweigh asks within {band} of mid by {{ax:.0f}} %."
_BELOW = "Asks outweigh bids within {band} of mid by {{ax:.0f}} %."


@factor(
    "obi_10",
    "order_book",
    "Book imbalance, 0.1 %",
    unit="%",
    sign=1,
    warm_up=0,
    source=_IMBALANCE,
    above=_ABOVE.format(band="0.1 %"),
    below=_BELOW.format(band="0.1 %"),
    centre=0.0,
    scale=0.35,
    show=100.0,
    decimals=0,
)
def obi_10(frame: Frame) -> FloatArray:
    return np.asarray(frame.inputs.imbalance[0])


@factor(
    "obi_50",
    "order_book",
    "Book imbalance, 0.5 %, ten minutes",
    unit="%",
    sign=1,
    warm_up=0,
    source=_IMBALANCE,
    above=_ABOVE.format(band="0.5 %"),
    below=_BELOW.format(band="0.5 %"),
    centre=0.0,
    scale=0.25,
    show=100.0,
    decimals=0,
)
def obi_50(frame: Frame) -> FloatArray:
    return frame.inputs.imbalance_slow


@factor(
    "obi_100",
    "order_book",
    "Book imbalance, 1 %",
    unit="%",
    sign=1,
    warm_up=0,
    source=_IMBALANCE,
    above=_ABOVE.format(band="1 %"),
    below=_BELOW.format(band="1 %"),
    centre=0.0,
    scale=0.35,
    show=100.0,
    decimals=0,
)
def obi_100(frame: Frame) -> FloatArray:
    return np.asarray(frame.inputs.imbalance[2])


@factor(
    "ofi_10s",
    "order_book",
    "Order flow, 10 s",
    unit="depths/s",
    sign=1,
    warm_up=0,
    source="Cont, Kukanov, Stoikov 2014",
    above="Order flow at the best prices adds {ax:.2f} depths a second to the bid.",
    below="Order flow at the best prices takes {ax:.2f} depths a second from the bid.",
)
def ofi_10s(frame: Frame) -> FloatArray:
    return frame.inputs.flow_10s


@factor(
    "ofi_60s",
    "order_book",
    "Order flow, 1 min",
    unit="depths/s",
    sign=1,
    warm_up=0,
    source="Cont, Kukanov, Stoikov 2014",
    above="Over a minute order flow adds {ax:.2f} depths a second to the bid.",
    below="Over a minute order flow takes {ax:.2f} depths a second from the bid.",
)
def ofi_60s(frame: Frame) -> FloatArray:
    return frame.inputs.flow_60s


@factor(
    "microprice",
    "order_book",
    "Microprice",
    unit="spreads",
    sign=1,
    warm_up=0,
    source="Stoikov 2018, first order",
    above="The microprice lies {ax:.2f} spreads over mid.",
    below="The microprice lies {ax:.2f} spreads under mid.",
    centre=0.0,
    scale=0.25,
)
def microprice(frame: Frame) -> FloatArray:
    return frame.inputs.micro


@factor(
    "depth_chg",
    "order_book",
    "Change of depth",
    unit="ln",
    sign=1,
    warm_up=0,
    source="log of depth against its hour, bid minus ask",
    above="Bid depth has grown against ask depth over the hour (ln {x:+.2f}).",
    below="Bid depth has shrunk against ask depth over the hour (ln {x:+.2f}).",
)
def depth_chg(frame: Frame) -> FloatArray:
    return frame.inputs.depth_skew


@factor(
    "spread",
    "order_book",
    "Spread",
    unit="bp",
    sign=0,
    warm_up=0,
    source="(ask - bid) / mid, one-minute average",
    above="The spread is {x:.1f} bp.",
    below="The spread is {x:.1f} bp.",
)
def spread(frame: Frame) -> FloatArray:
    return frame.inputs.spread_bps


@factor(
    "obi_hold",
    "order_book",
    "Imbalance that lasts, 0.5 %",
    unit="%",
    sign=1,
    warm_up=0,
    source="the lesser of the imbalance now and over ten minutes, where both lean one way",
    above="Bids outweigh asks within 0.5 % of mid, now and for ten minutes, by {ax:.0f} % at least.",
    below="Asks outweigh bids within 0.5 % of mid, now and for ten minutes, by {ax:.0f} % at least.",
    centre=0.0,
    scale=0.25,
    show=100.0,
    decimals=0,
)
def obi_hold(frame: Frame) -> FloatArray:
    now, slow = frame.inputs.imbalance[1], frame.inputs.imbalance_slow
    lesser = np.sign(now) * np.minimum(np.abs(now), np.abs(slow))
    return np.where(now * slow < 0, 0.0, lesser)


@factor(
    "obi_tilt",
    "order_book",
    "Imbalance near against far",
    unit="%",
    sign=1,
    warm_up=0,
    source="imbalance within 0.1 % less that within 1 % of mid",
    above="Close to mid bids weigh {ax:.0f} % more than farther off.",
    below="Close to mid bids weigh {ax:.0f} % less than farther off.",
    centre=0.0,
    scale=0.4,
    show=100.0,
    decimals=0,
)
def obi_tilt(frame: Frame) -> FloatArray:
    return np.asarray(frame.inputs.imbalance[0] - frame.inputs.imbalance[2])


FACTORS = (
    obi_10,
    obi_50,
    obi_100,
    obi_hold,
    obi_tilt,
    ofi_10s,
    ofi_60s,
    microprice,
    depth_chg,
    spread,
)
