"""Indicators written out as their textbooks do, one symbol, plain loops: what ours is held to.

Sources: Wilder, "New Concepts in Technical Trading Systems", 1978 (RSI, ATR, ADX: an average
starts as the mean of its first fourteen values, then moves by 1/14); Appel's MACD 12/26/9;
moving averages started at the first price.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import log, sqrt

Column = Sequence[float]


def wilder(values: Column, k: int = 14) -> list[float]:
    """Return Wilder's average of each prefix that has at least `k` values."""
    average = sum(values[:k]) / k
    out = [average]
    for value in values[k:]:
        average = (average * (k - 1) + value) / k
        out.append(average)
    return out


def rsi(close: Column) -> float:
    changes = [b - a for a, b in pairwise(close)]
    up = wilder([max(c, 0.0) for c in changes])[-1]
    down = wilder([max(-c, 0.0) for c in changes])[-1]
    return 100.0 - 100.0 / (1.0 + up / down)


def true_ranges(high: Column, low: Column, close: Column) -> list[float]:
    return [
        max(high[k] - low[k], abs(high[k] - close[k - 1]), abs(low[k] - close[k - 1]))
        for k in range(1, len(close))
    ]


def atr(high: Column, low: Column, close: Column) -> float:
    return wilder(true_ranges(high, low, close))[-1]


def signed_adx(high: Column, low: Column, close: Column) -> float:
    plus, minus = [], []
    for k in range(1, len(close)):
        rose, fell = high[k] - high[k - 1], low[k - 1] - low[k]
        plus.append(rose if rose > fell and rose > 0 else 0.0)
        minus.append(fell if fell > rose and fell > 0 else 0.0)
    ranges = wilder(true_ranges(high, low, close))
    up = [100 * p / r for p, r in zip(wilder(plus), ranges, strict=True)]
    down = [100 * m / r for m, r in zip(wilder(minus), ranges, strict=True)]
    dx = [100 * abs(u - d) / (u + d) for u, d in zip(up, down, strict=True)]
    return wilder(dx)[-1] * (1 if up[-1] > down[-1] else -1)


def ema(values: Column, span: int) -> list[float]:
    out = [values[0]]
    for value in values[1:]:
        out.append(out[-1] + 2.0 / (span + 1) * (value - out[-1]))
    return out


def macd_histogram(close: Column) -> float:
    line = [a - b for a, b in zip(ema(close, 12), ema(close, 26), strict=True)]
    return line[-1] - ema(line, 9)[-1]


def returns(close: Column) -> list[float]:
    return [log(b / a) for a, b in pairwise(close)]


def sigma(close: Column, half_life: float = 48.0) -> float:
    alpha = 1 - 2 ** (-1 / half_life)
    squares = [r * r for r in returns(close)]
    variance = squares[0]
    for square in squares[1:]:
        variance += alpha * (square - variance)
    return sqrt(variance)


def decayed(values: Column, half_life: float) -> float:
    alpha = 1 - 2 ** (-1 / half_life)
    out = values[0]
    for value in values[1:]:
        out += alpha * (value - out)
    return out
