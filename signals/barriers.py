"""Which came first: target, stop or time. The only place that decides it.

Labels, settlement and back-test all ask here, so that what the model learns is what the
track record counts. Arrays run over setups, shape (m,); a setup is one plan of one side.

The rule (version 1)
--------------------
* Entry: at the first candle whose range touches the zone; at its open where that lies in the
  zone, else at the edge the price came through.
* 1 R is |reference entry - stop|. Shares 40/30/30 % are closed at the three targets.
* After the first target the stop moves to the entry plus costs, after the second to +1 R.
* Stop and target within one candle: the stop counts, unless finer candles tell.
* A stop is filled at the candle's open where that lies beyond it; a target never better than
  its own price.
* In the candle of an entry away from its open, only the stop counts: what the price did before
  the entry is not known.
* At the time limit the rest is closed at the candle's close.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

RULE_VERSION: Final = 1
SHARES: Final = (0.4, 0.3, 0.3)
TARGETS_R: Final = (1.0, 2.0, 3.0)
STOP_ATR: Final = 1.5
HORIZON: Final = 48
"""Candles of the signal's timeframe until the rest is closed at market."""
ENTRY_SHARE_OF_HORIZON: Final = 8
"""The zone is valid for one eighth of the horizon."""
FEE: Final = 0.0005
"""Taker fee a side, as a fraction of notional."""
SLIPPAGE: Final = 0.0001
"""Least slippage a side."""
COST: Final = FEE + SLIPPAGE

OPEN, BY_TARGETS, BY_STOP, BY_TIME = 0, 1, 2, 3
"""How a setup ended."""


def slippage_of(spread_bps: float | None) -> float:
    """Return the slippage a side: half the spread at issue, 1 bp at least or where it is unknown."""
    return max(SLIPPAGE, (spread_bps or 0.0) / 2 / 1e4)


@dataclass(slots=True)
class LadderState:
    """Setups that have been entered; arrays of shape (m,), `targets` (3, m).

    `gross` is in R, `turnover` is what was traded as a multiple of one entry notional,
    `funding` the rate paid on what was open, each settlement weighted by the open share.
    """

    sign: FloatArray
    entry: FloatArray
    risk: FloatArray
    stop: FloatArray
    targets: FloatArray
    share: FloatArray
    n_hit: IntArray
    gross: FloatArray
    turnover: FloatArray
    funding: FloatArray
    ended: IntArray
    closed_ms: IntArray

    @property
    def is_open(self) -> BoolArray:
        return np.asarray(self.ended == OPEN)

    def net(self, slippage: FloatArray | float = SLIPPAGE) -> FloatArray:
        """Return the result in R after fees, slippage and funding, shape (m,)."""
        per_r = self.entry / self.risk
        return self.gross - (self.turnover * (FEE + slippage) + self.funding) * per_r

    def take(self, picked: IntArray) -> "LadderState":
        """Return a copy of some setups."""
        return LadderState(*(getattr(self, f.name)[..., picked].copy() for f in fields(self)))

    def put(self, picked: IntArray, part: "LadderState") -> None:
        """Write setups taken with `take` back."""
        for f in fields(self):
            getattr(self, f.name)[..., picked] = getattr(part, f.name)


def enter(
    sign: FloatArray,
    entry: FloatArray,
    risk: FloatArray,
    stop: FloatArray,
    targets: FloatArray,
) -> LadderState:
    """Return setups that have just been filled at `entry`."""
    m = sign.size
    return LadderState(
        sign=sign.astype(float),
        entry=entry.astype(float),
        risk=risk.astype(float),
        stop=stop.astype(float).copy(),
        targets=targets.astype(float),
        share=np.ones(m),
        n_hit=np.zeros(m, dtype=np.int64),
        gross=np.zeros(m),
        turnover=np.ones(m),
        funding=np.zeros(m),
        ended=np.zeros(m, dtype=np.int64),
        closed_ms=np.zeros(m, dtype=np.int64),
    )


