"""How much of a good result is the choosing: deflated Sharpe ratio, probability of overfitting.

Sources: Bailey, López de Prado 2014 (deflated Sharpe ratio); Bailey, Borwein, López de Prado, Zhu
2017 (probability of backtest overfitting by combinatorially symmetric cross-validation).
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kurtosis, norm, rankdata, skew

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DAY_MS: Final = 86_400_000
BLOCKS: Final = 16
LEAST_DAYS: Final = 64
DESIGN_TRIALS: Final = 40
"""Learners and settings that were compared while this one was designed, on quarters before 2023."""
_EULER: Final = 0.5772156649


def daily(net_r: FloatArray, at_ms: IntArray, days: IntArray) -> FloatArray:
    """Return the mean net R of each of `days` (days since the epoch), 0 where nothing was taken."""
    place = np.searchsorted(days, at_ms // DAY_MS)
    count = np.bincount(place, minlength=days.size)
    return np.asarray(np.bincount(place, weights=net_r, minlength=days.size) / np.maximum(count, 1))


def sharpe(series: FloatArray) -> FloatArray:
    """Return mean over deviation of each column of (T, N), per day; 0 where nothing varies."""
    deviation = series.std(axis=0, ddof=1)
    return np.asarray(
        np.where(deviation > 0, series.mean(axis=0) / np.maximum(deviation, 1e-12), 0)
    )


def deflated_sharpe(series: FloatArray, spread: float, trials: int) -> float:
    """Return the chance that the true Sharpe ratio is above what the best of `trials` would show
    without any skill.

    Parameters
    ----------
    series : (T,) daily results
    spread : standard deviation of the trials' daily Sharpe ratios
    """
    own = float(sharpe(series[:, None])[0])
    n = max(2, trials)
    tail = float(norm.ppf(1 - 1 / n)) * (1 - _EULER) + float(norm.ppf(1 - 1 / (n * np.e))) * _EULER
    lean, heavy = float(skew(series)), float(kurtosis(series, fisher=False))
    width = max(1e-12, 1 - lean * own + (heavy - 1) / 4 * own**2)
    return float(norm.cdf((own - spread * tail) * (series.size - 1) ** 0.5 / width**0.5))


def probability_of_overfitting(series: FloatArray, blocks: int = BLOCKS) -> float:
    """Return how often the best of one half of the blocks is below the median in the other half.

    Parameters
    ----------
    series : (T, N) daily results of N ways to choose; all halvings of the blocks are gone through
    """
    parts = np.array_split(series, blocks)
    count = np.array([part.shape[0] for part in parts], dtype=float)
    total = np.stack([part.sum(axis=0) for part in parts])
    square = np.stack([(part**2).sum(axis=0) for part in parts])
    halves = list(combinations(range(blocks), blocks // 2))
    chosen = np.zeros((len(halves), blocks))
    chosen[np.arange(len(halves))[:, None], np.array(halves)] = 1.0

    def ratio(half: FloatArray) -> FloatArray:
        n = (half @ count)[:, None]
        mean = half @ total / n
        variance = np.maximum(half @ square / n - mean**2, 1e-18)
        return np.asarray(mean / np.sqrt(variance))

    best = ratio(chosen).argmax(axis=1)
    ranks = rankdata(ratio(1 - chosen), axis=1)[np.arange(len(halves)), best]
    # A relative rank of a half or less: no better than picking blindly.
    return float((ranks / (series.shape[1] + 1) <= 0.5).mean())


def overfitting(ways: Mapping[str, tuple[FloatArray, IntArray]], own: str) -> dict[str, Any]:
    """Return what is left of one way to choose after all that was tried.

    Parameters
    ----------
    ways : net R and times of what each way took
    own : the way that is judged
    """
    taken = {name: pair for name, pair in ways.items() if pair[0].size}
    if own not in taken or len(taken) < 3:
        return {}
    every = np.concatenate([at_ms for _, at_ms in taken.values()]) // DAY_MS
    days = np.arange(every.min(), every.max() + 1)
    if days.size < LEAST_DAYS:
        return {}
    series = np.stack([daily(net_r, at_ms, days) for net_r, at_ms in taken.values()], axis=1)
    place = list(taken).index(own)
    spread = float(sharpe(series).std(ddof=1))
    trials = len(taken) + DESIGN_TRIALS
    return {
        "days": int(days.size),
        "trials": trials,
        "sharpe_daily": round(float(sharpe(series)[place]), 5),
        "deflated_sharpe": round(deflated_sharpe(series[:, place], spread, trials), 4),
        "probability_of_overfitting": round(probability_of_overfitting(series), 4),
    }
