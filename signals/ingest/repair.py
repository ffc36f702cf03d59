"""Closed candles that did not come: asked for, marked as a gap, repaired for a day.

A minute is asked for three seconds after it ended, a few times more until thirty; what then
no source has is marked, never filled in. Each minute the last 24 hours are counted against
the calendar, so that a hole is found whatever made it.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import structlog

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.ingest.clock import MarketClock
from signals.ingest.rest import MarketRest
from signals.market.events import CandleGap, CandleUpdate, Event
from signals.market.panel import CLOSE, NEVER
from signals.market.state import MarketState

log = structlog.get_logger(__name__)

GRACE_S: Final = 3.0
"""Real seconds after a minute's end before REST is asked for its candle."""
GAP_S: Final = 30.0
"""Real seconds after a minute's end before it is marked as a gap."""
KEEP_MS: Final = 86_400_000
"""How long a gap is tried for."""
DAY_MINUTES: Final = 1440
_AGAIN_S: Final = 5.0
_FIRST_PAUSE_MS: Final = 60_000
_LONGEST_PAUSE_MS: Final = 600_000
_MOST_REFILL: Final = 1_000
_MOST_ASKED: Final = 60
"""Requests of one pass over old holes; the next pass goes on."""
_PARALLEL: Final = 4


@dataclass(slots=True)
class _Gap:
    """One minute nobody has."""

    marked_ms: int
    next_ms: int
    pause_ms: int = _FIRST_PAUSE_MS


