"""What stated chances were worth: scores of whole walk-forwards, with intervals by weeks.

Symbols move together and labels overlap, so ten thousand rows are a hundred independent bets at
most: intervals come from resampling whole weeks, never from the count of rows.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signals.model.evaluate import auc, log_loss

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

WEEK_MS: Final = 7 * 86_400_000
BOOTSTRAPS: Final = 1_000
BINS: Final = 15
CUTS: Final = (0.01, 0.02, 0.05)
LEAST_ROWS: Final = 200
_DIGITS: Final = 5


@dataclass(frozen=True, slots=True)
class Rows:
    """Judged decisions, both sides, arrays (m,): when, by which block, what was stated and came."""

    at_ms: IntArray
    block: IntArray
    step: IntArray
    asset: IntArray
    side: IntArray
    base: FloatArray
    """Base rate that was known at the time, of both sides together."""
    win: FloatArray
    net_r: FloatArray

    def take(self, picked: BoolArray | IntArray) -> "Rows":
        return Rows(*(getattr(self, name)[picked] for name in self.__slots__))


def weekly_interval(
    top: FloatArray, bottom: FloatArray, at_ms: IntArray, *, share: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Return an interval of sum(top) / sum(bottom) by resampling whole weeks."""
    if not top.size:
        return float("nan"), float("nan")
    weeks = np.unique(at_ms // WEEK_MS, return_inverse=True)[1]
    tops, bottoms = np.bincount(weeks, weights=top), np.bincount(weeks, weights=bottom)
    draws = np.random.default_rng(seed).integers(0, tops.size, (BOOTSTRAPS, tops.size))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = tops[draws].sum(axis=1) / bottoms[draws].sum(axis=1)
    tail = (1 - share) / 2
    low, high = np.nanquantile(ratios, (tail, 1 - tail))
    return float(low), float(high)


def expected_error(p: FloatArray, win: FloatArray, bins: int = BINS) -> float:
    """Return the expected calibration error: mean |stated - came| over bins of equal count."""
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return float(
        sum(q.size / p.size * abs(float(p[q].mean() - win[q].mean())) for q in parts if q.size)
    )


def quality(rows: Rows, p: FloatArray) -> dict[str, Any]:
    """Return Brier, its skills, log loss, calibration errors and AUC of stated chances."""
    if rows.win.size < LEAST_ROWS:
        return {"n": int(rows.win.size)}
    own, base = (p - rows.win) ** 2, (rows.base - rows.win) ** 2
    hindsight = (_rate_of_block(rows) - rows.win) ** 2
    low, high = weekly_interval(base - own, base, rows.at_ms)
    out = {
        "n": int(rows.win.size),
        "weeks": int(np.unique(rows.at_ms // WEEK_MS).size),
        "win_rate": float(rows.win.mean()),
        "brier": float(own.mean()),
        "brier_base": float(base.mean()),
        "brier_skill": 1 - float(own.sum() / base.sum()),
        "brier_skill_low": low,
        "brier_skill_high": high,
        "brier_skill_hindsight": 1 - float(own.sum() / hindsight.sum()),
        "log_loss": log_loss(p, rows.win),
        "log_loss_base": log_loss(rows.base, rows.win),
        "ece": expected_error(p, rows.win),
        "ece_by_block": _ece_by_block(rows, p),
        "auc": _auc_within(rows, p, rows.block * 2 + rows.side),
        "auc_pooled": auc(p, rows.win),
        "auc_within_candle": _auc_within(rows, p, rows.step * 2 + rows.side, most=2_000),
    }
    return rounded(out)


def _rate_of_block(rows: Rows) -> FloatArray:
    """Return the win rate that each block and side turned out to have: known only afterwards."""
    cell = rows.block * 2 + rows.side
    counts = np.maximum(np.bincount(cell), 1)
    return np.asarray((np.bincount(cell, weights=rows.win) / counts)[cell])


def _ece_by_block(rows: Rows, p: FloatArray) -> float:
    total = 0.0
    for block in np.unique(rows.block):
        mine = rows.block == block
        total += float(mine.sum()) * expected_error(p[mine], rows.win[mine])
    return total / rows.win.size


def _auc_within(rows: Rows, p: FloatArray, cell: IntArray, most: int = 10_000) -> float:
    """Return the AUC within each cell, averaged by count; at most `most` cells, evenly spread."""
    order = np.argsort(cell, kind="stable")
    parts = np.split(order, np.nonzero(np.diff(cell[order]))[0] + 1)
    total = count = 0.0
    for part in parts[:: max(1, len(parts) // most)]:
        found = auc(p[part], rows.win[part])
        if found == found:
            total += found * part.size
            count += part.size
    return total / count if count else float("nan")


def better_side(rows: Rows, p: FloatArray) -> IntArray:
    """Return the places of each setup's better side: one decision a candle and symbol."""
    key = rows.step * (int(rows.asset.max()) + 1) + rows.asset
    order = np.lexsort((rows.side, -p, key))
    first = np.ones(order.size, dtype=bool)
    first[1:] = key[order][1:] != key[order][:-1]
    return np.asarray(order[first])


def top(rows: Rows, p: FloatArray, share: float) -> IntArray:
    """Return the most confident `share` of each block's decisions (of each, the better side).

    Ties are broken by a fixed shuffle, so that a coarse score does not prefer early candles.
    """
    places = better_side(rows, p)
    shuffle = np.random.default_rng(0).permutation(places.size)
    places = places[shuffle]
    chosen = []
    for block in np.unique(rows.block[places]):
        mine = places[rows.block[places] == block]
        count = max(1, round(share * mine.size))
        chosen.append(mine[np.argsort(-p[mine], kind="stable")[:count]])
    return np.concatenate(chosen) if chosen else np.empty(0, np.int64)


def money(rows: Rows, picked: IntArray, p: FloatArray | None = None) -> dict[str, Any]:
    """Return win rate and net R of chosen decisions, each with its interval."""
    if not picked.size:
        return {"n": 0}
    win, net, at_ms = rows.win[picked], rows.net_r[picked], rows.at_ms[picked]
    ones = np.ones(picked.size)
    win_low, win_high = weekly_interval(win, ones, at_ms)
    low, high = weekly_interval(net, ones, at_ms)
    out: dict[str, Any] = {
        "n": int(picked.size),
        "weeks": int(np.unique(at_ms // WEEK_MS).size),
        "win_rate": float(win.mean()),
        "win_rate_low": win_low,
        "win_rate_high": win_high,
        "net_r": float(net.mean()),
        "net_r_low": low,
        "net_r_high": high,
        "long_share": float((rows.side[picked] == 0).mean()),
    }
    if p is not None:
        out["stated"] = float(p[picked].mean())
    return rounded(out)


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with its floats rounded, and None for what could not be told."""
    return {
        key: (None if value != value else round(value, _DIGITS))
        if isinstance(value, float)
        else value
        for key, value in row.items()
    }
