"""A trained model: scores, probabilities with intervals, and what each factor adds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import Timeframe
from signals.model.calibration import Platt
from signals.model.score import AdditiveScore

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SideModel:
    """One timeframe and side."""

    score: AdditiveScore
    win: Platt
    target_2: Platt
    """Chance of the second target, given the first."""
    target_3: Platt
    """Chance of the third, given the second."""
    grid: FloatArray
    low: FloatArray
    high: FloatArray
    """Venn-Abers ends at the scores of `grid`."""
    base_rate: float
    """Share of wins of all entries with this plan, in what it learned from."""
    win_r: float
    loss_r: float
    """Mean gross result of wins and of losses, R."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Arrays of shape (2, n), long and short; `contributions` (2, n, F) in log-odds.

    logit = base_logit + contributions.sum(-1).
    """

    p_win: FloatArray
    p_low: FloatArray
    p_high: FloatArray
    p_tp2: FloatArray
    p_tp3: FloatArray
    logit: FloatArray
    base_logit: FloatArray
    contributions: FloatArray
    known_share: FloatArray
    """(n,) share of the model's weight whose factors are known."""
    novelty: FloatArray
    """(n,) share of training rows at least as unusual as this one."""


@dataclass(frozen=True)
class Model:
    """All timeframes it speaks on; `card` holds the out-of-sample scores."""

    version: str
    catalogue_hash: str
    assets: tuple[str, ...]
    sides: Mapping[Timeframe, tuple[SideModel, SideModel]]
    unusual: Mapping[Timeframe, FloatArray]
    """Quantiles (101,) of the mean squared column of training rows."""
    card: Mapping[str, Any] = field(default_factory=dict)
    checksum: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", {name: i for i, name in enumerate(self.assets)})

    def asset_places(self, symbols: Sequence[str]) -> NDArray[np.int64]:
        """Return each symbol's place among the known assets, -1 where it is new."""
        places: dict[str, int] = self.__dict__["_places"]
        return np.array([places.get(symbol, -1) for symbol in symbols], dtype=np.int64)

    def speaks(self, timeframe: Timeframe) -> bool:
        return timeframe in self.sides

    def base_rates(self, timeframe: Timeframe) -> FloatArray:
        """Return how often any entry with this plan wins, (2,)."""
        return np.array([side.base_rate for side in self.sides[timeframe]])

    def payoffs(self, timeframe: Timeframe) -> FloatArray:
        """Return mean gross R of wins and of losses, shape (2 sides, 2)."""
        return np.array([[side.win_r, side.loss_r] for side in self.sides[timeframe]])

    def calibrate(self, timeframe: Timeframe, side: int, logit: float) -> float:
        """Return the probability that belongs to a score."""
        return float(self.sides[timeframe][side].win(np.array([logit]))[0])

    def predict(self, timeframe: Timeframe, X: FloatArray, assets: NDArray[np.int64]) -> Prediction:
        """Score the rows of `X` (n, F) on both sides.

        Parameters
        ----------
        assets : (n,) from `asset_places`
        """
        n, size = X.shape
        out = {
            name: np.empty((2, n))
            for name in ("p_win", "p_low", "p_high", "p_tp2", "p_tp3", "logit", "base_logit")
        }
        contributions = np.empty((2, n, size))
        for place, side in enumerate(self.sides[timeframe]):
            logit, base, parts = side.score.score(X, assets)
            p = side.win(logit)
            low = np.interp(logit, side.grid, side.low)
            high = np.interp(logit, side.grid, side.high)
            out["logit"][place], out["base_logit"][place] = logit, base
            out["p_win"][place] = p
            out["p_low"][place] = np.minimum(low, p)
            out["p_high"][place] = np.maximum(high, p)
            out["p_tp2"][place] = side.target_2(logit)
            out["p_tp3"][place] = side.target_3(logit)
            contributions[place] = parts
        known = ~np.isnan(X)
        return Prediction(
            **out,
            contributions=contributions,
            known_share=known @ self._importance(timeframe),
            novelty=self._novelty(timeframe, X),
        )

    def _importance(self, timeframe: Timeframe) -> FloatArray:
        whole = np.sum([side.score.importance() for side in self.sides[timeframe]], axis=0)
        return np.asarray(whole / max(float(whole.sum()), 1e-12))

    def _novelty(self, timeframe: Timeframe, X: FloatArray) -> FloatArray:
        heard = np.any([side.score.importance() > 0 for side in self.sides[timeframe]], axis=0)
        place = np.searchsorted(self.unusual[timeframe], unusualness(X, heard), side="left")
        return np.asarray(1.0 - place / 101.0)


def unusualness(X: FloatArray, heard: NDArray[np.bool_]) -> FloatArray:
    """Return the mean square of the known columns among those a model hears, shape (n,).

    A factor that it has never heard (no history of it) makes no situation strange.
    """
    known = ~np.isnan(X) & heard
    return np.asarray(np.where(known, X * X, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
