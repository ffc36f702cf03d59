"""What a model is measured against, on the same candles, labels and costs.

Each rival states a chance for every decision and says which it would have traded; what it must
learn it learns from decisions before the window, purged like the model's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from signals.backtest.generic import generic_columns
from signals.features.catalogue import CATALOGUE
from signals.model.calibration import fit_platt
from signals.model.splits import Window, purged
from signals.model.train import Lesson

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

LEAST_ROWS: Final = 1_500
MOST_ROWS: Final = 30_000
ROUNDS: Final = 200
"""Trees of the boosting baseline."""
YEAR_MS: Final = 365 * 86_400_000
RANDOM_SHARE: Final = 0.05
STRONG_SIGMA: Final = 2.0
_SIGNS: Final = (1.0, -1.0)


@dataclass(frozen=True, slots=True)
class Rival:
    """Arrays of shape (2, T, n): chance stated, what orders its decisions, and what it trades."""

    name: str
    title: str
    p: FloatArray
    score: FloatArray
    traded: BoolArray


def make_rivals(
    lesson: Lesson,
    base: FloatArray,
    windows: Sequence[Window],
    *,
    embargo_ms: int,
    break_even: FloatArray,
) -> list[Rival]:
    """Return every rival over the judged candles.

    Parameters
    ----------
    base : (2, T, n) base rates known at the time, NaN where nothing was judged
    break_even : (2, T, n) chance at which the plan neither gains nor loses
    """
    judged = ~np.isnan(base)
    rng = np.random.default_rng(7)
    dice = rng.random(base.shape)
    sides = np.zeros(base.shape, dtype=bool)
    sides[0] = True
    chosen = judged & (dice < RANDOM_SHARE / 2)
    votes = _votes(lesson)
    moved = _reading(lesson, "mom_16")
    out = [
        Rival("random", "Random entry, same plan", base, dice, chosen),
        Rival("always_long", "Always long, same plan", base, sides + dice / 1e3, judged & sides),
    ]
    for name, title, score, limit in (
        ("three_indicators", "RSI, MACD and moving average agree", votes, 3.0),
        ("momentum", "Momentum, 16 candles", moved, STRONG_SIGMA),
    ):
        signed = np.stack([score, -score])
        p = _walked(lesson, windows, embargo_ms, base, _platt_on(signed))
        with np.errstate(invalid="ignore"):
            traded = judged & (signed >= limit)
        out.append(Rival(name, title, p, np.nan_to_num(signed, nan=-9.0), traded))
    p = _walked(lesson, windows, embargo_ms, base, _boosting_on(lesson))
    with np.errstate(invalid="ignore"):
        traded = judged & (p >= break_even)
    out.append(Rival("freqai_like", "FreqAI-like gradient boosting", p, p, traded))
    return out


def _reading(lesson: Lesson, name: str) -> FloatArray:
    readings = lesson.features.readings
    if readings is None:
        raise ValueError("rivals read the factors in their own units: keep the readings")
    return readings[:, :, CATALOGUE.names.index(name)].astype(np.float64)


def _votes(lesson: Lesson) -> FloatArray:
    """Return how many of RSI 14, the MACD histogram and EMA 12 over 48 point up, less down."""
    rsi, macd, average = (_reading(lesson, name) for name in ("rsi_14", "macd", "ema_spread"))
    centre = CATALOGUE["rsi_14"].centre
    return np.asarray(np.sign(rsi - centre) + np.sign(macd) + np.sign(average))


Fit = Callable[[int, NDArray[np.int64], NDArray[np.int64], FloatArray], Callable[..., FloatArray]]
"""(side, steps, assets, wins) to a function of (steps, assets) that states chances."""


def _walked(
    lesson: Lesson, windows: Sequence[Window], embargo_ms: int, base: FloatArray, fit: Fit
) -> FloatArray:
    """Return what a learner states in each window, fitted on what was decided in the year before."""
    features, labels = lesson.features, lesson.labels
    at_ms = features.open_ms + features.timeframe.duration_ms
    out = base.copy()
    for window in windows:
        before_ms = window.test_from_ms - embargo_ms
        inside = (at_ms > window.test_from_ms) & (at_ms <= window.test_to_ms)
        for side in range(2):
            known = ~np.isnan(labels.win[side]) & (at_ms[:, None] >= before_ms - YEAR_MS)
            known &= purged(at_ms[:, None], labels.end_ms[side], before_ms)
            step, asset = np.nonzero(known)
            if step.size < LEAST_ROWS:
                continue
            stride = -(-step.size // MOST_ROWS)
            kept = (step + asset) % stride == 0
            step, asset = step[kept], asset[kept]
            state = fit(side, step, asset, labels.win[side, step, asset])
            places = np.nonzero(inside[:, None] & ~np.isnan(base[side]))
            if places[0].size:
                out[side][places] = state(*places)
    return out


def _platt_on(signed: FloatArray) -> Fit:
    def fit(
        side: int, step: NDArray[np.int64], asset: NDArray[np.int64], win: FloatArray
    ) -> Callable[..., FloatArray]:
        score = np.nan_to_num(signed[side])
        rate = float(win.mean())
        curve = fit_platt(score[step, asset], win, rate=min(0.98, max(0.02, rate)))
        return lambda steps, assets: curve(score[steps, assets])

    return fit


def _boosting_on(lesson: Lesson) -> Fit:
    """Gradient boosting with usual settings over generic columns, one pooled model a side."""
    columns = generic_columns(lesson.features.history)

    def fit(
        side: int, step: NDArray[np.int64], asset: NDArray[np.int64], win: FloatArray
    ) -> Callable[..., FloatArray]:
        learner = HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=ROUNDS, max_leaf_nodes=31, random_state=0
        )
        rows = columns[step, asset]
        some = ~np.isnan(rows).all(axis=0)
        with threadpool_limits(1):
            learner.fit(rows[:, some], win)

        def state(steps: NDArray[np.int64], assets: NDArray[np.int64]) -> FloatArray:
            with threadpool_limits(1):
                return np.asarray(learner.predict_proba(columns[steps, assets][:, some])[:, 1])

        return state

    return fit
