"""Every figure of the track record, from rows alone.

Only the standard library is used: an export carries this very file, so that anybody can work the
published numbers out again. One row is one signal that was issued; results are in R, net of fees,
slippage and funding.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

BUCKET = 0.05
"""Width of a bucket of stated confidence."""
LEAST = 20
"""Below so many results a group is shown, and no conclusion drawn."""
ROLLING = 100
PATHS = 2_000
SIMULATED_FROM = 100
"""Results that the expectation simulator asks for."""
HISTOGRAM_STEP = 0.5
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Issued:
    """One signal and what became of it."""

    id: str
    symbol: str
    timeframe: str
    side: str
    issued_at: datetime
    confidence: float
    """Stated probability of a win, given entry."""
    break_even: float
    base_rate: float
    """How often random entries with the same plan win."""
    planned: float
    """Reward to risk of the plan: the sum of share times target, in R."""
    model: str
    state: str
    net_r: float | None = None
    """None: open, never entered, or void."""
    closed_at: datetime | None = None


def wilson(wins: int, n: int) -> tuple[float, float]:
    """Return Wilson's interval (95 %) of a rate; (0, 1) without any result."""
    if n == 0:
        return 0.0, 1.0
    rate = wins / n
    middle = (rate + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z / (1 + _Z * _Z / n) * math.sqrt(rate * (1 - rate) / n + _Z * _Z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_interval(rows: Sequence[Issued]) -> tuple[float, float] | None:
    """Return an interval (95 %) of the mean net R that lets results of one day move together.

    Cluster-robust standard error (Liang and Zeger, 1986), clusters are days of the end; None
    where all is of one day.
    """
    days: dict[Any, float] = {}
    mean = _mean([_net(row) for row in rows])
    for row in rows:
        day = _closed(row).date()
        days[day] = days.get(day, 0.0) + _net(row) - mean
    if len(days) < 2:
        return None
    spread = sum(total * total for total in days.values()) * len(days) / (len(days) - 1)
    half = _Z * math.sqrt(spread) / len(rows)
    return mean - half, mean + half


def entered(rows: Iterable[Issued]) -> list[Issued]:
    """Return the signals that were entered and have ended, by their end."""
    done = [row for row in rows if row.net_r is not None and row.closed_at is not None]
    return sorted(done, key=lambda row: (_closed(row), row.issued_at, row.id))


def figures(rows: Sequence[Issued]) -> dict[str, Any]:
    """Return every figure of the page for the signals of one origin.

    A win is a net result above 0. Nothing is left out: what was not entered, is void or still
    open is counted beside.
    """
    done = entered(rows)
    return {
        "counts": _counts(rows, done),
        "summary": summary(done),
        "reliability": reliability(done),
        "calibration_error": calibration_error(done),
        "curve": curve(done),
        "rolling": rolling(done),
        "histogram": histogram(done),
        "months": months(done),
        "groups": {name: grouped(done, key) for name, key in GROUPS.items()},
        "losers": [row.id for row in reversed(done) if _net(row) <= 0][:10],
    }


def summary(done: Sequence[Issued]) -> dict[str, Any] | None:
    """Return rate, planned and realised R, expectancy, drawdown and streaks; None without results."""
    if not done:
        return None
    net = [_net(row) for row in done]
    won, lost = [r for r in net if r > 0], [r for r in net if r <= 0]
    average_win, average_loss = _mean(won), _mean(lost)
    points = curve(done)
    return {
        **_rate(done),
        "stated": _mean([row.confidence for row in done]),
        "base_rate": _mean([row.base_rate for row in done]),
        "break_even": _mean([row.break_even for row in done]),
        "planned": _mean([row.planned for row in done]),
        "average_win": average_win if won else None,
        "average_loss": average_loss if lost else None,
        "realised": average_win / -average_loss if won and average_loss < 0 else None,
        "sum_r": sum(net),
        "deepest": min(point[2] for point in points),
        "longest_losing": _longest(net),
        "losing_now": _trailing(net),
        "since": _closed(done[0]).isoformat(),
        "until": _closed(done[-1]).isoformat(),
    }


def reliability(done: Sequence[Issued]) -> list[dict[str, Any]]:
    """Return, by bucket of stated confidence, what was stated and what was won."""
    buckets: dict[int, list[Issued]] = {}
    for row in done:
        buckets.setdefault(int(row.confidence / BUCKET + 1e-9), []).append(row)
    return [
        {
            "from": round(number * BUCKET, 2),
            "to": round((number + 1) * BUCKET, 2),
            "stated": _mean([row.confidence for row in found]),
            **_rate(found),
        }
        for number, found in sorted(buckets.items())
    ]


def calibration_error(done: Sequence[Issued]) -> float | None:
    """Return the expected calibration error: the mean distance of stated and won, by bucket."""
    if not done:
        return None
    off: float = sum(b["n"] * abs(b["stated"] - b["rate"]) for b in reliability(done))
    return off / len(done)


def curve(done: Sequence[Issued]) -> list[tuple[str, float, float]]:
    """Return (end, sum of R so far, distance from its last high) after each result."""
    points, total, high = [], 0.0, 0.0
    for row in done:
        total += _net(row)
        high = max(high, total)
        points.append((_closed(row).isoformat(), total, total - high))
    return points


def rolling(done: Sequence[Issued], window: int = ROLLING) -> list[tuple[str, float]]:
    """Return (end, mean net R of the last `window` results), from the first full window on."""
    points, total = [], 0.0
    for number, row in enumerate(done):
        total += _net(row)
        if number >= window:
            total -= _net(done[number - window])
        if number >= window - 1:
            points.append((_closed(row).isoformat(), total / window))
    return points


def histogram(done: Sequence[Issued]) -> list[tuple[float, int]]:
    """Return (lower edge in R, results) in steps of half an R."""
    counted: dict[int, int] = {}
    for row in done:
        step = math.floor(_net(row) / HISTOGRAM_STEP)
        counted[step] = counted.get(step, 0) + 1
    if not counted:
        return []
    return [
        (step * HISTOGRAM_STEP, counted.get(step, 0))
        for step in range(min(counted), max(counted) + 1)
    ]


def months(done: Sequence[Issued]) -> list[dict[str, Any]]:
    """Return every month between the first and the last result, empty ones too."""
    found: dict[tuple[int, int], list[Issued]] = {}
    for row in done:
        at = _closed(row)
        found.setdefault((at.year, at.month), []).append(row)
    if not found:
        return []
    out, (year, month), last = [], min(found), max(found)
    while (year, month) <= last:
        rows = found.get((year, month), [])
        out.append(
            {
                "month": f"{year}-{month:02d}",
                "sum_r": sum(_net(row) for row in rows),
                **(_rate(rows) if rows else {"n": 0, "wins": 0}),
            }
        )
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return out


def session(row: Issued) -> str:
    """Return a third of the UTC day of the issue, weekends apart."""
    if row.issued_at.weekday() >= 5:
        return "weekend"
    return ("00-08", "08-16", "16-24")[row.issued_at.hour // 8]


GROUPS: dict[str, Callable[[Issued], str]] = {
    "symbol": lambda row: row.symbol,
    "timeframe": lambda row: row.timeframe,
    "side": lambda row: row.side,
    "session": session,
    "model": lambda row: row.model,
}


def grouped(done: Sequence[Issued], key: Callable[[Issued], str]) -> list[dict[str, Any]]:
    """Return the rate and expectancy of each group, the largest first."""
    groups: dict[str, list[Issued]] = {}
    for row in done:
        groups.setdefault(key(row), []).append(row)
    told = [{"name": name, **_rate(rows)} for name, rows in groups.items()]
    return sorted(told, key=lambda group: (-group["n"], group["name"]))


def expectation(
    done: Sequence[Issued], *, months_ahead: int, risk_percent: float, seed: int = 1
) -> dict[str, Any] | None:
    """Return what accounts could look like after some months if results went on as recorded.

    Whole days are drawn with replacement, as many as the record had a month; risk is a share of
    the account of that moment. None below a hundred results: a simulation from fewer tells
    nothing. It knows only what happened so far: a market it has not seen is not in it.
    """
    if len(done) < SIMULATED_FROM:
        return None
    first, last = _closed(done[0]).date(), _closed(done[-1]).date()
    n_days = (last - first).days + 1
    by_day: dict[int, list[float]] = {}
    for row in done:
        by_day.setdefault((_closed(row).date() - first).days, []).append(_net(row))
    days = [by_day.get(day, []) for day in range(n_days)]
    random, length = Random(seed), round(months_ahead * 365.25 / 12)
    ends, falls = [], []
    for _ in range(PATHS):
        account, high, fall = 1.0, 1.0, 0.0
        for day in random.choices(days, k=length):
            for net in day:
                account *= max(0.0, 1 + net * risk_percent / 100)
                high = max(high, account)
                fall = min(fall, account / high - 1)
        ends.append(account - 1)
        falls.append(fall)
    ends.sort()
    falls.sort()
    return {
        "n": len(done),
        "days": n_days,
        "paths": PATHS,
        "losing": sum(end < 0 for end in ends) / PATHS,
        "ends": {share: _quantile(ends, share / 100) for share in (5, 25, 50, 75, 95)},
        "falls": {share: _quantile(falls, share / 100) for share in (5, 50)},
    }


def _counts(rows: Sequence[Issued], done: Sequence[Issued]) -> dict[str, int]:
    not_entered = sum(row.state == "not_entered" for row in rows)
    void = sum(row.state == "void" for row in rows)
    return {
        "issued": len(rows),
        "entered": len(done),
        "not_entered": not_entered,
        "void": void,
        "open": len(rows) - len(done) - not_entered - void,
    }


def _rate(rows: Sequence[Issued]) -> dict[str, Any]:
    wins = sum(_net(row) > 0 for row in rows)
    ends = mean_interval(rows)
    return {
        "n": len(rows),
        "wins": wins,
        "rate": wins / len(rows),
        "interval": list(wilson(wins, len(rows))),
        "mean_r": _mean([_net(row) for row in rows]),
        "mean_r_interval": None if ends is None else list(ends),
        "is_thin": len(rows) < LEAST,
    }


def _net(row: Issued) -> float:
    assert row.net_r is not None
    return row.net_r


def _closed(row: Issued) -> datetime:
    assert row.closed_at is not None
    return row.closed_at


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0


def _longest(net: Sequence[float]) -> int:
    longest = run = 0
    for r in net:
        run = 0 if r > 0 else run + 1
        longest = max(longest, run)
    return longest


def _trailing(net: Sequence[float]) -> int:
    run = 0
    for r in reversed(net):
        if r > 0:
            break
        run += 1
    return run


def _quantile(ordered: Sequence[float], share: float) -> float:
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)
