"""Fitting one model over all timeframes and sides.

The rows before the last fifth of the time teach the weights, the last fifth, purged by label
end, teaches the calibration: no row does both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from cryptosystems.kernel.timeframes import Timeframe
from signals.features.base import GROUPS
from signals.features.catalogue import CATALOGUE
from signals.features.history import FeatureHistory
from signals.model.adapt import fit_assets
from signals.model.calibration import GRID, Platt, fit_platt, venn_abers
from signals.model.labels import Labels, uniqueness
from signals.model.model import Model, SideModel, unusualness
from signals.model.score import AdditiveScore, design, quantile_edges
from signals.model.splits import purged

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

CALIBRATION_SHARE: Final = 0.2
SHRINKAGE: Final = 0.002
"""C of the logistic: weak evidence moves little."""
HALF_LIFE_DAYS: Final = 180.0
MOST_ROWS: Final = 30_000
LEAST_ROWS: Final = 1_500
_THIN_CANDLES: Final = 12
_CORRELATION: Final = 0.6
"""Of hourly returns to BTC, the median measured over perpetuals."""
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Lesson:
    """One timeframe's factors and their labels."""

    features: FeatureHistory
    labels: Labels


@dataclass(frozen=True, slots=True)
class _Rows:
    """Flat rows of one side: factors, outcome, and where they come from."""

    X: FloatArray
    win: FloatArray
    gross: FloatArray
    n_hit: FloatArray
    step: IntArray
    asset: IntArray
    at_ms: IntArray
    end_ms: IntArray


