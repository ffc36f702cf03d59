"""The additive score of one timeframe and side, and its exact parts.

score = b + Σ_j (1 + δ[asset, group(j)]) · (g_j(x_j) − E g_j) + b[asset]
g_j(x) = x·(w1 + Σ_r v_r·z_r) + w2·max(0, x − hi) + w3·max(0, lo − x), or a learned constant where
x is NaN; z_r are the factors that say how the market moves, known ones only.

A shrunk logistic on clipped robust z with two hinges a factor was the best of the learners
tried on weak signals; being a sum, its parts are the explanation, exactly.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AdditiveScore:
    """Weights over F factors, G groups and the assets it knows."""

    intercept: float
    linear: FloatArray
    high: FloatArray
    low: FloatArray
    missing: FloatArray
    """(F,) each: slope, slope above `edges[1]`, slope below `edges[0]`, value where NaN."""
    edges: FloatArray
    """(2, F): the 10 % and 90 % quantiles where the hinges sit."""
    mean: FloatArray
    """(F,) mean of g_j over what it learned from."""
    groups: NDArray[np.int64]
    """(F,) group of each factor."""
    asset_group: FloatArray
    """(A, G) δ: how much more or less a group weighs for an asset than for the market."""
    asset_bias: FloatArray
    """(A,)"""
    pairs: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    """(F, R) how much more or less a factor's slope is where a regime factor stands high."""
    regime: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """(R,) columns of the regime factors."""

    def importance(self) -> FloatArray:
        """Return how much each factor can move the score, (F,); 0 for one it never heard."""
        alone = np.abs(self.linear) + np.abs(self.high) + np.abs(self.low)
        return alone + np.abs(self.pairs).sum(axis=1) if self.pairs.size else alone

    def parts(self, X: FloatArray) -> FloatArray:
        """Return g_j(x_j) - E g_j before adaptation, shape of X (m, F)."""
        unknown = np.isnan(X)
        x = np.where(unknown, 0.0, X)
        out = x * self.linear
        if self.pairs.size:
            out += x * (x[:, self.regime] @ self.pairs.T)
        out += np.maximum(0.0, x - self.edges[1]) * self.high
        out += np.maximum(0.0, self.edges[0] - x) * self.low
        np.copyto(out, np.broadcast_to(self.missing, out.shape), where=unknown)
        out -= self.mean
        return out

    def score(
        self, X: FloatArray, assets: NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return (logit (m,), base logit (m,), contributions (m, F)).

        Parameters
        ----------
        assets : (m,) places in the list of known assets, -1 for one it has never seen
        """
        out = self.parts(X)
        known = assets >= 0
        place = np.where(known, assets, 0)
        factor = 1.0 + np.where(known[:, None], self.asset_group[place], 0.0)
        out *= factor[:, self.groups]
        base = self.intercept + np.where(known, self.asset_bias[place], 0.0)
        return base + out.sum(axis=1), base, out


def design(X: FloatArray, edges: FloatArray) -> FloatArray:
    """Return the (m, 4F) columns a logistic learns from: slope, two hinges, missing."""
    unknown = np.isnan(X)
    x = np.where(unknown, 0.0, X)
    above = np.where(unknown, 0.0, np.maximum(0.0, x - edges[1]))
    below = np.where(unknown, 0.0, np.maximum(0.0, edges[0] - x))
    return np.concatenate([x, above, below, unknown.astype(float)], axis=1)


def quantile_edges(X: FloatArray) -> FloatArray:
    """Return the 10 % and 90 % quantiles of each column, (2, F); 0 where nothing is known."""
    out = np.zeros((2, X.shape[1]))
    for column in range(X.shape[1]):
        known = X[:, column][~np.isnan(X[:, column])]
        if known.size >= 20:
            out[:, column] = np.quantile(known, (0.1, 0.9))
    return out
