"""Markets with a known truth: what is planted has to be found, and nothing where nothing is.

Candles of a leader and its followers: shared and own volatility that clusters, fat tails, a beta
to the leader. A drift may be planted: each symbol's hidden pressure turns over in about a day, so
what went up lately tends to go on. Without it every candle is a martingale.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import Timeframe
from signals.features.history import FeatureHistory, run_history
from signals.market.history import History
from signals.market.panel import CLOSE, N_FIELDS
from signals.model.labels import make_labels
from signals.model.train import Lesson

FloatArray = NDArray[np.float64]

START_MS: Final = 1_672_531_200_000
"""2023-01-01."""
SIGMA: Final = 0.008
_INSIDE: Final = 12
"""Steps of a candle's path."""
_KEEP: Final = 0.97


@dataclass(frozen=True, slots=True)
class World:
    """What a market is made of; `strength` 0 is a martingale."""

    strength: float
    seed: int
    steps: int = 3_000
    symbols: int = 16


def candles_of(world: World) -> History:
    """Return hour candles; the first symbol leads."""
    rng = np.random.default_rng(world.seed)
    steps, n = world.steps, world.symbols
    shared, own, pressure = np.zeros(steps), np.zeros((steps, n)), np.zeros((steps, n))
    fresh = (1 - _KEEP**2) ** 0.5
    for step in range(1, steps):
        shared[step] = 0.98 * shared[step - 1] + 0.08 * rng.normal()
        own[step] = 0.95 * own[step - 1] + 0.10 * rng.normal(size=n)
        pressure[step] = _KEEP * pressure[step - 1] + fresh * rng.normal(size=n)
    wild = SIGMA * np.exp(shared[:, None] + own)
    tails = rng.standard_t(5, (steps, _INSIDE, n)) / (5 / 3) ** 0.5
    tails[:, :, 1:] = 0.6 * tails[:, :, :1] + 0.8 * tails[:, :, 1:]
    inside = tails * (wild / _INSIDE**0.5)[:, None]
    # Prices are to be fair, not only their logs.
    inside += (world.strength * wild * pressure - wild**2 / 2)[:, None] / _INSIDE
    path = np.cumsum(inside.reshape(-1, n), axis=0).reshape(steps, _INSIDE, n)
    close = path[:, -1]
    open_ = np.concatenate([np.zeros((1, n)), close[:-1]])
    walked = np.concatenate([open_[:, None], path], axis=1)
    out = np.full((steps, N_FIELDS, n), np.nan)
    for place, values in enumerate((open_, walked.max(axis=1), walked.min(axis=1), close)):
        out[:, place] = 100.0 * np.exp(values)
    out[:, 4] = 50_000.0 * np.exp(rng.normal(0, 0.3, (steps, n))) * wild / SIGMA
    open_ms = START_MS + np.arange(steps, dtype=np.int64) * Timeframe.H1.duration_ms
    symbols = ("BTCUSDT", *(f"ALT{k}USDT" for k in range(1, n)))
    return History(symbols, Timeframe.H1, open_ms, out)


def lesson_of(history: History, leak: float = 0.0) -> Lesson:
    """Return factors and labels; with a leak one factor knows what comes, a fault on purpose."""
    features = features_of(history, leak)
    return Lesson(features, make_labels(features.history, features.atr))


def features_of(history: History, leak: float = 0.0) -> FeatureHistory:
    """Return the factors of every candle.

    Parameters
    ----------
    leak : how much of the next 24 candles' move, in σ, is put into the first factor
    """
    features = run_history(history, history.timeframe, keep_readings=True)
    if leak:
        close = np.log(history.candles[:, CLOSE])
        ahead = np.full(close.shape, np.nan)
        ahead[:-24] = close[24:] - close[:-24]
        first = features.X[:, :, 0]
        first += np.nan_to_num(leak * ahead / (24**0.5 * SIGMA)).astype(np.float32)
    return features
