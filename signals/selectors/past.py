"""The market, the signals and the judgements of a past moment, as they were then known.

Nothing later may be seen through any of these: a candle counts once it has closed, the running one
is built from the minutes that had closed, a fill or a result is there from the minute that made it.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from django.db.models import Q
from django.utils import timezone
from numpy.typing import NDArray

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.delivery.payloads import price_text, signal_payload
from signals.model.evaluate import wilson
from signals.models import Candle, Instrument, RejectedSetup, Settlement, Signal
from signals.selectors.records import BUCKET, LEAST
from signals.selectors.visibility import visible
from signals.store.candles import read_candles

MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_MINUTE: Final = timedelta(minutes=1)
_REJECTED_DAYS: Final = 30


def candles_at(
    origin: Origin, symbol: str, timeframe: Timeframe, at_ms: int, limit: int
) -> tuple[list[list[float]], list[int]]:
    """Return ([open time in s, o, h, l, c, v], …) known at a moment and the times of marked gaps.

    The last candle may be the one that was running: it is made of the minutes closed by then.
    """
    newest_ms = at_ms - timeframe.duration_ms
    open_ms, values = read_candles(origin, timeframe, symbol, limit, before_ms=newest_ms + 1)
    rows = [
        [int(at) // 1000, *(float(v) for v in row[:5])]
        for at, row in zip(open_ms, values, strict=True)
        if row[3] == row[3]
    ]
    gaps = [int(at) // 1000 for at, row in zip(open_ms, values, strict=True) if row[3] != row[3]]
    running = _running(origin, symbol, timeframe, at_ms)
    if running is not None and (not rows or running[0] > rows[-1][0]):
        rows.append(running)
    return rows[-limit:], gaps


def _running(origin: Origin, symbol: str, timeframe: Timeframe, at_ms: int) -> list[float] | None:
    if timeframe is Timeframe.M1:
        return None
    began_ms = timeframe.open_of(at_ms)
    minutes = (at_ms - began_ms) // MINUTE_MS
    if minutes < 1:
        return None
    values = _minutes(origin, symbol, began_ms, at_ms)
    known = values[:, 3] == values[:, 3]
    if not known.any():
        return None
    held: NDArray[np.float64] = values[known]
    return [
        began_ms // 1000,
        float(held[0, 0]),
        float(held[:, 1].max()),
        float(held[:, 2].min()),
        float(held[-1, 3]),
        float(held[:, 4].sum()),
    ]


def _minutes(origin: Origin, symbol: str, from_ms: int, at_ms: int) -> NDArray[np.float64]:
    """Return the minutes that opened from `from_ms` on and had closed by `at_ms`."""
    most = (at_ms - from_ms) // MINUTE_MS
    open_ms, values = read_candles(
        origin, Timeframe.M1, symbol, most, before_ms=at_ms - MINUTE_MS + 1
    )
    return values[open_ms >= from_ms]


def price_at(origin: str, symbol: str, at_ms: int) -> float | None:
    """Return the close of the newest minute known at a moment; None where none is near."""
    row = (
        Candle.objects.filter(
            origin=origin,
            timeframe=Timeframe.M1.value,
            symbol=symbol,
            open_ms__lte=at_ms - MINUTE_MS,
            open_ms__gt=at_ms - 15 * MINUTE_MS,
            is_gap=False,
        )
        .order_by("-open_ms")
        .first()
    )
    return None if row is None else row.close


def _closes(origin: str, symbols: list[str], at_ms: int) -> dict[str, float]:
    """Return each symbol's close of the minute that ended at a moment, or of one just before it."""
    rows = Candle.objects.filter(
        origin=origin,
        timeframe=Timeframe.M1.value,
        symbol__in=symbols,
        open_ms__lte=at_ms - MINUTE_MS,
        open_ms__gt=at_ms - 4 * MINUTE_MS,
        is_gap=False,
    ).order_by("open_ms")
    return {row.symbol: row.close for row in rows if row.close is not None}


def _hours(
    origin: str, symbols: list[str], at_ms: int
) -> dict[str, tuple[list[float], float | None]]:
    """Return (closes, volume in quote) of each symbol's last 24 hours that had closed."""
    last_ms = at_ms - Timeframe.H1.duration_ms
    rows = Candle.objects.filter(
        origin=origin,
        timeframe=Timeframe.H1.value,
        symbol__in=symbols,
        open_ms__lte=last_ms,
        open_ms__gt=last_ms - _DAY_MS,
        is_gap=False,
    ).order_by("open_ms")
    found: dict[str, tuple[list[float], float | None]] = {}
    for row in rows:
        closes, volume = found.get(row.symbol, ([], None))
        if row.close is not None:
            closes.append(row.close)
        if row.quote_volume is not None:
            volume = (volume or 0.0) + row.quote_volume
        found[row.symbol] = (closes, volume)
    return found


