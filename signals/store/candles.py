"""Closed candles in and out of the database: written once, in bulk, by primary key."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.models import Candle

CandleRow = tuple[str, int, tuple[float, ...]]
"""Symbol, open time in milliseconds, and the eight values in the panel's order."""

_COLUMNS: Final = (
    "origin, timeframe, symbol, open_ms, open, high, low, close, volume, quote_volume, "
    "taker_buy_volume, n_trades, is_gap"
)
# A closed candle is immutable: only a marked gap may be replaced by the real thing.
_UPSERT: Final = f"""
    INSERT INTO signals_candle ({_COLUMNS})
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (origin, timeframe, symbol, open_ms) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, quote_volume = excluded.quote_volume,
        taker_buy_volume = excluded.taker_buy_volume, n_trades = excluded.n_trades,
        is_gap = excluded.is_gap
    WHERE signals_candle.is_gap AND NOT excluded.is_gap
"""  # noqa: S608 - column names are constants


def store_candles(origin: Origin, timeframe: Timeframe, rows: Iterable[CandleRow]) -> None:
    """Store closed candles in one transaction; what is there already stays as it is.

    A row whose close is NaN is stored as a gap.
    """
    prepared = [
        (
            origin.value,
            timeframe.value,
            symbol,
            open_ms,
            *((None,) * 8 if values[3] != values[3] else map(_or_none, values)),
            values[3] != values[3],
        )
        for symbol, open_ms, values in rows
    ]
    if not prepared:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(_UPSERT, prepared)


def _or_none(value: float) -> float | None:
    return None if value != value else float(value)


def read_candles(
    origin: Origin, timeframe: Timeframe, symbol: str, limit: int, before_ms: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the newest closed candles, oldest first.

    Returns
    -------
    open_ms : ndarray of shape (k,)
    values : ndarray of shape (k, 8), NaN where a gap is marked
    """
    query = Candle.objects.filter(origin=origin, timeframe=timeframe, symbol=symbol)
    if before_ms is not None:
        query = query.filter(open_ms__lt=before_ms)
    rows = list(
        query.order_by("-open_ms").values_list(
            "open_ms",
            "open",
            "high",
            "low",
            "close",
            "volume",
            "quote_volume",
            "taker_buy_volume",
            "n_trades",
        )[:limit]
    )
    rows.reverse()
    open_ms = np.array([row[0] for row in rows], dtype=np.int64)
    values = np.array([row[1:] for row in rows], dtype=np.float64).reshape(len(rows), 8)
    return open_ms, values


def newest_open_ms(origin: Origin, timeframe: Timeframe, symbols: Sequence[str]) -> dict[str, int]:
    """Return the open time of the newest stored candle of each symbol that has one."""
    from django.db.models import Max

    rows = (
        Candle.objects.filter(origin=origin, timeframe=timeframe, symbol__in=list(symbols))
        .values_list("symbol")
        .annotate(newest=Max("open_ms"))
    )
    return dict(rows)


def prune_candles(origin: Origin, timeframe: Timeframe, older_than_ms: int) -> int:
    """Delete candles opened before `older_than_ms`; return how many went."""
    deleted, _ = Candle.objects.filter(
        origin=origin, timeframe=timeframe, open_ms__lt=older_than_ms
    ).delete()
    return deleted
