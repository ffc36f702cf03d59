"""Scores of probabilities against outcomes; every figure says what it is."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_DAY_MS: Final = 86_400_000
_BOOTSTRAPS: Final = 200


def auc(score: FloatArray, win: FloatArray) -> float:
    """Return the chance that a win scores above a loss, ties half; NaN without both."""
    wins = int(win.sum())
    losses = win.size - wins
    if not wins or not losses:
        return float("nan")
    order = np.argsort(score, kind="stable")
    ranks = np.empty(score.size)
    ranks[order] = np.arange(1, score.size + 1)
    values, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    if values.size < score.size:
        sums = np.zeros(values.size)
        np.add.at(sums, inverse, ranks)
        ranks = (sums / counts)[inverse]
    return float((ranks[win > 0].sum() - wins * (wins + 1) / 2) / (wins * losses))


def brier(p: FloatArray, win: FloatArray) -> float:
    """Return the mean squared distance of stated chance and outcome."""
    return float(((p - win) ** 2).mean())


def log_loss(p: FloatArray, win: FloatArray, weight: FloatArray | None = None) -> float:
    """Return the mean negative log likelihood, nats."""
    q = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-np.average(win * np.log(q) + (1 - win) * np.log(1 - q), weights=weight))


def calibration_error(p: FloatArray, win: FloatArray, bins: int = 10) -> float:
    """Return the debiased L2 calibration error over equal-mass bins (Kumar, Liang, Ma 2019)."""
    order = np.argsort(p, kind="stable")
    total = 0.0
    for part in np.array_split(order, bins):
        if part.size < 2:
            continue
        rate = float(win[part].mean())
        noise = rate * (1 - rate) / (part.size - 1)
        total += part.size / p.size * ((float(p[part].mean()) - rate) ** 2 - noise)
    return float(max(total, 0.0) ** 0.5)


def report(
    p: FloatArray, base: FloatArray, win: FloatArray, net_r: FloatArray, at_ms: IntArray
) -> dict[str, float | int]:
    """Return the out-of-sample scores of one timeframe and side.

    Parameters
    ----------
    base : the base rate known at the time of each decision: what skill is measured against
    """
    known = ~np.isnan(win) & ~np.isnan(p)
    p, base, win, net_r, at_ms = p[known], base[known], win[known], net_r[known], at_ms[known]
    if win.size < 50:
        return {"n": int(win.size)}
    best = p >= np.quantile(p, 0.95)
    low, high = day_bootstrap(net_r[best], at_ms[best])
    return {
        "n": int(win.size),
        "win_rate": round(float(win.mean()), 4),
        "auc": round(_auc_by_model(p, base, win), 4),
        "brier": round(brier(p, win), 5),
        "brier_skill": round(1 - brier(p, win) / brier(base, win), 5),
        "log_loss": round(log_loss(p, win), 5),
        "calibration_error": round(calibration_error(p, win), 4),
        "mean_r": round(float(net_r.mean()), 4),
        "top_5pct_win_rate": round(float(win[best].mean()), 4),
        "top_5pct_mean_r": round(float(net_r[best].mean()), 4),
        "top_5pct_mean_r_low": round(low, 4),
        "top_5pct_mean_r_high": round(high, 4),
    }


def _auc_by_model(p: FloatArray, base: FloatArray, win: FloatArray) -> float:
    """Return the AUC within what one model judged (one base rate), averaged by count.

    Models of later blocks state other levels; across them a rank compares blocks, not setups.
    """
    total = count = 0.0
    for rate in np.unique(base):
        mine = base == rate
        found = auc(p[mine], win[mine])
        if found == found:
            total += found * float(mine.sum())
            count += float(mine.sum())
    return total / count if count else float("nan")


def day_bootstrap(
    values: FloatArray, at_ms: IntArray, share: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Return an interval of the mean by resampling whole days: signals of a day move together."""
    if not values.size:
        return float("nan"), float("nan")
    days = np.unique(at_ms // _DAY_MS, return_inverse=True)[1]
    sums = np.bincount(days, weights=values)
    counts = np.bincount(days)
    draws = np.random.default_rng(seed).integers(0, sums.size, (_BOOTSTRAPS, sums.size))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    tail = (1 - share) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return float(low), float(high)


def wilson(wins: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's interval of a rate; (0, 1) without any."""
    if n == 0:
        return 0.0, 1.0
    rate = wins / n
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (rate * (1 - rate) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
