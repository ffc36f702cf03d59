"""Fitting one model over all timeframes and sides.

The calibration learns from scores out of fold: each later stretch of time is scored by a model of
what was decided before it, purged by label end, so that no outcome speaks for its own score. The
shrinkage is chosen on those scores as well: nothing after the cut is asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import Timeframe
from signals.features.base import GROUPS
from signals.features.catalogue import CATALOGUE
from signals.features.history import FeatureHistory
from signals.model.adapt import fit_assets
from signals.model.calibration import GRID, Platt, fit_platt, platt_interval, venn_abers
from signals.model.evaluate import log_loss
from signals.model.labels import Labels, uniqueness
from signals.model.learner import (
    Moments,
    Weights,
    columns_of,
    mirrored,
    mirrored_edges,
    refine,
)
from signals.model.model import Model, SideModel, unusualness
from signals.model.predictive import predictive_value
from signals.model.score import AdditiveScore
from signals.model.splits import purged

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FOLDS: Final = 5
FIRST_FOLD: Final = 2
"""Folds of time: each from this one on is scored by a model of the folds before it."""
SHRINKAGES: Final = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
"""C of the logistic to choose from: weak evidence moves little."""
HALF_LIFE_DAYS: Final = 730.0
MOST_ROWS: Final = 30_000
"""Of each side."""
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
    """Flat rows of both sides: factors, outcome, and where they come from."""

    X: FloatArray
    side: IntArray
    win: FloatArray
    gross: FloatArray
    n_hit: FloatArray
    step: IntArray
    asset: IntArray
    at_ms: IntArray
    end_ms: IntArray

    @property
    def n(self) -> int:
        return int(self.win.size)


@dataclass(frozen=True, slots=True)
class _Task:
    """Rows of one timeframe made ready to be learned from."""

    rows: _Rows
    weight: FloatArray
    columns: FloatArray
    used: BoolArray
    """Columns that vary: the rest keep weight 0."""
    edges: FloatArray
    n_assets: int
    rate: float
    """Base rate of both sides: which of them won more often says where the market went, not
    where it goes."""


def train(
    lessons: Mapping[Timeframe, Lesson],
    *,
    version: str,
    before_ms: int,
    card: dict[str, Any] | None = None,
    tell_factors: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Model | None:
    """Fit a model on everything that was decided before `before_ms`.

    Timeframes with too few labels are left out; None if that is all of them.

    Parameters
    ----------
    tell_factors : put what each factor has been worth into the card
    """
    told: dict[str, Any] = {}
    sides: dict[Timeframe, tuple[SideModel, SideModel]] = {}
    unusual: dict[Timeframe, FloatArray] = {}
    assets: tuple[str, ...] = ()
    for done, (timeframe, lesson) in enumerate(lessons.items(), 1):
        assets = lesson.features.symbols
        rows = _rows(lesson, before_ms)
        pair = _fit(rows, lesson, before_ms) if rows.n >= 2 * LEAST_ROWS else None
        if pair is not None:
            heard = (pair[0].score.importance() > 0) | (pair[1].score.importance() > 0)
            sides[timeframe] = pair
            unusual[timeframe] = np.quantile(unusualness(rows.X, heard), np.linspace(0, 1, 101))
            if tell_factors:
                told[timeframe.value] = predictive_value(lesson.features, lesson.labels, before_ms)
        if progress:
            progress(2 * done, 2 * len(lessons))
    if not sides:
        return None
    card = {**(card or {}), **({"predictive_value": told} if tell_factors else {})}
    return Model(version, CATALOGUE.hash, assets, sides, unusual, card)


def _rows(lesson: Lesson, before_ms: int) -> _Rows:
    features, labels = lesson.features, lesson.labels
    at_ms = features.open_ms + features.timeframe.duration_ms
    known = ~np.isnan(labels.win) & purged(at_ms[:, None], labels.end_ms, before_ms)
    # A row without most of its factors teaches only what it is to be without them.
    known &= ~np.isnan(features.X[:, :, CATALOGUE.names.index("mom_16")])
    side, step, asset = np.nonzero(known)
    stride = max(1, -(-step.size // (2 * MOST_ROWS)))
    # Every stride-th candle, each symbol starting elsewhere, so that all hours are seen.
    kept = (step + asset) % stride == 0
    side, step, asset = side[kept], step[kept], asset[kept]
    places = (side, step, asset)
    return _Rows(
        X=features.X[step, asset].astype(np.float64),
        side=side,
        win=labels.win[places],
        gross=labels.gross_r[places],
        n_hit=labels.n_hit[places],
        step=step,
        asset=asset,
        at_ms=at_ms[step],
        end_ms=labels.end_ms[places],
    )


def _weights(rows: _Rows, lesson: Lesson) -> FloatArray:
    """Uniqueness, age, and the crowd of symbols that decide at the same time; mean 1."""
    duration, steps = lesson.features.timeframe.duration_ms, lesson.features.open_ms.size
    end = rows.step + np.maximum(1, (rows.end_ms - rows.at_ms) // duration)
    weight = np.empty(rows.n)
    for side in range(2):
        mine = rows.side == side
        weight[mine] = uniqueness(rows.step[mine], end[mine], rows.asset[mine], steps)
    crowd = np.bincount(rows.step, minlength=steps)[rows.step]
    age_days = (rows.at_ms.max() - rows.at_ms) / _DAY_MS
    weight = weight / np.sqrt(crowd) * 2.0 ** (-age_days / HALF_LIFE_DAYS)
    return np.asarray(weight / weight.mean())


def _fit(rows: _Rows, lesson: Lesson, before_ms: int) -> tuple[SideModel, SideModel] | None:
    folds = np.linspace(int(rows.at_ms.min()), before_ms, FOLDS + 1).astype(np.int64)
    task = _prepare(rows, lesson, int(folds[FIRST_FOLD]))
    if task is None:
        return None
    found = _out_of_fold(task, folds)
    if found is None:
        return None
    logit, shrinkage, moments = found
    weight, judged = task.weight, ~np.isnan(logit)
    before = purged(rows.at_ms, rows.end_ms, int(folds[FIRST_FOLD]))
    worth = _independent(rows, judged)
    win = fit_platt(
        logit[judged], rows.win[judged], weight[judged], rate=task.rate, n_effective=worth
    )
    lowest, highest = np.quantile(logit[judged], (0.001, 0.999))
    grid = np.linspace(float(lowest), float(highest), GRID)
    low, high = _interval(rows, lesson, logit, judged, weight, win, worth, grid)
    start = moments.ridge(rows.n, (shrinkage,))[shrinkage]
    theta = refine(start, task.columns[:, task.used], rows.win, weight, shrinkage)
    scores = _finish(task, theta, np.ones(rows.n, dtype=bool))
    won = rows.win > 0
    told: dict[str, Any] = {
        "win": win,
        "target_2": _next_target(rows, logit, before, judged, 2, worth),
        "target_3": _next_target(rows, logit, before, judged, 3, worth),
        "grid": grid,
        "low": low,
        "high": high,
        "base_rate": task.rate,
        "win_r": float(np.average(rows.gross[won], weights=weight[won])),
        "loss_r": float(np.average(rows.gross[~won], weights=weight[~won])),
    }
    return SideModel(score=scores[0], **told), SideModel(score=scores[1], **told)


def _prepare(rows: _Rows, lesson: Lesson, first_ms: int) -> _Task | None:
    early = purged(rows.at_ms, rows.end_ms, first_ms)
    if early.sum() < LEAST_ROWS or not 0.02 < rows.win[early].mean() < 0.98:
        return None
    X = mirrored(rows.X, rows.side == 1)
    # Hinges sit where the oldest rows put them, so that no fold knows those after it.
    edges = mirrored_edges(X[early])
    columns = columns_of(X, edges)
    weight = _weights(rows, lesson)
    return _Task(
        rows=rows,
        weight=weight,
        columns=columns,
        used=columns[early].std(axis=0) > 1e-9,
        edges=edges,
        n_assets=len(lesson.features.symbols),
        rate=float(np.average(rows.win, weights=weight)),
    )


def _out_of_fold(task: _Task, folds: IntArray) -> tuple[FloatArray, float, Moments] | None:
    """Return scores by models of what was decided before each fold, the shrinkage, all sums.

    NaN in the first folds, which only teach. The shrinkage is the one whose scores, calibrated,
    told the outcomes of the later folds best.
    """
    rows, moments, counted = task.rows, None, np.zeros(task.rows.n, dtype=bool)
    tried: list[dict[float, FloatArray]] = []
    judged_in: list[BoolArray] = []
    for fold in range(FIRST_FOLD, FOLDS):
        begin, end = int(folds[fold]), int(folds[fold + 1])
        teach = purged(rows.at_ms, rows.end_ms, begin)
        moments = _more(task, moments, teach & ~counted)
        counted |= teach
        judged = (rows.at_ms >= begin) & (rows.at_ms < end)
        tried.append(moments.ridge(int(teach.sum()), SHRINKAGES))
        judged_in.append(judged)
    if moments is None or sum(int(judged.sum()) for judged in judged_in) < LEAST_ROWS // 2:
        return None
    best, least = SHRINKAGES[0], np.inf
    every = np.logical_or.reduce(judged_in)
    worth = _independent(rows, every)
    for shrinkage in SHRINKAGES:
        logit = np.full(rows.n, np.nan)
        for thetas, judged in zip(tried, judged_in, strict=True):
            logit[judged] = task.columns[judged][:, task.used] @ thetas[shrinkage]
        curve = fit_platt(
            logit[every], rows.win[every], task.weight[every], rate=task.rate, n_effective=worth
        )
        loss = log_loss(curve(logit[every]), rows.win[every], task.weight[every])
        if loss < least:
            best, least = shrinkage, loss
    logit = np.full(rows.n, np.nan)
    for fold, (thetas, judged) in enumerate(zip(tried, judged_in, strict=True), FIRST_FOLD):
        teach = purged(rows.at_ms, rows.end_ms, int(folds[fold]))
        for side, score in enumerate(_finish(task, thetas[best], teach)):
            mine = judged & (rows.side == side)
            logit[mine] = score.score(rows.X[mine], rows.asset[mine])[0]
    return logit, best, _more(task, moments, ~counted)


def _more(task: _Task, moments: Moments | None, picked: BoolArray) -> Moments:
    new = Moments.of(task.columns[picked][:, task.used], task.rows.win[picked], task.weight[picked])
    return new if moments is None else moments + new


def _finish(
    task: _Task, theta: FloatArray, teach: BoolArray
) -> tuple[AdditiveScore, AdditiveScore]:
    """Return both sides' scores: the weights, centred, and adapted to each asset.

    The score starts from the log-odds of the base rate: the learner's own intercept would set
    scores of one fold against those of another.
    """
    rows, groups = task.rows, CATALOGUE.group_index
    whole = np.zeros(task.columns.shape[1])
    whole[task.used] = theta
    weights = Weights.of(whole, task.edges)
    nothing = np.zeros((task.n_assets, len(GROUPS))), np.zeros(task.n_assets)
    start = float(np.log(task.rate / (1.0 - task.rate)))
    means: list[FloatArray] = []
    by_group = np.zeros((rows.n, len(GROUPS)))
    for side in range(2):
        mine = teach & (rows.side == side)
        plain = weights.score(side, start, np.zeros(CATALOGUE.size), *nothing)
        parts = plain.parts(rows.X[mine])
        mean = np.average(parts, axis=0, weights=task.weight[mine])
        means.append(mean)
        grouped = np.zeros((len(GROUPS), parts.shape[0]))
        np.add.at(grouped, groups, (parts - mean).T)
        by_group[mine] = grouped.T
    # One mean for both, or a factor would say which side the market favoured.
    mean = (means[0] + means[1]) / 2
    delta, bias = fit_assets(
        by_group[teach],
        start,
        rows.win[teach],
        task.weight[teach],
        rows.asset[teach],
        task.n_assets,
        overlap=_overlap(rows, teach),
    )
    return (
        weights.score(0, start, mean, delta, bias),
        weights.score(1, start, mean, delta, bias),
    )


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
    turn, left = np.divmod(rows.at_ms // duration + rows.asset, _THIN_CANDLES)
    # Of each moment one side: the other's outcome is its mirror, not more evidence.
    thin = judged & (left == 0) & ((turn + rows.side) % 2 == 0)
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


def _overlap(rows: _Rows, picked: BoolArray) -> float:
    """Return how many rows tell of the same time: both sides, and labels that live at once."""
    if not picked.any():
        return 1.0
    span = float(rows.at_ms[picked].max() - rows.at_ms[picked].min())
    life = float(np.median(rows.end_ms[picked] - rows.at_ms[picked]))
    lives = float(np.unique(rows.asset[picked]).size) * max(1.0, span / max(life, 1.0))
    return max(1.0, float(picked.sum()) / lives)