def touch(
    zone_low: FloatArray,
    zone_high: FloatArray,
    open_: FloatArray,
    high: FloatArray,
    low: FloatArray,
) -> FloatArray:
    """Return the fill price of the zone within a candle, NaN where it was not touched."""
    with np.errstate(invalid="ignore"):
        inside = (open_ >= zone_low) & (open_ <= zone_high)
        from_above = (open_ > zone_high) & (low <= zone_high)
        from_below = (open_ < zone_low) & (high >= zone_low)
    return np.select([inside, from_above, from_below], [open_, zone_high, zone_low], np.nan)


def advance(
    state: LadderState,
    open_: FloatArray,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    at_ms: int | IntArray,
    *,
    stop_only: BoolArray | None = None,
    last: BoolArray | bool = False,
) -> None:
    """Walk open setups through one candle, in place; a candle that is NaN changes nothing.

    Parameters
    ----------
    at_ms : close time of the candle
    stop_only : setups that were entered inside this very candle
    last : setups whose time is up at this candle's close
    """
    known = state.is_open & ~np.isnan(close)
    long = state.sign > 0
    worst = np.where(long, low, high)
    best = np.where(long, high, low)
    stopped = known & (state.sign * (worst - state.stop) <= 0)
    if stopped.any():
        gapped = state.sign * (open_ - state.stop) < 0
        if stop_only is not None:
            gapped &= ~stop_only
        _close_rest(state, stopped, np.where(gapped, open_, state.stop), BY_STOP, at_ms)
    moving = known & ~stopped
    if stop_only is not None:
        moving &= ~stop_only
    for place, share in enumerate(SHARES):
        hit = moving & (state.n_hit == place) & (state.sign * (best - state.targets[place]) >= 0)
        if not hit.any():
            continue
        gain = state.sign * (state.targets[place] - state.entry) / state.risk * share
        state.gross = np.where(hit, state.gross + gain, state.gross)
        traded = share * state.targets[place] / state.entry
        state.turnover = np.where(hit, state.turnover + traded, state.turnover)
        state.share = np.where(hit, state.share - share, state.share)
        state.n_hit = np.where(hit, place + 1, state.n_hit)
        if place == 0:
            state.stop = np.where(hit, break_even(state), state.stop)
        elif place == 1:
            state.stop = np.where(hit, state.entry + state.sign * state.risk, state.stop)
        else:
            state.ended = np.where(hit, BY_TARGETS, state.ended)
            state.closed_ms = np.where(hit, at_ms, state.closed_ms)
    over = state.is_open & known & last
    if np.any(over):
        _close_rest(state, over, close, BY_TIME, at_ms)


def _close_rest(
    state: LadderState, rows: BoolArray, price: FloatArray, how: int, at_ms: int | IntArray
) -> None:
    gain = state.sign * (price - state.entry) / state.risk * state.share
    state.gross = np.where(rows, state.gross + gain, state.gross)
    state.turnover = np.where(
        rows, state.turnover + state.share * price / state.entry, state.turnover
    )
    state.share = np.where(rows, 0.0, state.share)
    state.ended = np.where(rows, how, state.ended)
    state.closed_ms = np.where(rows, at_ms, state.closed_ms)


def is_ambiguous(state: LadderState, high: FloatArray, low: FloatArray) -> BoolArray:
    """Say which open setups reach a target and the stop, or the moved stop, in one candle.

    One candle may pass several targets: the stop it would then return to is that of the last.
    """
    long = state.sign > 0
    worst, best = np.where(long, low, high), np.where(long, high, low)
    with np.errstate(invalid="ignore"):
        reached = (state.sign * (best - state.targets) >= 0).cumprod(axis=0).sum(axis=0)
        moved = np.where(reached < 2, break_even(state), state.entry + state.sign * state.risk)
        returns = (state.sign * (worst - state.stop) <= 0) | (state.sign * (worst - moved) <= 0)
    return np.asarray(state.is_open & (reached > state.n_hit) & returns)


def break_even(state: LadderState) -> FloatArray:
    """Return where the stop stands after the first target: the entry plus both sides' costs."""
    return np.asarray(state.entry * (1 + state.sign * 2 * COST))


def charge_funding(state: LadderState, rate: FloatArray) -> None:
    """Charge a settlement, (m,) rates (0 where there is none), to what is open.

    A position pays or gets it if it was filled before the minute in which it falls due.
    """
    paid = state.sign * rate * state.share
    state.funding = np.where(state.is_open & ~np.isnan(rate), state.funding + paid, state.funding)