@dataclass(slots=True)
class CandleRepair:
    """Keeps the 1m panel of every active symbol complete, or its holes named."""

    state: MarketState
    rest: MarketRest
    clock: MarketClock
    take: Callable[[Event], None]
    is_clock_sound: Callable[[], bool] = lambda: True
    gaps: dict[str, dict[int, _Gap]] = field(default_factory=dict)
    n_refilled: int = 0
    n_marked: int = 0
    n_repaired: int = 0
    n_missing_24h: int = 0
    """Minutes of the last 24 hours that are not held, all symbols, as last counted."""
    _asked_ms: dict[str, int] = field(default_factory=dict)

    @property
    def degraded(self) -> set[str]:
        """Symbols with an open gap."""
        return set(self.gaps)

    @property
    def n_gaps(self) -> int:
        """Minutes that are marked now."""
        return sum(map(len, self.gaps.values()))

    def _active(self) -> list[tuple[str, int]]:
        state = self.state
        return [(s, state.index[s]) for s in state.symbols if state.active[state.index[s]]]

    def expected_ms(self, now_ms: int) -> int:
        """Return the open time of the newest minute that should be held by now."""
        grace = min(GRACE_S, self.clock.real_seconds(MINUTE_MS) / 2)
        return (now_ms - int(grace * 1000 * self.clock.speed)) // MINUTE_MS * MINUTE_MS - MINUTE_MS

    # --- every second ---------------------------------------------------------------------------

    async def turn(self) -> None:
        """Ask for what is late; mark what stays missing; try marked ones again."""
        now_ms = self.clock.now_ms()
        expected = self.expected_ms(now_ms)
        minutes = self.state.panels[Timeframe.M1]
        wanted: list[tuple[str, int, int]] = []
        for symbol, row in self._active():
            self._settle(symbol, row, now_ms)
            last = int(minutes.last_open_ms[row])
            known = self.gaps.get(symbol, {})
            first = last + MINUTE_MS
            while first in known:
                first += MINUTE_MS
            if last == NEVER or first > expected or now_ms < self._asked_ms.get(symbol, 0):
                continue
            self._asked_ms[symbol] = now_ms + int(_AGAIN_S * 1000 * self.clock.speed)
            wanted.append((symbol, max(first, expected - (_MOST_REFILL - 1) * MINUTE_MS), expected))
        wanted += self._due(now_ms)
        await self._ask_all(wanted)

    def _settle(self, symbol: str, row: int, now_ms: int) -> None:
        """Forget gaps whose candle has come, from whatever source, and those too old to try."""
        held = self.gaps.get(symbol)
        if held is None:
            return
        minutes = self.state.panels[Timeframe.M1]
        for open_ms in list(held):
            if minutes.holds(row, open_ms):
                self.n_repaired += 1
                del held[open_ms]
            elif now_ms - open_ms > KEEP_MS:
                del held[open_ms]
        if not held:
            del self.gaps[symbol]

    def _due(self, now_ms: int) -> list[tuple[str, int, int]]:
        """Return the marked minutes whose next try has come, as spans."""
        spans = []
        for symbol, held in self.gaps.items():
            due = sorted(open_ms for open_ms, gap in held.items() if gap.next_ms <= now_ms)
            for open_ms in due:
                gap = held[open_ms]
                gap.pause_ms = min(_LONGEST_PAUSE_MS, gap.pause_ms * 2)
                gap.next_ms = now_ms + gap.pause_ms
            spans += [(symbol, first, last) for first, last in _spans(due)]
        return spans[:_MOST_ASKED]

    # --- every minute ---------------------------------------------------------------------------

    async def check(self) -> None:
        """Count the last 24 hours against the calendar; ask for what is not held."""
        minutes = self.state.panels[Timeframe.M1]
        newest = minutes.newest_open_ms
        if newest == NEVER:
            return
        count = min(DAY_MINUTES, minutes.capacity)
        closes = minutes.window(count)[:, CLOSE]
        first_ms = newest - (count - 1) * MINUTE_MS
        wanted: list[tuple[str, int, int]] = []
        missing = 0
        for symbol, row in self._active():
            unknown = np.isnan(closes[:, row])
            if unknown.all():
                continue
            # Before the first candle the symbol was not followed: nothing is missing there.
            start = int(np.argmin(unknown))
            last = min(int(minutes.last_open_ms[row]), newest)
            places = np.nonzero(unknown[start:])[0] + start
            holes = first_ms + places * MINUTE_MS
            holes = holes[holes < last]
            missing += holes.size
            known = self.gaps.get(symbol, {})
            new = [int(open_ms) for open_ms in holes if int(open_ms) not in known]
            wanted += [(symbol, first, last) for first, last in _spans(new)]
        self.n_missing_24h = missing
        if missing:
            log.warning("candles_missing", n=missing, symbols=len({s for s, _, _ in wanted}))
        await self._ask_all(wanted[:_MOST_ASKED])

    async def backfill(self, symbol: str) -> None:
        """Take up a symbol we did not follow: its last day, the newest part first."""
        expected = self.expected_ms(self.clock.now_ms())
        first = expected - (DAY_MINUTES - 1) * MINUTE_MS
        middle = expected - (_MOST_REFILL - 1) * MINUTE_MS
        await self._fill(symbol, middle, expected)
        await self._fill(symbol, first, middle - MINUTE_MS)

    # --- asking ---------------------------------------------------------------------------------

    async def _ask_all(self, wanted: list[tuple[str, int, int]]) -> None:
        """Ask for spans of minutes, a few at a time; raise the first failure at the end."""
        limit = asyncio.Semaphore(_PARALLEL)

        async def ask(symbol: str, first: int, last: int) -> None:
            async with limit:
                try:
                    await self._fill(symbol, first, last)
                except InvalidInput:
                    log.warning("candles_refused", symbol=symbol)
                finally:
                    self._mark(symbol, first, last)

        results = await asyncio.gather(*(ask(*span) for span in wanted), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _fill(self, symbol: str, first_ms: int, last_ms: int) -> None:
        count = (last_ms - first_ms) // MINUTE_MS + 1
        open_ms, values = await self.rest.klines(symbol, "1m", first_ms, last_ms, count)
        received = self.clock.now_ms()
        for at, row in zip(open_ms.tolist(), values.tolist(), strict=True):
            if first_ms <= at <= last_ms:
                self.n_refilled += 1
                self.take(closed_candle(symbol, at, received, row))

    def _mark(self, symbol: str, first_ms: int, last_ms: int) -> None:
        """Mark the minutes of a span that are still missing thirty seconds after their end."""
        now_ms = self.clock.now_ms()
        row = self.state.index[symbol]
        minutes = self.state.panels[Timeframe.M1]
        if not self.is_clock_sound():
            return  # by a wrong clock, minutes would be missed that have not been yet
        for open_ms in range(first_ms, last_ms + 1, MINUTE_MS):
            age_s = self.clock.real_seconds(now_ms - open_ms - MINUTE_MS)
            held = self.gaps.get(symbol, {})
            if age_s < GAP_S or open_ms in held or minutes.holds(row, open_ms):
                continue
            gap = _Gap(now_ms, now_ms + _FIRST_PAUSE_MS)
            self.gaps.setdefault(symbol, {})[open_ms] = gap
            self.n_marked += 1
            self.take(CandleGap(symbol, now_ms, now_ms, open_ms))


def closed_candle(symbol: str, open_ms: int, received_ms: int, row: list[float]) -> CandleUpdate:
    """Return the event of a closed candle as REST told it; `row` in the order of the panel."""
    open_, high, low, close, volume, quote, taker_buy, n_trades = row
    return CandleUpdate(
        symbol,
        open_ms + MINUTE_MS,
        received_ms,
        open_ms,
        open_,
        high,
        low,
        close,
        volume,
        quote,
        taker_buy,
        n_trades,
        True,
    )


def _spans(open_ms: Iterable[int]) -> list[tuple[int, int]]:
    """Join consecutive minutes into (first, last) spans no longer than one request."""
    spans: list[tuple[int, int]] = []
    for at in open_ms:
        if (
            spans
            and at == spans[-1][1] + MINUTE_MS
            and at - spans[-1][0] < _MOST_REFILL * MINUTE_MS
        ):
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((at, at))
    return spans
