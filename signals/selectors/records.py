"""Measured records: win rates with counts and intervals, never mixing two origins."""

from collections.abc import Iterable
from time import monotonic
from typing import Any, Final

import numpy as np
from django.db.models import Count, Q

from cryptosystems.kernel.origin import Origin
from signals.model.evaluate import day_bootstrap, wilson
from signals.models import RejectedSetup, Settlement, Signal

BUCKET: Final = 0.05
LEAST: Final = 20
_FRESH_S: Final = 20.0
_EDGES: Final = np.round(np.arange(0.3, 0.91, BUCKET), 2)
_tables: dict[str, tuple[float, dict[int, tuple[int, int]]]] = {}
ENTERED: Final = Q(settlement__net_r__isnull=False)


def _bucket(confidence: float) -> int:
    return int(confidence / BUCKET + 1e-9)


def _table(origin: str) -> dict[int, tuple[int, int]]:
    """Return (n, wins) of settled signals by bucket of stated confidence; kept for 20 s."""
    held = _tables.get(origin)
    if held is not None and monotonic() - held[0] < _FRESH_S:
        return held[1]
    table: dict[int, tuple[int, int]] = {}
    rows = Settlement.objects.filter(signal__origin=origin, net_r__isnull=False).values_list(
        "signal__confidence", "net_r"
    )
    for confidence, net_r in rows:
        n, wins = table.get(_bucket(confidence), (0, 0))
        table[_bucket(confidence)] = (n + 1, wins + ((net_r or 0.0) > 0))
    _tables[origin] = (monotonic(), table)
    return table


def forget_tables() -> None:
    """Drop what is kept between calls (after a back-test was stored, and in tests)."""
    _tables.clear()


def record_of(signal: Signal) -> dict[str, Any] | None:
    """Say how often settled signals stated within the same five points have won.

    The signal's own origin speaks where it has twenty; before that the back-test speaks, under
    its own name.
    """
    for origin in (signal.origin, "backtest"):
        n, wins = _table(origin).get(_bucket(signal.confidence), (0, 0))
        if n >= LEAST:
            low, high = wilson(wins, n)
            return {
                "n": n,
                "wins": wins,
                "rate": round(wins / n, 4),
                "interval": [round(low, 4), round(high, 4)],
                "origin": origin,
            }
    return None


def origins_with_signals() -> list[str]:
    """Return the origins of which there are signals, in a fixed order."""
    found = set(Signal.objects.order_by().values_list("origin", flat=True).distinct())
    return [origin.value for origin in Origin if origin.value in found]


def track_record(
    origin: str, *, timeframe: str | None = None, symbol: str | None = None
) -> dict[str, Any]:
    """Return the record of one origin: win rate, mean R, reliability, months.

    Win rate: settled signals with net R above 0 over all that were entered; Wilson interval.
    Mean R: after fees, slippage and funding; interval by resampling days.
    """
    query = Signal.objects.filter(origin=origin, settlement__isnull=False)
    if timeframe:
        query = query.filter(timeframe=timeframe)
    if symbol:
        query = query.filter(symbol=symbol)
    not_entered = query.filter(settlement__result="not_entered").count()
    rows = list(
        query.filter(ENTERED).values_list(
            "confidence", "break_even", "base_rate", "settlement__net_r", "settlement__closed_at"
        )
    )
    n = len(rows)
    confidence, break_even, base, net = (
        np.array([row[k] for row in rows], dtype=float) for k in range(4)
    )
    at_ms = np.array([row[4].timestamp() * 1000 for row in rows], dtype=np.int64)
    wins = int((net > 0).sum())
    low, high = wilson(wins, n)
    r_low, r_high = day_bootstrap(net, at_ms)
    return {
        "origin": origin,
        "n": n,
        "not_entered": not_entered,
        "wins": wins,
        "win_rate": round(wins / n, 4) if n else None,
        "interval": [round(low, 4), round(high, 4)] if n else None,
        "mean_r": round(float(net.mean()), 4) if n else None,
        "mean_r_interval": [round(r_low, 4), round(r_high, 4)] if n else None,
        "break_even": round(float(break_even.mean()), 4) if n else None,
        "base_rate": round(float(base.mean()), 4) if n else None,
        "reliability": _reliability(confidence, net > 0),
        "months": _months(rows),
    }


def _reliability(confidence: Any, won: Any) -> list[dict[str, Any]]:
    out = []
    for low in _EDGES:
        inside = (confidence >= low) & (confidence < low + BUCKET)
        n = int(inside.sum())
        if not n:
            continue
        wins = int(won[inside].sum())
        ends = wilson(wins, n)
        out.append(
            {
                "from": float(low),
                "to": round(float(low) + BUCKET, 2),
                "n": n,
                "stated": round(float(confidence[inside].mean()), 4),
                "won": round(wins / n, 4),
                "interval": [round(ends[0], 4), round(ends[1], 4)],
            }
        )
    return out


def _months(rows: Iterable[tuple[Any, ...]]) -> list[dict[str, Any]]:
    sums: dict[str, list[float]] = {}
    for row in rows:
        sums.setdefault(row[4].strftime("%Y-%m"), []).append(row[3])
    return [
        {"month": month, "n": len(found), "sum_r": round(sum(found), 2)}
        for month, found in sorted(sums.items())
    ]


def rejected_record(origin: str, symbol: str, timeframe: str) -> dict[str, Any] | None:
    """Say what became of the setups that gates turned down here; the back-test where live has none."""
    for source in (origin, "backtest"):
        query = RejectedSetup.objects.filter(
            origin=source, symbol=symbol, timeframe=timeframe, net_r__isnull=False
        )
        found = query.aggregate(n=Count("pk"), wins=Count("pk", filter=Q(net_r__gt=0)))
        if found["n"]:
            net = [net_r for net_r in query.values_list("net_r", flat=True) if net_r is not None]
            low, high = wilson(found["wins"], found["n"])
            return {
                "origin": source,
                "n": found["n"],
                "win_rate": round(found["wins"] / found["n"], 4),
                "interval": [round(low, 4), round(high, 4)],
                "mean_r": round(sum(net) / len(net), 4),
            }
    return None
