"""Nearest historical cases: stretches whose course was most like the one that has just ended.

A case is a window of closed candles of any of the symbols given. Its shape is the path of log
prices, less its mean and over its spread, so that a calm and a wild market can be alike; how wild
they were is a part of the distance of its own. Every case ended, and had its outcome, before the
window that is compared began to be the newest: nothing later is ever read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LENGTH: Final = 32
"""Candles that are compared."""
HORIZON: Final = 16
"""Candles after a case in which its outcome is read."""
LEAST_SEARCHED: Final = 200
_WILDNESS: Final = 0.5
"""Weight of a difference in volatility, in log units, beside the distance of the shapes."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: where it ended, how unlike it was, and how it went on."""

    symbol: int
    """Number of the symbol in what was given."""
    at: int
    """Place of its last candle."""
    distance: float
    path: FloatArray
    """Its course and what followed, as fractions of its last close, (LENGTH + HORIZON,)."""
    move: float
    """Log return over the horizon, in units of the window's own volatility over that many candles."""


@dataclass(frozen=True, slots=True)
class Found:
    """The nearest cases and what all that were searched did."""

    cases: tuple[Case, ...]
    n_searched: int
    all_up: int
    """How many of all searched went up over the horizon: what the nearest have to beat."""
    path: FloatArray
    """The course that was compared, (LENGTH,)."""


def nearest(
    closes: FloatArray, symbol: int, last: int, *, k: int = 12, length: int = LENGTH
) -> Found | None:
    """Return the `k` cases nearest to the window that ends with candle `last` of a symbol.

    Parameters
    ----------
    closes : (T, n) prices, NaN where missing; rows after `last` are not looked at
    symbol : column of the window that is compared

    Returns
    -------
    None if the window itself, or at least 200 cases before it, are not whole.
    """
    known = np.log(closes[: last + 1])
    if known.shape[0] < 2 * length + HORIZON:
        return None
    windows = sliding_window_view(known, length, axis=0)  # (starts, n, length)
    asked = windows[-1, symbol]
    if not np.isfinite(asked).all():
        return None
    # A case ends, with its horizon, before the compared window begins.
    usable = windows.shape[0] - length - HORIZON
    cases = windows[:usable]
    ends = np.arange(usable) + length - 1
    after = known[ends + HORIZON]  # (cases, n)
    mean = cases.mean(axis=2, keepdims=True)
    spread = cases.std(axis=2)
    steps = np.diff(cases, axis=2).std(axis=2)
    whole = np.isfinite(mean[..., 0]) & np.isfinite(after) & (spread > 0) & (steps > 0)
    n_searched = int(whole.sum())
    own_steps = float(np.diff(asked).std())
    if n_searched < LEAST_SEARCHED or asked.std() == 0 or own_steps == 0:
        return None
    shape = (asked - asked.mean()) / asked.std()
    with np.errstate(invalid="ignore", divide="ignore"):
        likeness = ((cases - mean) @ shape) / (spread * length)  # correlation of the two courses
        wildness = np.log(steps / own_steps)
        distance = np.sqrt(2 * np.clip(1 - likeness, 0, None) + (_WILDNESS * wildness) ** 2)
        move = after - known[ends]
    distance = np.where(whole, distance, np.inf)
    picked = _apart(distance, k)
    found = tuple(
        Case(
            symbol=column,
            at=int(ends[row]),
            distance=float(distance[row, column]),
            path=np.exp(
                known[ends[row] - length + 1 : ends[row] + HORIZON + 1, column]
                - known[ends[row], column]
            ),
            move=float(move[row, column] / (steps[row, column] * np.sqrt(HORIZON))),
        )
        for row, column in picked
    )
    up = int((move[whole] > 0).sum())
    return Found(found, n_searched, up, np.exp(asked - asked[-1]))


def _apart(distance: FloatArray, k: int) -> Sequence[tuple[int, int]]:
    """Return the places of the `k` smallest, none within a horizon of another of its symbol."""
    order = np.argsort(distance, axis=None, kind="stable")
    picked: list[tuple[int, int]] = []
    for flat in order.tolist():
        row, column = divmod(flat, distance.shape[1])
        if not np.isfinite(distance[row, column]):
            break
        if all(c != column or abs(r - row) >= HORIZON for r, c in picked):
            picked.append((row, column))
            if len(picked) == k:
                break
    return picked
