"""Whole order books of a few symbols, from diffs and snapshots.

Source: Binance, "How to manage a local order book correctly" (USDⓈ-M futures). One symbol is
synchronised at a time, never all: at most four snapshots are in flight, each waits for the
weight budget. While a book is not in sync the state has none, so no factor reads it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from random import Random
from time import monotonic
from typing import Final

import msgspec
import structlog

from cryptosystems.kernel.errors import CryptoSystemsError
from signals.ingest.clock import MarketClock
from signals.ingest.rest import MarketRest
from signals.market.events import BookPartial, DepthDiff, DepthSnapshot, Event, Levels
from signals.market.order_book import BookGap, OrderBook

log = structlog.get_logger(__name__)

SNAPSHOT_LEVELS: Final = 1000
SHOWN_LEVELS: Final = 500
_IN_FLIGHT: Final = 4
_MOST_HELD: Final = 2_000
"""Diffs kept while a snapshot is on its way; more means the snapshot comes too late."""
_REACH_LEFT: Final = 0.5
_REFRESH_S: Final = 300.0
_PAUSE_S: Final = 1.0


class _Book:
    """One symbol: the book in force, and the diffs that came while a snapshot is fetched."""

    def __init__(self) -> None:
        self.order_book = OrderBook()
        self.held: deque[DepthDiff] = deque(maxlen=_MOST_HELD)
        self.is_fetching = False
        self.is_dirty = False
        self.low, self.high = 0.0, float("inf")
        """The snapshot's range: nothing is known beyond it."""
        self.reach = 0.0
        self.fetched = 0.0
        self.event_ms = 0
        self.received_ms = 0

    def start(self, snapshot: DepthSnapshot) -> None:
        """Take a snapshot and the diffs since.

        Raises
        ------
        BookGap
            If the snapshot is older than the first diff held: another one is needed.
        """
        book = OrderBook()
        book.apply_snapshot(snapshot)
        # A side with fewer levels than were asked for is all there is.
        is_cut = [len(side) >= SNAPSHOT_LEVELS for side in (snapshot.bids, snapshot.asks)]
        self.low = snapshot.bids[-1][0] if is_cut[0] else 0.0
        self.high = snapshot.asks[-1][0] if is_cut[1] else float("inf")
        self.reach = self.high - self.low if all(is_cut) else 0.0
        for diff in self.held:
            book.apply_diff(self.within(diff))
        self.order_book = book
        self.is_dirty = True

    def within(self, diff: DepthDiff) -> DepthDiff:
        """Return a diff without the levels beyond the snapshot's range: what lies there is not
        known, and would only pile up."""
        low, high = self.low, self.high
        if not self.reach:
            return diff
        return msgspec.structs.replace(
            diff,
            bids=[level for level in diff.bids if low <= level[0] <= high],
            asks=[level for level in diff.asks if low <= level[0] <= high],
        )

    def levels(self) -> tuple[Levels, Levels]:
        """Return what is known of both sides, best first."""
        return self.order_book.top(SHOWN_LEVELS)


class DeepBooks:
    """Feeds `BookPartial` events of many levels from the diffs of `symbols`."""

    def __init__(
        self,
        rest: MarketRest,
        clock: MarketClock,
        take: Callable[[Event], None],
        forget: Callable[[str], None],
        symbols: Collection[str] = (),
    ) -> None:
        self._rest = rest
        self._clock = clock
        self._take = take
        self._forget = forget
        self._books = {symbol: _Book() for symbol in symbols}
        self._wanted: asyncio.Queue[str] = asyncio.Queue()
        self._random = Random()
        self.n_resyncs = 0
        self.n_snapshots = 0

    @property
    def symbols(self) -> set[str]:
        return set(self._books)

    @property
    def resyncing(self) -> set[str]:
        """Symbols whose book is not in sync now."""
        return {symbol for symbol, book in self._books.items() if not book.order_book.is_synced}

    def drop(self, symbol: str) -> None:
        """Stop keeping a symbol's book."""
        self._books.pop(symbol, None)

    def take(self, diff: DepthDiff) -> None:
        """Take one diff: apply it, or hold it until the snapshot is there."""
        book = self._books.get(diff.symbol)
        if book is None:
            return
        book.event_ms, book.received_ms = diff.event_ms, diff.received_ms
        if book.is_fetching:
            book.held.append(diff)
        if book.order_book.last_id is None:
            self._fetch(diff.symbol, book, diff)
            return
        try:
            book.is_dirty |= book.order_book.apply_diff(book.within(diff))
        except BookGap as gap:
            self._lose(diff.symbol, book, str(gap), diff)

    def _lose(self, symbol: str, book: _Book, reason: str, diff: DepthDiff | None = None) -> None:
        self.n_resyncs += 1
        book.order_book = OrderBook()
        book.is_dirty = False
        self._forget(symbol)
        log.info("book_resync", symbol=symbol, reason=reason)
        self._fetch(symbol, book, diff)

    def _fetch(self, symbol: str, book: _Book, diff: DepthDiff | None = None) -> None:
        if book.is_fetching:
            return
        book.is_fetching = True
        book.held.clear()
        if diff is not None:
            book.held.append(diff)
        self._wanted.put_nowait(symbol)

    async def run(self) -> None:
        """Fetch snapshots for ever, `_IN_FLIGHT` at a time."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_IN_FLIGHT):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            symbol = await self._wanted.get()
            book = self._books.get(symbol)
            if book is None:
                continue
            try:
                answer = await self._rest.depth(symbol, SNAPSHOT_LEVELS)
                now_ms = self._clock.now_ms()
                self.n_snapshots += 1
                book.start(
                    DepthSnapshot(
                        symbol,
                        answer.E or now_ms,
                        now_ms,
                        answer.lastUpdateId,
                        answer.bids,
                        answer.asks,
                    )
                )
                book.is_fetching, book.fetched = False, monotonic()
                book.held.clear()
            except (CryptoSystemsError, BookGap) as error:
                # Too old, crossed, or not to be had: the diffs go on being held meanwhile.
                log.info("book_snapshot_failed", symbol=symbol, reason=str(error)[:100])
                await asyncio.sleep(self._random.uniform(0.2, 1.0) * _PAUSE_S)
                self._wanted.put_nowait(symbol)

    def flush(self) -> None:
        """Give every changed book to the state; call it about once a second."""
        for symbol, book in self._books.items():
            if not book.is_dirty or not book.order_book.is_synced:
                continue
            book.is_dirty = False
            bids, asks = book.levels()
            if not bids or not asks:
                self._lose(symbol, book, "one side is empty within the snapshot's range")
                continue
            self._take(
                BookPartial(
                    symbol,
                    book.event_ms,
                    book.received_ms,
                    book.order_book.last_id or 0,
                    bids,
                    asks,
                )
            )
            mid = (bids[0][0] + asks[0][0]) / 2
            narrow = min(mid - book.low, book.high - mid) < _REACH_LEFT * book.reach / 2
            if narrow and monotonic() - book.fetched > _REFRESH_S:
                # The price went towards the edge of what the snapshot knew: look further. The
                # book in force goes on until the new one stands.
                self._fetch(symbol, book)
