"""How the others follow the leader: beta, lag, and who has not moved yet after a shock.

Columns are symbols, column 0 is the leader (BTC). Returns are of closed one-minute candles; what
is not known is NaN and counts nowhere.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_LAG: Final = 5
SHOCK_MINUTES: Final = 5
SHOCK_SIGMAS: Final = 3.0
FOLLOW_MINUTES: Final = 15
_LEAST_PAIRS: Final = 240
_LAG_MARGIN: Final = 0.03
"""By how much a later minute must be better correlated before it is called a lag."""


@dataclass(frozen=True, slots=True)
class Company:
    """Per symbol, (n,); NaN where fewer than 240 minutes are known in common."""

    beta: FloatArray
    correlation: FloatArray
    lag_minutes: FloatArray
    """Minutes after the leader at which the returns go best together; 0: at once."""


def follow(returns: FloatArray) -> Company:
    """Measure beta, correlation and lag of every symbol against the leader.

    Parameters
    ----------
    returns : (T, n) log returns of one minute, oldest first
    """
    n = returns.shape[1]
    correlation = np.full((MOST_LAG + 1, n), np.nan)
    beta = np.full(n, np.nan)
    for lag in range(MOST_LAG + 1):
        leader = returns[: returns.shape[0] - lag, :1]
        other = returns[lag:]
        both = np.isfinite(leader) & np.isfinite(other)
        count = both.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            x = np.where(both, leader, 0.0)
            y = np.where(both, other, 0.0)
            x = np.where(both, x - x.sum(axis=0) / count, 0.0)
            y = np.where(both, y - y.sum(axis=0) / count, 0.0)
            xy, xx, yy = (x * y).sum(axis=0), (x * x).sum(axis=0), (y * y).sum(axis=0)
            found = xy / np.sqrt(xx * yy)
            correlation[lag] = np.where(count >= _LEAST_PAIRS, found, np.nan)
            if lag == 0:
                beta = np.where(count >= _LEAST_PAIRS, xy / xx, np.nan)
    best = np.nan_to_num(correlation, nan=-2.0).argmax(axis=0)
    gain = correlation[best, np.arange(n)] - correlation[0]
    lag_minutes = np.where(gain > _LAG_MARGIN, best, 0).astype(float)
    lag_minutes[~np.isfinite(correlation[0])] = np.nan
    return Company(beta, correlation[0], lag_minutes)


@dataclass(frozen=True, slots=True)
class Shock:
    """The leader's newest jump, and how each symbol has answered it, (n,)."""

    at: int
    """Place of the minute with which the jump was complete."""
    move: float
    expected: FloatArray
    """Beta times the jump."""
    answered: FloatArray
    """What each has moved since the jump began."""


def shocks(returns: FloatArray) -> IntArray:
    """Return the minutes at which the leader's move of five was beyond three of its deviations.

    One a quarter of an hour: a jump that goes on is the same one.
    """
    leader = np.nan_to_num(returns[:, 0])
    sums = np.concatenate([[0.0], leader.cumsum()])
    moved = np.full(leader.size, np.nan)
    moved[SHOCK_MINUTES - 1 :] = sums[SHOCK_MINUTES:] - sums[:-SHOCK_MINUTES]
    deviation = float(np.nanstd(returns[:, 0]) * np.sqrt(SHOCK_MINUTES))
    if not deviation > 0:
        return np.zeros(0, dtype=np.int64)
    found: list[int] = []
    for at in np.nonzero(np.abs(np.nan_to_num(moved)) > SHOCK_SIGMAS * deviation)[0].tolist():
        if not found or at - found[-1] >= FOLLOW_MINUTES:
            found.append(at)
    return np.array(found, dtype=np.int64)


def answer_to(returns: FloatArray, beta: FloatArray, at: int) -> Shock:
    """Return how far each symbol has followed the jump that was complete at minute `at`."""
    start = max(0, at - SHOCK_MINUTES + 1)
    move = float(np.nansum(returns[start : at + 1, 0]))
    end = min(returns.shape[0], at + 1 + FOLLOW_MINUTES)
    answered = np.nansum(returns[start:end], axis=0)
    unknown = np.isnan(returns[start:end]).all(axis=0)
    return Shock(at, move, beta * move, np.where(unknown, np.nan, answered))


def follow_through(returns: FloatArray, at: IntArray) -> tuple[IntArray, IntArray]:
    """Return (shocks, shocks followed) per symbol, (n,): moved on in the leader's direction.

    Counted are the fifteen minutes after the jump was complete, of jumps that long ago at least.
    """
    n = np.zeros(returns.shape[1], dtype=np.int64)
    followed = np.zeros_like(n)
    for place in at.tolist():
        after = returns[place + 1 : place + 1 + FOLLOW_MINUTES]
        if after.shape[0] < FOLLOW_MINUTES:
            continue
        start = max(0, place - SHOCK_MINUTES + 1)
        sign = np.sign(np.nansum(returns[start : place + 1, 0]))
        known = np.isfinite(after).all(axis=0)
        n += known
        followed += known & (np.nansum(after, axis=0) * sign > 0)
    return n, followed
