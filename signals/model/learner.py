"""The regression behind the score: one model of both sides, learned in a mirror.

A short is a long in the mirrored market: every factor that favours one side (`sign` not 0) is
turned for shorts, the others are left, and both sides teach one set of weights. Half the
parameters, and the way the market happened to go teaches nothing.

Columns: slope, two hinges and "missing" of each factor, and each one-sided factor times how the
market moves (`REGIME`), because a trend means another thing in a quiet market than in a wild one.

Source: Hoerl, Kennard 1970 (ridge); its path costs one matrix, so the shrinkage can be chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signals.features.catalogue import CATALOGUE
from signals.model.calibration import logistic
from signals.model.score import AdditiveScore, design, quantile_edges

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ODD: Final = np.array([factor.sign != 0 for factor in CATALOGUE.factors])
"""Factors that the mirror turns."""
REGIME: Final = np.array([CATALOGUE.names.index(n) for n in ("atr_pct", "vol_ratio", "park_cc")])
LINEAR_ONLY: Final = np.isin(np.array(CATALOGUE.groups), ("time",)) | (
    np.array(CATALOGUE.names) == "breadth"
)
"""Market-wide and clock columns: hinges on them would learn dates by heart."""
_ROUNDS: Final = 3


def mirrored(X: FloatArray, short: BoolArray) -> FloatArray:
    """Return the rows as a long sees them: one-sided factors of shorts turned."""
    return np.where(short[:, None] & ODD, -X, X)


def mirrored_edges(X: FloatArray) -> FloatArray:
    """Return where the hinges sit, (2, F); at the same distance on both sides where turned."""
    edges = quantile_edges(X)
    half = (edges[1] - edges[0]) / 2
    return np.where(ODD, np.stack([-half, half]), edges)


def columns_of(X: FloatArray, edges: FloatArray) -> FloatArray:
    """Return the (m, (4 + R) F) columns of mirrored rows."""
    x = np.nan_to_num(X)
    pairs = [np.where(ODD, x * x[:, [place]], 0.0) for place in REGIME]
    plain = design(X, edges)
    size = X.shape[1]
    plain[:, size : 3 * size] *= np.tile(~LINEAR_ONLY, 2)
    return np.concatenate([plain, *pairs], axis=1)


@dataclass(frozen=True, slots=True)
class Moments:
    """Weighted sums of rows; those of a longer time are those of a shorter one and more."""

    total: float
    mean: FloatArray
    """Sums of columns, and of outcomes in the last place."""
    product: FloatArray

    @classmethod
    def of(cls, columns: FloatArray, win: FloatArray, weight: FloatArray) -> "Moments":
        joined = np.column_stack([columns, win])
        weighted = joined * weight[:, None]
        return cls(float(weight.sum()), weighted.sum(axis=0), joined.T @ weighted)

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(
            self.total + other.total, self.mean + other.mean, self.product + other.product
        )

    def ridge(self, n_rows: int, shrinkages: Sequence[float]) -> dict[float, FloatArray]:
        """Return the weights of one Newton step from nothing, as if each row weighed 1.

        One decomposition serves every shrinkage.
        """
        scale = n_rows / self.total
        mean = self.mean / self.total
        centred = scale * (self.product - self.total * np.outer(mean, mean))
        values, vectors = np.linalg.eigh(mean[-1] * (1 - mean[-1]) * centred[:-1, :-1])
        slope = vectors.T @ centred[:-1, -1]
        return {c: vectors @ (slope / (np.maximum(values, 0.0) + 1 / c)) for c in shrinkages}


def refine(
    theta: FloatArray, columns: FloatArray, win: FloatArray, weight: FloatArray, shrinkage: float
) -> FloatArray:
    """Go on to the logistic's own optimum from a ridge start; weights have mean 1."""
    centred = columns - np.average(columns, axis=0, weights=weight)
    rate = float(np.average(win, weights=weight))
    level = float(np.log(rate / (1 - rate)))
    for _ in range(_ROUNDS):
        p = logistic(level + centred @ theta)
        slope = centred.T @ (weight * (win - p)) - theta / shrinkage
        curve = (centred * (weight * p * (1 - p))[:, None]).T @ centred
        theta = theta + np.linalg.solve(curve + np.eye(theta.size) / shrinkage, slope)
        level += float(np.average(win - p, weights=weight)) / (rate * (1 - rate))
    return theta


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned, per factor, as a long sees it."""

    linear: FloatArray
    high: FloatArray
    low: FloatArray
    missing: FloatArray
    pairs: FloatArray
    edges: FloatArray

    @classmethod
    def of(cls, theta: FloatArray, edges: FloatArray) -> "Weights":
        size = edges.shape[1]
        parts = theta.reshape(-1, size)
        return cls(parts[0], parts[1], parts[2], parts[3], parts[4:].T, edges)

    def score(
        self,
        side: int,
        intercept: float,
        mean: FloatArray,
        asset_group: FloatArray,
        asset_bias: FloatArray,
    ) -> AdditiveScore:
        """Return the score of one side over factors as they are."""
        turned = ODD & (side == 1)
        sign = np.where(turned, -1.0, 1.0)
        return AdditiveScore(
            intercept,
            sign * self.linear,
            np.where(turned, self.low, self.high),
            np.where(turned, self.high, self.low),
            self.missing,
            self.edges,
            mean,
            CATALOGUE.group_index,
            asset_group,
            asset_bias,
            sign[:, None] * self.pairs,
            REGIME,
        )
