"""From the end of stored history to now: what passed while a pipeline was warmed.

At the market's own speed that is a minute at most, and the feed repairs it. In a fast replay, or
with very many symbols, whole candles end meanwhile; told out of order they would be lost to the
factors, which then begin anew. So their minutes are told here, in order, before going live.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.ingest.clock import MarketClock
from signals.ingest.repair import closed_candle
from signals.ingest.rest import MOST_KLINES, MarketRest
from signals.market.history import History
from signals.market.panel import CLOSE
from signals.pipeline.fold import GATHER_MS, Pipeline
from signals.pipeline.outputs import Output

LEAST_MINUTES: Final = 3
"""Fewer are left to the feed's repair."""
_ROUNDS: Final = 8
"""In fast time the asking takes a while itself: so often is it asked for what is new."""
_PARALLEL: Final = 6

_RECENT_MS: Final = 6 * 3_600_000
"""A symbol whose candles end earlier is not traded now; nobody waits for it."""

Minutes = list[tuple[NDArray[np.int64], NDArray[np.float64]]]


def even_end(history: History) -> History:
    """Return `history` up to where every symbol that is traded now has its candles.

    Symbols are loaded one after another: those loaded late reach further, and the others would
    seem to miss a candle there, at which their factors would begin anew.
    """
    known = ~np.isnan(history.candles[:, CLOSE, :])
    last = known.shape[0] - 1 - known[::-1].argmax(axis=0)
    ends = history.open_ms[last[known.any(axis=0)]]
    end_ms = int(ends[ends >= ends.max() - _RECENT_MS].min())
    return history.slice(int(history.open_ms[0]), end_ms + 1)


async def close_distance(
    pipeline: Pipeline,
    rest: MarketRest,
    clock: MarketClock,
    history: History,
    give: Callable[[Output], None],
) -> int:
    """Let the minutes after `history` close in order; return how many there were.

    From coarser history the minutes of the running day are loaded first, so that the candles
    that run at its end can become whole.
    """
    minute = Timeframe.M1
    since_ms = int(history.open_ms[-1]) + history.timeframe.duration_ms
    if history.timeframe is not minute:
        day_ms = Timeframe.D1.open_of(since_ms)
        running = await _ask(rest, history.symbols, day_ms, since_ms - MINUTE_MS)
        for symbol, (open_ms, values) in zip(history.symbols, running, strict=True):
            if open_ms.size:
                pipeline.state.load_candles(minute, pipeline.state.index[symbol], open_ms, values)
    told = 0
    for _ in range(_ROUNDS):
        until_ms = minute.open_of(clock.now_ms()) - MINUTE_MS
        until_ms = min(until_ms, since_ms + (MOST_KLINES - 1) * MINUTE_MS)
        count = (until_ms - since_ms) // MINUTE_MS + 1
        if count < LEAST_MINUTES:
            break
        found = await _ask(rest, history.symbols, since_ms, until_ms)
        _tell(pipeline, history.symbols, found, range(since_ms, until_ms + 1, MINUTE_MS), give)
        told += count
        since_ms = until_ms + MINUTE_MS
    return told


async def _ask(rest: MarketRest, symbols: tuple[str, ...], first_ms: int, last_ms: int) -> Minutes:
    limit = asyncio.Semaphore(_PARALLEL)

    async def one(symbol: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        async with limit:
            return await rest.klines(symbol, Timeframe.M1.value, first_ms, last_ms)

    if last_ms < first_ms:
        return [(np.empty(0, np.int64), np.empty((0, 8)))] * len(symbols)
    return await asyncio.gather(*(one(symbol) for symbol in symbols))


def _tell(
    pipeline: Pipeline,
    symbols: tuple[str, ...],
    found: Minutes,
    minutes: range,
    give: Callable[[Output], None],
) -> None:
    # The pipeline's patience runs on the machine's clock: each minute gets its share of the past.
    began_ms = int(monotonic() * 1000) - len(minutes) * GATHER_MS
    known = [dict(zip(at.tolist(), values.tolist(), strict=True)) for at, values in found]
    for place, open_ms in enumerate(minutes):
        close_ms = open_ms + MINUTE_MS
        for symbol, held in zip(symbols, known, strict=True):
            if open_ms in held:
                pipeline.apply(closed_candle(symbol, open_ms, close_ms, held[open_ms]))
        real_ms = began_ms + (place + 1) * GATHER_MS
        for output in pipeline.advance(close_ms, now_real_ms=real_ms):
            give(output)
