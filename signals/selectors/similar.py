"""Nearest historical cases from stored candles: what `markets/<S>/analogs` answers."""

from typing import Any, Final

import numpy as np
from django.core.cache import cache

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.timeframes import Timeframe
from cryptosystems.platform.http import iso
from signals.analysis.analogs import HORIZON, LENGTH, nearest
from signals.model.evaluate import wilson
from signals.models import Candle, Instrument

OTHERS: Final = 12
"""The largest markets that are searched beside the symbol itself."""
MOST_CANDLES: Final = 1_500
_KEPT_S: Final = 300


def analogs(
    origin: str, symbol: str, timeframe: str, until_ms: int | None = None
) -> dict[str, Any] | None:
    """Return the nearest cases to the last candles known by a moment; None where too few are kept.

    Every case has ended, with the candles in which its outcome is read, before the compared
    candles begin.
    """
    tf = Timeframe(timeframe)
    rows = Candle.objects.filter(
        origin=origin, timeframe=timeframe, symbol=symbol, is_gap=False
    ).order_by("-open_ms")
    if until_ms is not None:
        rows = rows.filter(open_ms__lte=until_ms - tf.duration_ms)
    last_ms = rows.values_list("open_ms", flat=True).first()
    if last_ms is None:
        return None
    key = f"analogs:{origin}:{symbol}:{timeframe}:{last_ms}"
    held: dict[str, Any] | None = cache.get(key)
    if held is None:
        held = _search(origin, symbol, tf, last_ms)
        if held is not None:
            cache.set(key, held, _KEPT_S)
    return held


def _search(origin: str, symbol: str, timeframe: Timeframe, last_ms: int) -> dict[str, Any] | None:
    largest = Instrument.objects.filter(origin=origin, is_trading=True).exclude(symbol=symbol)
    names = [symbol, *largest.order_by("rank").values_list("symbol", flat=True)[:OTHERS]]
    first_ms = last_ms - (MOST_CANDLES - 1) * timeframe.duration_ms
    closes = np.full((MOST_CANDLES, len(names)), np.nan)
    place = {name: column for column, name in enumerate(names)}
    stored = Candle.objects.filter(
        origin=origin,
        timeframe=timeframe.value,
        symbol__in=names,
        open_ms__gte=first_ms,
        open_ms__lte=last_ms,
        is_gap=False,
    ).values_list("symbol", "open_ms", "close")
    for name, open_ms, close in stored.iterator(chunk_size=5_000):
        closes[(open_ms - first_ms) // timeframe.duration_ms, place[name]] = close
    found = nearest(closes, 0, MOST_CANDLES - 1)
    if found is None:
        return None

    def at(row: int) -> str | None:
        return iso(to_datetime(timeframe.close_of(first_ms + row * timeframe.duration_ms)))

    up = sum(case.path[-1] > 1 for case in found.cases)
    return {
        "symbol": symbol,
        "timeframe": timeframe.value,
        "at": at(MOST_CANDLES - 1),
        "length": LENGTH,
        "horizon": HORIZON,
        "near": _share(int(up), len(found.cases)),
        # They overlap each other, so that an interval would promise too much.
        "all": {"n": found.n_searched, "up": found.all_up},
        "median_move": round(float(np.median([case.path[-1] - 1 for case in found.cases])), 6),
        "path": [round(float(v), 6) for v in found.path],
        "cases": [
            {
                "symbol": names[case.symbol],
                "at": at(case.at),
                "distance": round(case.distance, 4),
                "move": round(float(case.path[-1] - 1), 6),
                "path": [round(float(v), 6) for v in case.path],
            }
            for case in found.cases
        ],
    }


def _share(up: int, n: int) -> dict[str, Any]:
    low, high = wilson(up, n)
    return {"n": n, "up": up, "interval": [round(low, 4), round(high, 4)]}
