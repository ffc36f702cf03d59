"""Fitting one model over all timeframes and sides.

The calibration learns from scores out of fold: each later stretch of time is scored by a model of
what was decided before it, purged by label end, so that no outcome speaks for its own score.
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
from signals.model.calibration import GRID, Platt, fit_platt, platt_interval, venn_abers
from signals.model.labels import Labels, uniqueness
from signals.model.model import Model, SideModel, unusualness
from signals.model.score import AdditiveScore, design, quantile_edges
from signals.model.splits import purged

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FOLDS: Final = 5
FIRST_FOLD: Final = 2
"""Folds of time: each from this one on is scored by a model of the folds before it."""
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
        both = [_rows(lesson, side, before_ms) for side in range(2)]
        # Which side the market has favoured so far says nothing of which it will favour.
        rate = float(np.mean([rows.win.mean() if rows.win.size else 0.5 for rows in both]))
        for rows in both:
            enough = rows.win.size >= LEAST_ROWS
            fitted = _fit_side(rows, lesson, before_ms, rate) if enough else None
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


def _fit_side(rows: _Rows, lesson: Lesson, before_ms: int, rate: float) -> SideModel | None:
    weight = _weights(rows, lesson)
    n_assets = len(lesson.features.symbols)
    first = int(rows.at_ms.min())
    edges = np.linspace(first, before_ms, FOLDS + 1).astype(np.int64)
    logit = _out_of_fold(rows, weight, edges, n_assets, rate)
    judged = ~np.isnan(logit)
    known = purged(rows.at_ms, rows.end_ms, before_ms)
    if judged.sum() < LEAST_ROWS // 4 or not 0.02 < rows.win[known].mean() < 0.98:
        return None
    before = purged(rows.at_ms, rows.end_ms, int(edges[FIRST_FOLD]))
    worth = _independent(rows, judged)
    win = fit_platt(logit[judged], rows.win[judged], weight[judged], rate=rate, n_effective=worth)
    lowest, highest = np.quantile(logit[judged], (0.001, 0.999))
    grid = np.linspace(float(lowest), float(highest), GRID)
    low, high = _interval(rows, lesson, logit, judged, weight, win, worth, grid)
    won = rows.win > 0
    return SideModel(
        score=_fit_score(rows, known, weight, n_assets, rate),
        win=win,
        target_2=_next_target(rows, logit, before, judged, 2, worth),
        target_3=_next_target(rows, logit, before, judged, 3, worth),
        grid=grid,
        low=low,
        high=high,
        base_rate=float(np.average(rows.win, weights=weight)),
        win_r=float(np.average(rows.gross[won], weights=weight[won])),
        loss_r=float(np.average(rows.gross[~won], weights=weight[~won])),
    )


def _out_of_fold(
    rows: _Rows, weight: FloatArray, edges: IntArray, n_assets: int, rate: float
) -> FloatArray:
    """Return each row's score by a model that learned from what was decided before its fold.

    NaN in the first folds, which only teach.
    """
    out = np.full(rows.win.size, np.nan)
    for fold in range(FIRST_FOLD, FOLDS):
        begin, end = int(edges[fold]), int(edges[fold + 1])
        teach = purged(rows.at_ms, rows.end_ms, begin)
        judged = (rows.at_ms >= begin) & (rows.at_ms < end)
        if teach.sum() < LEAST_ROWS // 2 or not 0.02 < rows.win[teach].mean() < 0.98:
            continue
        score = _fit_score(rows, teach, weight, n_assets, rate)
        out[judged] = score.score(rows.X[judged], rows.asset[judged])[0]
    return out


def _interval(
    rows: _Rows,
    lesson: Lesson,
    logit: FloatArray,
    judged: BoolArray,
    weight: FloatArray,
    win: Platt,
    worth: float,
    grid: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return the chance's lower and upper end at each score: the wider of both ways to tell it."""
    duration = lesson.features.timeframe.duration_ms
    thin = judged & ((rows.at_ms // duration + rows.asset) % _THIN_CANDLES == 0)
    if thin.sum() < 100:
        thin = judged
    low, high = venn_abers(logit[thin], rows.win[thin], grid)
    own_low, own_high = platt_interval(
        win, logit[judged], grid, n_effective=worth, weight=weight[judged]
    )
    return (
        np.maximum.accumulate(np.minimum(low, own_low)),
        np.maximum.accumulate(np.maximum(high, own_high)),
    )


def _next_target(
    rows: _Rows, logit: FloatArray, before: BoolArray, judged: BoolArray, target: int, worth: float
) -> Platt:
    """Return the chance of a target, given the one before it."""
    reached = rows.n_hit >= target - 1
    won = (rows.n_hit >= target).astype(float)
    known = won[before & reached]
    # One success and one failure more than seen keep the rate away from 0 and 1.
    rate = (float(known.sum()) + 1.0) / (known.size + 2.0)
    chosen = judged & reached
    return fit_platt(logit[chosen], won[chosen], rate=rate, n_effective=worth)


def _fit_score(
    rows: _Rows, teach: BoolArray, weight: FloatArray, n_assets: int, rate: float
) -> AdditiveScore:
    """Fit the weights; the score starts from the log-odds of `rate`.

    The learner's own intercept is the base rate of its rows, which is where the market happened
    to go: it would set scores of one fold against those of another.
    """
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
    start = float(np.log(rate / (1.0 - rate)))
    return AdditiveScore(start, linear, high, low, missing, edges, mean, groups, delta, bias)


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