def train(
    lessons: Mapping[Timeframe, Lesson],
    *,
    version: str,
    before_ms: int,
    card: dict[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Model | None:
    """Fit a model on everything that was decided before `before_ms`.

    Timeframes with too few labels are left out; None if that is all of them.
    """
    sides: dict[Timeframe, tuple[SideModel, SideModel]] = {}
    unusual: dict[Timeframe, FloatArray] = {}
    assets: tuple[str, ...] = ()
    done = 0
    for timeframe, lesson in lessons.items():
        assets = lesson.features.symbols
        pair: list[SideModel] = []
        for side in range(2):
            rows = _rows(lesson, side, before_ms)
            fitted = _fit_side(rows, lesson, before_ms) if rows.win.size >= LEAST_ROWS else None
            done += 1
            if progress:
                progress(done, 2 * len(lessons))
            if fitted is None:
                break
            pair.append(fitted)
        if len(pair) == 2:
            heard = (pair[0].score.importance() > 0) | (pair[1].score.importance() > 0)
            sides[timeframe] = (pair[0], pair[1])
            unusual[timeframe] = np.quantile(unusualness(rows.X, heard), np.linspace(0, 1, 101))
    if not sides:
        return None
    return Model(version, CATALOGUE.hash, assets, sides, unusual, card or {})


def _rows(lesson: Lesson, side: int, before_ms: int) -> _Rows:
    features, labels = lesson.features, lesson.labels
    at_ms = features.open_ms + features.timeframe.duration_ms
    win = labels.win[side]
    known = ~np.isnan(win) & purged(at_ms[:, None], labels.end_ms[side], before_ms)
    # A row without most of its factors teaches only what it is to be without them.
    known &= ~np.isnan(features.X[:, :, CATALOGUE.names.index("mom_16")])
    step, asset = np.nonzero(known)
    stride = max(1, -(-step.size // MOST_ROWS))
    # Every stride-th candle, each symbol starting elsewhere, so that all hours are seen.
    kept = (step + asset) % stride == 0
    step, asset = step[kept], asset[kept]
    return _Rows(
        X=features.X[step, asset].astype(np.float64),
        win=win[step, asset],
        gross=labels.gross_r[side, step, asset],
        n_hit=labels.n_hit[side, step, asset],
        step=step,
        asset=asset,
        at_ms=at_ms[step],
        end_ms=labels.end_ms[side, step, asset],
    )


def _weights(rows: _Rows, lesson: Lesson) -> FloatArray:
    """Uniqueness, age, and the crowd of symbols that decide at the same time; mean 1."""
    duration = lesson.features.timeframe.duration_ms
    end = rows.step + np.maximum(1, (rows.end_ms - rows.at_ms) // duration)
    weight = uniqueness(rows.step, end, rows.asset, lesson.features.open_ms.size)
    age_days = (rows.at_ms.max() - rows.at_ms) / _DAY_MS
    weight = weight * 2.0 ** (-age_days / HALF_LIFE_DAYS)
    return np.asarray(weight / weight.mean())


def _fit_side(rows: _Rows, lesson: Lesson, before_ms: int) -> SideModel | None:
    first = int(rows.at_ms.min())
    edge_ms = before_ms - int((before_ms - first) * CALIBRATION_SHARE)
    teach = purged(rows.at_ms, rows.end_ms, edge_ms)
    later = rows.at_ms >= edge_ms
    if teach.sum() < LEAST_ROWS // 2 or later.sum() < LEAST_ROWS // 8:
        return None
    if not 0.02 < rows.win[teach].mean() < 0.98:
        return None
    weight = _weights(rows, lesson)
    score = _fit_score(rows, teach, weight, len(lesson.features.symbols))
    logit = score.score(rows.X, rows.asset)[0]
    duration = lesson.features.timeframe.duration_ms
    thin = later & ((rows.at_ms // duration + rows.asset) % _THIN_CANDLES == 0)
    if thin.sum() < 100:
        thin = later
    worth = _independent(rows, later)
    rate = float(np.average(rows.win[teach], weights=weight[teach]))
    win = fit_platt(logit[later], rows.win[later], weight[later], rate=rate, n_effective=worth)
    low_end, high_end = np.quantile(logit, (0.001, 0.999))
    grid = np.linspace(low_end, high_end, GRID)
    low, high = venn_abers(logit[thin], rows.win[thin], grid)
    won = rows.win > 0
    return SideModel(
        score=score,
        win=win,
        target_2=_next_target(rows, logit, teach, later, 2, worth),
        target_3=_next_target(rows, logit, teach, later, 3, worth),
        grid=grid,
        low=low,
        high=high,
        base_rate=float(np.average(rows.win, weights=weight)),
        win_r=float(np.average(rows.gross[won], weights=weight[won])),
        loss_r=float(np.average(rows.gross[~won], weights=weight[~won])),
    )


def _next_target(
    rows: _Rows, logit: FloatArray, teach: BoolArray, later: BoolArray, target: int, worth: float
) -> Platt:
    """Return the chance of a target, given the one before it."""
    before = rows.n_hit >= target - 1
    won = (rows.n_hit >= target).astype(float)
    known = won[teach & before]
    # One success and one failure more than seen keep the rate away from 0 and 1.
    rate = (float(known.sum()) + 1.0) / (known.size + 2.0)
    chosen = later & before
    return fit_platt(logit[chosen], won[chosen], rate=rate, n_effective=worth)


def _fit_score(rows: _Rows, teach: BoolArray, weight: FloatArray, n_assets: int) -> AdditiveScore:
    X, win, w = rows.X[teach], rows.win[teach], weight[teach]
    edges = quantile_edges(X)
    columns = design(X, edges)
    used = columns.std(axis=0) > 1e-9
    # Market-wide and clock columns enter linearly: hinges on them would learn dates by heart.
    linear_only = np.isin(np.array(CATALOGUE.groups), ("time",)) | (
        np.array(CATALOGUE.names) == "breadth"
    )
    size = CATALOGUE.size
    used[size : 2 * size] &= ~linear_only
    used[2 * size : 3 * size] &= ~linear_only
    learner = LogisticRegression(C=SHRINKAGE, solver="lbfgs", max_iter=60, tol=1e-3)
    learner.fit(columns[:, used], win, sample_weight=w)
    weights = np.zeros(columns.shape[1])
    weights[used] = learner.coef_[0]
    linear, high, low, missing = (weights[k * size : (k + 1) * size] for k in range(4))
    groups = CATALOGUE.group_index
    nothing = np.zeros((n_assets, len(GROUPS)))
    plain = AdditiveScore(
        float(learner.intercept_[0]),
        linear,
        high,
        low,
        missing,
        edges,
        np.zeros(size),
        groups,
        nothing,
        np.zeros(n_assets),
    )
    parts = plain.parts(X)
    mean = np.average(parts, axis=0, weights=w)
    base = plain.intercept + float(mean.sum())
    by_group = np.zeros((X.shape[0], len(GROUPS)))
    np.add.at(by_group.T, groups, (parts - mean).T)
    delta, bias = fit_assets(by_group, base, win, w, rows.asset[teach], n_assets)
    return AdditiveScore(base, linear, high, low, missing, edges, mean, groups, delta, bias)


def _independent(rows: _Rows, picked: BoolArray) -> float:
    """Return how many independent outcomes the picked rows are worth.

    Lives of labels that follow each other, times what n symbols with one common correlation
    are worth: n / (1 + (n - 1) ρ).
    """
    n = float(np.unique(rows.asset[picked]).size)
    crowd = n / (1.0 + (n - 1.0) * _CORRELATION)
    span = float(rows.at_ms[picked].max() - rows.at_ms[picked].min())
    life = float(np.median(rows.end_ms[picked] - rows.at_ms[picked]))
    return crowd * max(1.0, span / max(life, 1.0))
