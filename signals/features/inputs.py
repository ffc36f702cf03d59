"""What a feature engine is told besides candles; NaN means unknown or too old to count."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signals.market.state import MarketState

FloatArray = NDArray[np.float64]

BOOK_LIMIT_S: Final = 3.0
MARK_LIMIT_S: Final = 10.0
OPEN_INTEREST_LIMIT_S: Final = 900.0
LIQUIDATION_LIMIT_S: Final = 60.0
CANDLE_LIMIT_S: Final = 15.0
FUNDING_LIMIT_MS: Final = 25 * 3_600_000
"""How old an input may be; beyond it the factors that read it are NaN."""
_MIN_LIQUIDATION_SPAN_MS: Final = 6 * 3_600_000


@dataclass(slots=True)
class HeatFeatures:
    """What the liquidation heatmap says about each symbol, arrays of shape (n,)."""

    pull_up: FloatArray
    """ln(1 + nearness-weighted notional above, in 1/10,000 of open interest)."""
    pull_down: FloatArray
    nearest_distance: FloatArray
    """Signed, in ATR: above 0 the nearest cluster lies over the price."""
    nearest_price: FloatArray
    nearest_notional: FloatArray
    nearest_side: FloatArray
    """0: longs would be liquidated there, 1: shorts."""

    @classmethod
    def unknown(cls, n: int) -> "HeatFeatures":
        return cls(*(np.full(n, np.nan) for _ in fields(cls)))


@dataclass(slots=True)
class SideInputs:
    """Columns of shape (n,) beside the candles."""

    open_interest: FloatArray
    """Base asset."""
    funding_8h: FloatArray
    """Last settled rate, rescaled to eight hours."""
    funding_3d: FloatArray
    """Sum of the rates settled in the last three days."""
    premium: FloatArray
    imbalance: FloatArray
    """(bid - ask) / (bid + ask) notional within 0.1, 0.5 and 1 % of mid, shape (3, n)."""
    imbalance_slow: FloatArray
    """The same, ten-minute average, 0.5 % band."""
    flow_10s: FloatArray
    """Order flow imbalance per second, in average best-level depths."""
    flow_60s: FloatArray
    micro: FloatArray
    """(microprice - mid) / spread."""
    depth_skew: FloatArray
    """ln(bid depth / its hour) - ln(ask depth / its hour)."""
    spread_bps: FloatArray
    liquidated_15m: FloatArray
    """Decayed notional of closed longs and shorts, shape (2, n), USDT."""
    liquidated_5m: FloatArray
    liquidated_day: FloatArray
    trend_higher: FloatArray
    """Weighted trend of the timeframes, -1..1."""
    heat: HeatFeatures

    @classmethod
    def unknown(cls, n: int) -> "SideInputs":
        """Return inputs that know nothing."""

        def nan() -> FloatArray:
            return np.full(n, np.nan)

        return cls(
            open_interest=nan(),
            funding_8h=nan(),
            funding_3d=nan(),
            premium=nan(),
            imbalance=np.full((3, n), np.nan),
            imbalance_slow=nan(),
            flow_10s=nan(),
            flow_60s=nan(),
            micro=nan(),
            depth_skew=nan(),
            spread_bps=nan(),
            liquidated_15m=np.full((2, n), np.nan),
            liquidated_5m=np.full((2, n), np.nan),
            liquidated_day=np.full((2, n), np.nan),
            trend_higher=nan(),
            heat=HeatFeatures.unknown(n),
        )


def live_inputs(
    state: MarketState, heat: HeatFeatures | None, now_ms: int, speed: float = 1.0
) -> SideInputs:
    """Read the columns of the market as they stand, leaving out what is too old.

    `speed` is how many times faster than our clock the market runs.
    `trend_higher` is left unknown: it comes from the engines of the longer timeframes.
    """
    # Ages are counted on our clock: in a fast replay market seconds pass quicker.
    age = {kind: column / speed for kind, column in state.staleness(now_ms).items()}
    book, derivatives = state.book, state.derivatives
    fresh_book = age["book"] <= BOOK_LIMIT_S
    fresh_mark = age["mark"] <= MARK_LIMIT_S
    fresh_interest = age["open_interest"] <= OPEN_INTEREST_LIMIT_S
    liquidations = state.liquidations
    heard = (
        liquidations.heartbeat_ms > 0
        and now_ms - liquidations.heartbeat_ms <= LIQUIDATION_LIMIT_S * 1000 * speed
        and now_ms - liquidations.since_ms >= _MIN_LIQUIDATION_SPAN_MS
    )
    inputs = SideInputs.unknown(state.n)
    inputs.open_interest = np.where(fresh_interest, derivatives.open_interest, np.nan)
    # A settlement is an event of the market: its age is counted on the market's own clock.
    settled = now_ms - derivatives.settled_ms <= FUNDING_LIMIT_MS
    inputs.funding_8h = np.where(settled, derivatives.settled_8h, np.nan)
    inputs.funding_3d = np.where(settled, derivatives.funding_sums(), np.nan)
    inputs.premium = np.where(fresh_mark, derivatives.premium, np.nan)
    levels_age = (now_ms - book.levels_received_ms) / 1000 / speed
    fresh_levels = fresh_book & (book.levels_received_ms > 0) & (levels_age <= BOOK_LIMIT_S)
    # An average lives on while its band is out of the book's reach; it is not known then.
    covered = fresh_levels & ~np.isnan(book.imbalance)
    inputs.imbalance = np.where(covered[:3], book.imbalance_fast[:3], np.nan)
    inputs.imbalance_slow = np.where(covered[1], book.imbalance_slow[1], np.nan)
    inputs.flow_10s = np.where(fresh_book, book.flow_10s, np.nan)
    inputs.flow_60s = np.where(fresh_book, book.flow_60s, np.nan)
    inputs.micro = np.where(fresh_book, book.micro, np.nan)
    inputs.spread_bps = np.where(fresh_book, book.spread_bps, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        skew = np.log(book.depth_bid / book.depth_bid_hour) - np.log(
            book.depth_ask / book.depth_ask_hour
        )
    inputs.depth_skew = np.where(fresh_levels & np.isfinite(skew), skew, np.nan)
    if heard:
        inputs.liquidated_5m = liquidations.sums("fast", now_ms)
        inputs.liquidated_15m = liquidations.sums("mid", now_ms)
        inputs.liquidated_day = liquidations.sums("day", now_ms)
    if heat is not None:
        inputs.heat = heat
    return inputs