def markets_at(origin: str, at_ms: int, *, sees_live: bool) -> list[dict[str, Any]]:
    """Return the market list of a past moment: price, change and open signals; the rest is unknown."""
    instruments = list(Instrument.objects.filter(origin=origin, is_trading=True).order_by("rank"))
    symbols = [row.symbol for row in instruments]
    now, before = _closes(origin, symbols, at_ms), _closes(origin, symbols, at_ms - _DAY_MS)
    at = to_datetime(at_ms)
    sides = {
        row["symbol"]: row["side"]
        for row in signals_at(origin, at, state="open", sees_live=sees_live)
    }
    hours = _hours(origin, symbols, at_ms)
    out: list[dict[str, Any]] = []
    for row in instruments:
        closes, volume = hours.get(row.symbol, ([], None))
        price, past = now.get(row.symbol), before.get(row.symbol)
        if price is None:
            continue
        decimals = max(0, -int(row.tick_size.normalize().as_tuple().exponent))
        out.append(
            {
                "symbol": row.symbol,
                "base": row.base_asset,
                "price": price_text(price, decimals),
                "decimals": decimals,
                "change_24h": None if not past else round(price / past - 1, 6),
                "funding_rate": None,
                "next_funding_at": None,
                "open_interest_usd": None,
                "oi_change_4h": None,
                "volume_24h": volume,
                "mark": None,
                "liquidated_long_24h": None,
                "liquidated_short_24h": None,
                "spark": closes,
                "signal": sides.get(row.symbol),
                "stale": False,
                "age_s": None,
            }
        )
    return out


def signals_at(
    origin: str,
    at: datetime,
    *,
    state: str | None = None,
    symbol: str | None = None,
    timeframe: str | None = None,
    limit: int = 100,
    sees_live: bool = False,
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return the signals issued by a moment, newest first, each as it stood at that moment."""
    query = (
        Signal.objects.select_related("current", "settlement")
        .filter(visible(now or timezone.now(), sees_live=sees_live))
        .filter(origin=origin, issued_at__lte=at)
    )
    if symbol:
        query = query.filter(symbol=symbol)
    if timeframe:
        query = query.filter(timeframe=timeframe)
    still_open = Q(settlement__isnull=True) | Q(settlement__closed_at__gt=at)
    if state == "open":
        query = query.filter(still_open)
    elif state == "settled":
        query = query.exclude(still_open)
    table = _record_table(origin, at)
    return [_as_of(row, at, table) for row in query.order_by("-number")[:limit]]


def _as_of(signal: Signal, at: datetime, table: dict[int, tuple[int, int]]) -> dict[str, Any]:
    """Return a signal's payload with what had not happened yet taken out."""
    n, wins = table.get(int(signal.confidence / BUCKET + 1e-9), (0, 0))
    record = None
    if n >= LEAST:
        low, high = wilson(wins, n)
        record = {
            "n": n,
            "wins": wins,
            "rate": round(wins / n, 4),
            "interval": [round(low, 4), round(high, 4)],
            "origin": signal.origin,
        }
    told = signal_payload(signal, record)
    filled_at = signal.current.filled_at
    # A fill is known when the minute that made it has closed.
    is_filled = filled_at is not None and filled_at + _MINUTE <= at
    if not is_filled:
        told |= {"fill_price": None, "filled_at": None}
    settlement = getattr(signal, "settlement", None)
    if settlement is None or settlement.closed_at > at:
        told |= {
            "state": "filled" if is_filled else "waiting",
            "result_r": None,
            "gross_r": None,
            "settled_at": None,
            "evidence": None,
        }
    return told


def _record_table(origin: str, at: datetime) -> dict[int, tuple[int, int]]:
    """Return (n, wins) by bucket of confidence among what had settled; no back-test speaks here."""
    table: dict[int, tuple[int, int]] = {}
    rows = Settlement.objects.filter(
        signal__origin=origin, net_r__isnull=False, closed_at__lte=at
    ).values_list("signal__confidence", "net_r")
    for confidence, net_r in rows:
        bucket = int(confidence / BUCKET + 1e-9)
        n, wins = table.get(bucket, (0, 0))
        table[bucket] = (n + 1, wins + ((net_r or 0.0) > 0))
    return table


def rejected_at(origin: str, symbol: str, timeframe: str, at: datetime) -> dict[str, Any] | None:
    """Say what had become by a moment of the setups that gates turned down in the month before."""
    query = RejectedSetup.objects.filter(
        origin=origin,
        symbol=symbol,
        timeframe=timeframe,
        net_r__isnull=False,
        closed_at__lte=at,
        closed_at__gt=at - timedelta(days=_REJECTED_DAYS),
    )
    net = [float(net_r or 0.0) for net_r in query.values_list("net_r", flat=True)]
    if not net:
        return None
    wins = sum(net_r > 0 for net_r in net)
    low, high = wilson(wins, len(net))
    return {
        "origin": origin,
        "n": len(net),
        "win_rate": round(wins / len(net), 4),
        "interval": [round(low, 4), round(high, 4)],
        "mean_r": round(sum(net) / len(net), 4),
    }
