"""Long history: from the exchange into files, and from files into arrays."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from django.conf import settings

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe
from signals.ingest.rest import MOST_KLINES, MarketRest
from signals.market.history import History, Series, stack
from signals.store.datasets import FUNDING, INTEREST, HistoryFiles, series_matrix

Progress = Callable[[str, int, int], None]

_PARALLEL: Final = 6
_DAY_MS: Final = 86_400_000
_INTEREST_SPAN_MS: Final = 500 * 300_000
_MOST_INTEREST_DAYS: Final = 30


def files_of(origin: Origin) -> HistoryFiles:
    """Return the history files of one origin."""
    return HistoryFiles(settings.STORAGE_DIR, origin)


async def load_history(
    rest: MarketRest,
    files: HistoryFiles,
    symbols: Sequence[str],
    timeframe: Timeframe,
    days: int,
    now_ms: int,
    progress: Progress | None = None,
) -> None:
    """Bring the files up to the newest closed candle; what is there is not asked for again.

    A symbol younger than `days` has less; what the exchange does not have stays missing.
    """
    limit = asyncio.Semaphore(_PARALLEL)
    done = 0
    newest_ms = timeframe.open_of(now_ms) - timeframe.duration_ms

    async def load(symbol: str) -> None:
        nonlocal done
        async with limit:
            await _load_candles(rest, files, symbol, timeframe, days, newest_ms)
            await _load_series(rest, files, symbol, days, now_ms)
        done += 1
        if progress:
            progress("Loading history", done, len(symbols))

    await asyncio.gather(*map(load, symbols))


async def _load_candles(
    rest: MarketRest,
    files: HistoryFiles,
    symbol: str,
    timeframe: Timeframe,
    days: int,
    newest_ms: int,
) -> None:
    known_ms = await asyncio.to_thread(files.newest_open_ms, timeframe, symbol)
    first = timeframe.open_of(newest_ms - days * _DAY_MS)
    if known_ms is not None:
        first = known_ms + timeframe.duration_ms
    times, parts = [], []
    while first <= newest_ms:
        last = min(newest_ms, first + (MOST_KLINES - 1) * timeframe.duration_ms)
        open_ms, values = await rest.klines(symbol, timeframe.value, first, last)
        closed = open_ms <= newest_ms
        if closed.any():
            times.append(open_ms[closed])
            parts.append(values[closed])
        # An empty stretch is a hole of the exchange (or before the listing): step over it.
        first = last + timeframe.duration_ms
        if open_ms.size:
            first = max(first, int(open_ms[-1]) + timeframe.duration_ms)
    if times:
        await asyncio.to_thread(
            files.write_candles, timeframe, symbol, np.concatenate(times), np.concatenate(parts)
        )


async def _load_series(
    rest: MarketRest, files: HistoryFiles, symbol: str, days: int, now_ms: int
) -> None:
    known, _ = files.read_series(INTEREST, symbol)
    oldest = now_ms - min(days, _MOST_INTEREST_DAYS) * _DAY_MS + 60_000
    first = max(oldest, int(known[-1]) + 1 if known.size else 0)
    rows: list[tuple[int, float]] = []
    while first < now_ms - 300_000:
        last = min(now_ms, first + _INTEREST_SPAN_MS)
        found = await rest.open_interest_history(symbol, first, last)
        rows += found
        if not found and not rows:
            break
        first = last + 1
    if rows:
        at = np.array([row[0] for row in rows], dtype=np.int64)
        at, places = np.unique(at, return_index=True)
        values = np.array([row[1] for row in rows])[places]
        await asyncio.to_thread(files.write_series, INTEREST, symbol, at, values)
    known, _ = files.read_series(FUNDING, symbol)
    since = int(known[-1]) + 1 if known.size else now_ms - days * _DAY_MS
    settled = await rest.funding_history(symbol, since)
    if settled:
        at = np.array([row[0] for row in settled], dtype=np.int64)
        rates = np.array([row[1] for row in settled])
        await asyncio.to_thread(files.write_series, FUNDING, symbol, at, rates)


def read_history(
    files: HistoryFiles, symbols: Sequence[str], timeframe: Timeframe, since_ms: int = 0
) -> History:
    """Return the stored history of `symbols` as arrays.

    Raises
    ------
    ValueError
        If no symbol has any candle.
    """
    parts = []
    for symbol in symbols:
        open_ms, values = files.read_candles(timeframe, symbol)
        kept = open_ms >= since_ms
        parts.append((open_ms[kept], values[kept]))
    history = stack(symbols, timeframe, parts)
    interest = series_matrix(files, INTEREST, symbols)
    funding = series_matrix(files, FUNDING, symbols)
    return History(
        history.symbols,
        timeframe,
        history.open_ms,
        history.candles,
        None if interest is None else Series(*interest),
        None if funding is None else Series(*funding),
    )
