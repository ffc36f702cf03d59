"""Measured records: win rates with counts and intervals, never mixing two origins."""

from time import monotonic
from typing import Any, Final

from django.db.models import Count, Q

from cryptosystems.kernel.origin import Origin
from signals.models import RejectedSetup, Settlement, Signal
from signals.selectors import ledger
from signals.settlement import record
from signals.settlement.record import wilson

BUCKET: Final = 0.05
LEAST: Final = 20
_FRESH_S: Final = 20.0
_tables: dict[str, tuple[float, dict[int, tuple[int, int]]]] = {}


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
    ledger.forget_figures()


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
    """Return the record of one origin: the figures of its page, by the same code.

    Win rate: settled signals with net R above 0 over all that were entered; Wilson interval.
    Mean R: after fees, slippage and funding; interval by clusters of days, None within one day.
    """
    query = Signal.objects.filter(origin=origin)
    if timeframe:
        query = query.filter(timeframe=timeframe)
    if symbol:
        query = query.filter(symbol=symbol)
    found = record.figures(ledger.issued(query))
    counts, told = found["counts"], found["summary"] or {}
    return {
        "origin": origin,
        "n": counts["entered"],
        "issued": counts["issued"],
        "open": counts["open"],
        "not_entered": counts["not_entered"],
        "void": counts["void"],
        "wins": told.get("wins", 0),
        "win_rate": _round(told.get("rate")),
        "interval": _pair(told.get("interval")),
        "mean_r": _round(told.get("mean_r")),
        "mean_r_interval": _pair(told.get("mean_r_interval")),
        "break_even": _round(told.get("break_even")),
        "base_rate": _round(told.get("base_rate")),
        "planned": _round(told.get("planned")),
        "realised": _round(told.get("realised")),
        "sum_r": _round(told.get("sum_r")),
        "deepest_r": _round(told.get("deepest")),
        "longest_losing_run": told.get("longest_losing", 0),
        "calibration_error": _round(found["calibration_error"]),
        "rolling_r": _round(found["rolling"][-1][1]) if found["rolling"] else None,
        "reliability": [
            {
                "from": bucket["from"],
                "to": bucket["to"],
                "n": bucket["n"],
                "stated": _round(bucket["stated"]),
                "won": _round(bucket["rate"]),
                "interval": _pair(bucket["interval"]),
            }
            for bucket in found["reliability"]
        ],
        "months": [
            {"month": m["month"], "n": m["n"], "sum_r": round(m["sum_r"], 2)}
            for m in found["months"]
        ],
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _pair(ends: list[float] | None) -> list[float] | None:
    return None if ends is None else [round(end, 4) for end in ends]


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
