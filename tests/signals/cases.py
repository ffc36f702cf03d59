"""Small made-up markets that many tests look at; every number follows from a seed."""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.instruments import Bracket, InstrumentRules
from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.market.events import CandleUpdate
from signals.market.history import History, Series

FloatArray = NDArray[np.float64]

DAY_MS = 86_400_000
START_MS = 19_723 * DAY_MS
"""2024-01-01 00:00 UTC, a Monday."""

BRACKETS = (
    Bracket(0.0, 50_000.0, 125, 0.004, 0.0),
    Bracket(50_000.0, 600_000.0, 100, 0.005, 50.0),
    Bracket(600_000.0, 3_000_000.0, 75, 0.0065, 950.0),
)


def rules(symbol: str = "BTCUSDT", tick: str = "0.1", *, most: int = 125) -> InstrumentRules:
    """Return the rules of a symbol; `most` cuts the leverage of every bracket."""
    brackets = tuple(
        Bracket(b.floor, b.cap, min(b.max_leverage, most), b.maintenance_rate, b.maintenance_amount)
        for b in BRACKETS
    )
    base = symbol.removesuffix("USDT")
    return InstrumentRules(symbol, base, Decimal(tick), Decimal("0.001"), Decimal("5"), brackets)


def random_candles(
    steps: int,
    n: int,
    seed: int = 1,
    *,
    price: float = 100.0,
    sigma: float = 0.004,
    drift: FloatArray | None = None,
) -> FloatArray:
    """Return (steps, 8, n) candles of random walks; each opens where the last one closed.

    `drift` (steps, n) is added to the log return of each candle.
    """
    rng = np.random.default_rng(seed)
    inside = rng.normal(0.0, sigma / 3.0, (steps, 9, n))
    if drift is not None:
        inside += drift[:, None, :] / 9.0
    path = np.cumsum(inside.reshape(steps * 9, n), axis=0).reshape(steps, 9, n)
    close = path[:, -1]
    open_ = np.concatenate([np.zeros((1, n)), close[:-1]])
    walked = np.concatenate([open_[:, None], path], axis=1)
    out = np.empty((steps, 8, n))
    out[:, 0] = price * np.exp(open_)
    out[:, 1] = price * np.exp(walked.max(axis=1))
    out[:, 2] = price * np.exp(walked.min(axis=1))
    out[:, 3] = price * np.exp(close)
    out[:, 4] = rng.lognormal(6.0, 0.5, (steps, n))
    out[:, 5] = out[:, 4] * out[:, 3]
    out[:, 6] = out[:, 4] * rng.uniform(0.3, 0.7, (steps, n))
    out[:, 7] = rng.integers(50, 500, (steps, n))
    return out


def random_history(
    steps: int,
    n: int,
    timeframe: Timeframe = Timeframe.M1,
    seed: int = 1,
    *,
    extras: bool = False,
    **walk: float,
) -> History:
    """Return a history of random walks; `extras` adds open interest and funding."""
    symbols = ("BTCUSDT", *(f"ALT{k}USDT" for k in range(1, n)))
    open_ms = START_MS + np.arange(steps, dtype=np.int64) * timeframe.duration_ms
    candles = random_candles(steps, n, seed, **walk)
    if not extras:
        return History(symbols, timeframe, open_ms, candles)
    rng = np.random.default_rng(seed + 1)
    at_ms = np.arange(START_MS, int(open_ms[-1]) + timeframe.duration_ms, 5 * MINUTE_MS)
    interest = 1e5 * np.exp(np.cumsum(rng.normal(0, 0.002, (at_ms.size, n)), axis=0))
    paid_ms = np.arange(START_MS - 4 * DAY_MS, int(open_ms[-1]), 8 * 60 * MINUTE_MS)
    rates = rng.normal(1e-4, 5e-5, (paid_ms.size, n))
    return History(
        symbols, timeframe, open_ms, candles, Series(at_ms, interest), Series(paid_ms, rates)
    )


def candle_event(
    symbol: str, open_ms: int, values: tuple[float, ...] | FloatArray, *, is_closed: bool = True
) -> CandleUpdate:
    """Return the event of one 1m candle, received as it closes."""
    at_ms = open_ms + (MINUTE_MS if is_closed else MINUTE_MS // 2)
    return CandleUpdate(symbol, at_ms, at_ms, open_ms, *(float(v) for v in values), is_closed)
