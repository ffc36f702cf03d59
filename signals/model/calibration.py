"""From score to probability: Platt's map on a later slice, and a Venn-Abers interval.

Sources: Platt 1999; Vovk, Petej 2014 (inductive Venn-Abers, arXiv 1211.0025).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

FloatArray = NDArray[np.float64]

GRID: Final = 33
_LEAST_SLOPE: Final = 0.0
PRIOR: Final = 20.0
"""Independent outcomes that the prior of "no skill" is worth."""
LEVEL_PRIOR: Final = 100.0
"""The same for the base rate, which moves with the market's drift more than it can be known."""
_EIGHTY: Final = 1.2816
_FAR: Final = 1e9
_SUPPORT: Final = (0.005, 0.995)


def logistic(x: FloatArray) -> FloatArray:
    """Return 1 / (1 + e^-x)."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -35.0, 35.0))))


@dataclass(frozen=True, slots=True)
class Platt:
    """p = logistic(slope · logit + offset); the slope is never below 0, so order is kept.

    Beyond `lowest` and `highest`, where the calibration sample ends, nothing more is claimed.
    """

    slope: float
    offset: float
    lowest: float = -_FAR
    highest: float = _FAR

    def __call__(self, logit: FloatArray) -> FloatArray:
        seen = np.clip(logit, self.lowest, self.highest)
        return logistic(self.slope * seen + self.offset)


def fit_platt(
    logit: FloatArray,
    win: FloatArray,
    weight: FloatArray | None = None,
    *,
    rate: float = 0.5,
    n_effective: float | None = None,
    prior: float = PRIOR,
) -> Platt:
    """Return the map with the highest likelihood, steadied by a prior of "no skill".

    A model has to earn its confidence: without evidence every score means the base rate.

    Parameters
    ----------
    rate : the base rate that was known before the sample
    n_effective : how many independent outcomes the sample is worth; symbols move together, so
        this is far below its size. The sample counts as so many rows, the prior as `prior`.

    An empty sample gives the base rate.
    """
    known = float(np.log(rate / (1.0 - rate)))
    if not logit.size:
        return Platt(0.0, known)
    w = np.ones_like(logit) if weight is None else weight
    w = w / w.sum() * min(float(logit.size), n_effective or float(logit.size))
    middle = float(np.average(logit, weights=w))
    x = logit - middle
    spread = max(float(np.average(x * x, weights=w)), 1e-9)

    def loss(theta: FloatArray) -> float:
        z = theta[0] * x + theta[1]
        likelihood = float((w * (np.logaddexp(0.0, z) - win * z)).sum())
        # A quarter is the curvature of one outcome at even odds.
        held = prior * spread * theta[0] ** 2 + LEVEL_PRIOR * (theta[1] - known) ** 2
        return likelihood + 0.5 * 0.25 * float(held)

    found = minimize(
        loss, np.array([0.5, known]), method="L-BFGS-B", bounds=[(_LEAST_SLOPE, 3.0), (-4.0, 4.0)]
    )
    slope, level = float(found.x[0]), float(found.x[1])
    lowest, highest = np.quantile(logit, _SUPPORT)
    return Platt(slope, level - slope * middle, float(lowest), float(highest))


def platt_interval(
    platt: Platt,
    logit: FloatArray,
    grid: FloatArray,
    *,
    n_effective: float,
    weight: FloatArray | None = None,
    prior: float = PRIOR,
) -> tuple[FloatArray, FloatArray]:
    """Return the 80 % interval of the map's own uncertainty at each score of `grid`.

    From the curvature of the likelihood at its peak, where the sample counts as `n_effective`
    independent outcomes: few of them make it wide.
    """
    w = np.ones_like(logit) if weight is None else weight
    w = w / w.sum() * min(float(logit.size), n_effective)
    middle = float(np.average(logit, weights=w))
    x = logit - middle
    p = platt(logit)
    curve = w * p * (1.0 - p)
    spread = max(float(np.average(x * x, weights=w)), 1e-9)
    held = 0.25 * prior
    information = np.array(
        [
            [float((curve * x * x).sum()) + held * spread, float((curve * x).sum())],
            [float((curve * x).sum()), float(curve.sum()) + 0.25 * LEVEL_PRIOR],
        ]
    )
    covariance = np.linalg.inv(information)
    at = np.clip(grid, platt.lowest, platt.highest) - middle
    variance = covariance[0, 0] * at * at + 2 * covariance[0, 1] * at + covariance[1, 1]
    half = _EIGHTY * np.sqrt(variance)
    z = platt.slope * (at + middle) + platt.offset
    return logistic(z - half), logistic(z + half)


def venn_abers(
    logit: FloatArray, win: FloatArray, grid: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the lower and upper probability at each score of `grid`, both (GRID,).

    The score is joined to the calibration sample once as a loss and once as a win; isotonic
    regression gives the two ends. The sample should be thinned to outcomes that do not
    overlap, or the interval is too narrow.
    """
    low, high = np.empty(grid.size), np.empty(grid.size)
    for place, score in enumerate(grid):
        scores = np.append(logit, score)
        for outcome, out in ((0.0, low), (1.0, high)):
            fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(
                scores, np.append(win, outcome)
            )
            out[place] = fitted.predict([score])[0]
    return np.maximum.accumulate(low), np.maximum.accumulate(high)
