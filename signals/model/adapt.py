"""Per-asset weights by empirical Bayes: partial pooling, never separate models.

For each asset a small logistic over the group contributions finds how much each group should
weigh there; what the spread between assets does not support is shrunk to nothing.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_ROUNDS: Final = 4
_LEAST_ROWS: Final = 200
_LEAST_SHARE: Final = 0.02
_LOWEST, _HIGHEST = -1.0, 1.5
_RIDGE: Final = 1e-3


def fit_assets(
    contributions: FloatArray,
    base: float,
    win: FloatArray,
    weight: FloatArray,
    assets: IntArray,
    n_assets: int,
    *,
    overlap: float = 1.0,
) -> tuple[FloatArray, FloatArray]:
    """Return (δ (A, G), bias (A,)).

    Parameters
    ----------
    contributions : (m, G) group sums of the pooled score
    weight : (m,) uniqueness weights, mean 1; rows that overlap count for less
    overlap : rows that tell of the same time; the evidence is worth so many times less
    """
    n_groups = contributions.shape[1]
    estimate = np.zeros((n_assets, n_groups + 1))
    variance = np.full((n_assets, n_groups + 1), np.inf)
    spread = contributions.std(axis=0)
    heard = spread >= _LEAST_SHARE * max(float(contributions.sum(axis=1).std()), 1e-12)
    columns = np.append(heard, True)
    for asset in range(n_assets):
        mine = assets == asset
        if mine.sum() < _LEAST_ROWS:
            continue
        design = np.column_stack([contributions[mine], np.ones(int(mine.sum()))])[:, columns]
        offset = base + contributions[mine].sum(axis=1)
        found, spread_of = _newton(design, offset, win[mine], weight[mine])
        estimate[asset, columns] = found
        variance[asset, columns] = spread_of * overlap
    shrunk = _shrink(estimate, variance)
    return np.clip(shrunk[:, :-1], _LOWEST, _HIGHEST), shrunk[:, -1]


def _newton(
    design: FloatArray, offset: FloatArray, win: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray]:
    theta = np.zeros(design.shape[1])
    ridge = np.eye(design.shape[1]) * _RIDGE * win.size
    information = ridge
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-(offset + design @ theta)))
        slope = design.T @ (weight * (win - p)) - ridge @ theta
        information = (design * (weight * p * (1 - p))[:, None]).T @ design + ridge
        theta = theta + np.linalg.solve(information, slope)
    # Weighted rows carry less than they count: the variance grows by Kish's design effect.
    effect = win.size * float((weight**2).sum()) / max(float(weight.sum()) ** 2, 1e-12)
    return theta, np.diag(np.linalg.inv(information)) * effect


def _shrink(estimate: FloatArray, variance: FloatArray) -> FloatArray:
    out = np.zeros_like(estimate)
    for column in range(estimate.shape[1]):
        known = np.isfinite(variance[:, column])
        if known.sum() < 3:
            continue
        found, spread = estimate[known, column], variance[known, column]
        between = max(0.0, float((found**2 - spread).mean()))
        out[known, column] = found * between / (between + spread)
    return out
