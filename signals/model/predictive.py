"""How much each factor has told of what came: rank correlation, its interval and its decay.

A factor that favours a side is held against the move over the next candles, in that move's own
volatility; one that favours none against what entries of either side brought. Intervals come
from resampling whole weeks. A symbol's own figure is drawn towards the market's by as much as
its independent observations leave open.

Sources: Spearman 1904; Grinold, Kahn 1999 (information coefficient); Efron, Morris 1975 (shrinkage).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from signals.features.catalogue import CATALOGUE
from signals.features.history import FeatureHistory
from signals.market.panel import CLOSE
from signals.model.labels import Labels
from signals.model.learner import ODD

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HORIZONS: Final = (1, 4, 16, 48)
"""Candles."""
MAIN: Final = 16
MOST_ROWS: Final = 40_000
LEAST_ROWS: Final = 500
LEAST_OWN: Final = 30.0
"""Independent observations that a symbol needs for a figure of its own."""
WEEK_MS: Final = 7 * 86_400_000
_BOOTSTRAPS: Final = 300


def predictive_value(features: FeatureHistory, labels: Labels, before_ms: int) -> dict[str, Any]:
    """Return what each factor was worth by what was known at `before_ms`, JSON-able.

    `factors` has one row for each factor with enough observations, strongest first; `symbols`
    the figures of each symbol in the order of `names`, None where there are too few.
    """
    ahead = {h: _moves(features, h, before_ms) for h in HORIZONS}
    either = _either_side(labels, before_ms)
    known = ~np.isnan(ahead[MAIN])
    step, asset = np.nonzero(known)
    stride = max(1, -(-step.size // MOST_ROWS))
    kept = (step + asset) % stride == 0
    step, asset = step[kept], asset[kept]
    week = features.open_ms[step] // WEEK_MS
    rows: list[dict[str, Any]] = []
    own: dict[str, list[float | None]] = {symbol: [] for symbol in features.symbols}
    names: list[str] = []
    # Moves that overlap are one observation: a symbol has one every `MAIN` candles.
    apart = max(1.0, MAIN / stride)
    for place, factor in enumerate(CATALOGUE.factors):
        x = features.X[step, asset, place].astype(np.float64)
        target = ahead[MAIN][step, asset] if ODD[place] else either[step, asset]
        told = ~np.isnan(x) & ~np.isnan(target)
        if told.sum() < LEAST_ROWS or np.ptp(x[told]) == 0:
            continue
        zx, zy = _ranked(x[told]), _ranked(target[told])
        low, high = _interval(zx * zy, week[told])
        ic = float((zx * zy).mean())
        row: dict[str, Any] = {
            "name": factor.name,
            "group": factor.group,
            "target": "direction" if ODD[place] else "either side",
            "ic": round(ic, 4),
            "low": round(low, 4),
            "high": round(high, 4),
            "n": int(told.sum()),
            "weeks": int(np.unique(week[told]).size),
        }
        if ODD[place]:
            row["decay"] = {
                str(h): _correlation(x, moves[step, asset]) for h, moves in ahead.items()
            }
        rows.append(row)
        names.append(factor.name)
        shrunk = _by_symbol(zx * zy, asset[told], len(features.symbols), ic, apart)
        for symbol, value in zip(features.symbols, shrunk, strict=True):
            own[symbol].append(None if value != value else round(float(value), 4))
    rows.sort(key=lambda row: -abs(row["ic"]))
    return {"horizon": MAIN, "factors": rows, "names": names, "symbols": own}


def _moves(features: FeatureHistory, horizon: int, before_ms: int) -> FloatArray:
    """Return the log move over the next candles in σ, (T, n); NaN where it ends after the cut."""
    close = features.history.candles[:, CLOSE]
    out = np.full(close.shape, np.nan)
    if close.shape[0] <= horizon:
        return out
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = np.log(close[horizon:] / close[:-horizon])
        out[:-horizon] = moved / (features.sigma[:-horizon] * horizon**0.5)
    ends_ms = features.open_ms + (horizon + 1) * features.timeframe.duration_ms
    out[ends_ms >= before_ms] = np.nan
    out[~np.isfinite(out)] = np.nan
    return out


def _either_side(labels: Labels, before_ms: int) -> FloatArray:
    both = np.where(labels.end_ms < before_ms, labels.net_r, np.nan)
    return np.asarray(both.mean(axis=0))


def _ranked(values: FloatArray) -> FloatArray:
    ranks = rankdata(values)
    return np.asarray((ranks - ranks.mean()) / max(float(ranks.std()), 1e-12))


def _correlation(x: FloatArray, y: FloatArray) -> float | None:
    told = ~np.isnan(x) & ~np.isnan(y)
    if told.sum() < LEAST_ROWS:
        return None
    return round(float((_ranked(x[told]) * _ranked(y[told])).mean()), 4)


def _interval(product: FloatArray, week: IntArray) -> tuple[float, float]:
    cells = np.unique(week, return_inverse=True)[1]
    sums, counts = np.bincount(cells, weights=product), np.bincount(cells)
    draws = np.random.default_rng(0).integers(0, sums.size, (_BOOTSTRAPS, sums.size))
    low, high = np.quantile(sums[draws].sum(axis=1) / counts[draws].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _by_symbol(
    product: FloatArray, asset: IntArray, n: int, pooled: float, apart: float
) -> FloatArray:
    """Return each symbol's figure between its own and the market's, (n,); NaN with too little."""
    count = np.bincount(asset, minlength=n)
    own = np.bincount(asset, weights=product, minlength=n) / np.maximum(count, 1)
    independent = count / apart
    told = independent >= LEAST_OWN
    if told.sum() < 3:
        return np.where(told, pooled, np.nan)
    noise = 1.0 / np.maximum(independent, 1.0)
    between = max(0.0, float(((own - pooled) ** 2 - noise)[told].mean()))
    return np.where(told, pooled + (own - pooled) * between / (between + noise), np.nan)
