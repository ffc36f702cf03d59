"""Markets with a known truth, made of candles alone: one that drifts, and a martingale."""

from functools import cache

import numpy as np

from cryptosystems.kernel.timeframes import Timeframe
from signals.features.history import run_history
from signals.market.history import History
from signals.model.labels import make_labels
from signals.model.train import Lesson
from tests.signals.cases import START_MS, random_candles

H1 = Timeframe.H1
STEPS, N = 1_900, 16


@cache
def lesson(strength: float, seed: int = 1) -> Lesson:
    """Return an hour-candle lesson.

    Each symbol has a hidden drift that turns over in about a day, `strength` times one hourly
    sigma wide: what went up lately tends to go on. At 0 it is a martingale.
    """
    rng = np.random.default_rng(seed)
    drift = np.zeros((STEPS, N))
    for step in range(1, STEPS):
        drift[step] = 0.97 * drift[step - 1] + rng.normal(0, (1 - 0.97**2) ** 0.5, N)
    sigma = 0.008
    candles = random_candles(STEPS, N, seed + 100, sigma=sigma, drift=strength * sigma * drift)
    symbols = ("BTCUSDT", *(f"ALT{k}USDT" for k in range(1, N)))
    open_ms = START_MS + np.arange(STEPS, dtype=np.int64) * H1.duration_ms
    features = run_history(History(symbols, H1, open_ms, candles), H1, keep_readings=True)
    return Lesson(features, make_labels(features.history, features.atr))


def half_way(held: Lesson) -> int:
    """Return the time that cuts a lesson into what is learned from and what is judged."""
    return int(held.features.open_ms[int(STEPS * 0.65)])
