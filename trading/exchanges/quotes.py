"""The market of the symbols that are traded, as quotes: top of book, mark price, last trade.

Two sockets of the exchange speak of it: `/public` (book) and `/market` (mark price, trades).
Each quote carries the range since the one before, so that no touch of a stop is lost between two.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import msgspec
import structlog

from trading.domain.venue import Quote
from trading.exchanges.quote_lines import Line, LineCounters

log = structlog.get_logger(__name__)

EVERY_S: Final = 0.05
"""How often a symbol's new quotes are handed on: at most 20 in a second."""
FRESH_MS: Final = 5_000
"""A quote older than this is not acted upon by paper accounts."""
_DOUBT_MS: Final = 2_000
"""A book whose symbol trades outside it for so long is not believed to be alive."""
_MOST_STREAMS: Final = 200

Number = str | float | int
Take = Callable[[Quote], None]


class _Kind(msgspec.Struct):
    e: str = ""


class _Book(msgspec.Struct):
    s: str
    b: Number
    a: Number
    E: int = 0


class _Mark(msgspec.Struct):
    s: str
    p: Number
    r: Number | None = None
    T: int | None = None
    E: int = 0


class _Trade(msgspec.Struct):
    s: str
    p: Number
    T: int
    E: int = 0


class _Frame(msgspec.Struct):
    data: msgspec.Raw
    stream: str = ""


_FRAME: Final = msgspec.json.Decoder(_Frame, strict=False)
_KIND: Final = msgspec.json.Decoder(_Kind, strict=False)
_BOOK: Final = msgspec.json.Decoder(_Book, strict=False)
_MARK: Final = msgspec.json.Decoder(_Mark, strict=False)
_TRADE: Final = msgspec.json.Decoder(_Trade, strict=False)


@dataclass(slots=True)
class _Range:
    """Highest and lowest value since the quote before; text is kept, numbers compare."""

    high: str = ""
    low: str = ""

    def take(self, text: str) -> None:
        value = float(text)
        if not self.high or value > float(self.high):
            self.high = text
        if not self.low or value < float(self.low):
            self.low = text


@dataclass(slots=True)
class _Watched:
    """What is known of one symbol."""

    symbol: str
    users: int = 0
    bid: str = ""
    ask: str = ""
    last: str = ""
    mark: str = ""
    rate: str = ""
    next_funding_ms: int | None = None
    at_ms: int = 0
    """Exchange time of the newest part."""
    book_ms: int = 0
    """When the book was last heard of, the exchange's time as we carry it on."""
    mark_ms: int = 0
    outside_ms: int = 0
    """Since when trades were outside the book; 0: they are not."""
    trades: _Range = field(default_factory=_Range)
    marks: _Range = field(default_factory=_Range)
    is_new: bool = False

    @property
    def streams(self) -> tuple[str, str, str]:
        name = self.symbol.lower()
        return f"{name}@bookTicker", f"{name}@markPrice@1s", f"{name}@aggTrade"


class QuoteFeed:
    """Quotes of the watched symbols; `run` it in a task, `subscribe` to what is new."""

    def __init__(self, streams_url: str, now_ms: Callable[[], int], *, speed: float = 1.0) -> None:
        self.counters = LineCounters()
        self._url = streams_url.rstrip("/")
        self._now_ms = now_ms
        self._fresh_ms = FRESH_MS * max(1.0, speed)
        """In the market's time, which runs faster than ours in a replay."""
        self._doubt_ms = _DOUBT_MS * max(1.0, speed)
        self._watched: dict[str, _Watched] = {}
        self._takers: list[Take] = []
        self._lines: dict[str, list[Line]] = {"public": [], "market": []}
        self._tasks: dict[Line, asyncio.Task[None]] = {}
        self._is_running = False

    # --- what is watched --------------------------------------------------------------------------

    def watch(self, symbol: str) -> None:
        """Listen to a symbol; each `watch` needs its `unwatch`."""
        held = self._watched.setdefault(symbol, _Watched(symbol))
        held.users += 1
        if held.users == 1:
            book, mark, trade = held.streams
            self._listen("public", [book])
            self._listen("market", [mark, trade])

    def unwatch(self, symbol: str) -> None:
        held = self._watched.get(symbol)
        if held is None:
            return
        held.users -= 1
        if held.users > 0:
            return
        del self._watched[symbol]
        for line in (*self._lines["public"], *self._lines["market"]):
            line.drop(held.streams)

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self._watched)

    def subscribe(self, take: Take) -> Callable[[], None]:
        """Call `take` with each new quote, at most 20 a second and symbol; return the undoing."""
        self._takers.append(take)

        def undo() -> None:
            with suppress(ValueError):
                self._takers.remove(take)

        return undo

    def _listen(self, route: str, streams: list[str]) -> None:
        lines = self._lines[route]
        for line in lines:
            if len(line.streams) + len(streams) <= _MOST_STREAMS:
                line.add(streams)
                return
        line = Line(f"{self._url}/{route}/stream", self._take, self.counters)
        line.add(streams)
        lines.append(line)
        if self._is_running:
            self._tasks[line] = asyncio.create_task(line.run())

    # --- what is known ----------------------------------------------------------------------------

    def quote(self, symbol: str) -> Quote | None:
        """Return the market of a symbol now, or None where a part is not known yet.

        The range is that since the last quote that was handed on.
        """
        held = self._watched.get(symbol)
        return None if held is None else _quote_of(held)

    def age_ms(self, symbol: str, now_ms: int) -> int | None:
        """Return how old the quote may be; None where there is none.

        A quiet book is not an old one: it counts as fresh while its socket lives and nothing
        trades outside it. The mark price comes each second and has no such excuse.
        """
        held = self._watched.get(symbol)
        if held is None or not held.book_ms or not held.mark_ms:
            return None
        book_ms = held.book_ms
        is_alive = any(line.is_up and held.streams[0] in line.heard for line in self._public)
        is_doubted = held.outside_ms and now_ms - held.outside_ms > self._doubt_ms
        if is_alive and not is_doubted:
            book_ms = now_ms
        return max(0, now_ms - min(book_ms, held.mark_ms))

    def is_fresh(self, symbol: str, now_ms: int) -> bool:
        """Say whether the quote of a symbol may be acted upon."""
        age_ms = self.age_ms(symbol, now_ms)
        return age_ms is not None and age_ms <= self._fresh_ms

    @property
    def _public(self) -> list[Line]:
        return self._lines["public"]

    # --- life -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the sockets alive and hand quotes on, until cancelled."""
        self._is_running = True
        try:
            for line in (*self._lines["public"], *self._lines["market"]):
                self._tasks[line] = asyncio.create_task(line.run())
            while True:
                await asyncio.sleep(EVERY_S)
                self.hand_on()
        finally:
            self._is_running = False
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._tasks.clear()

    def hand_on(self) -> None:
        """Give every new quote to the takers, and begin its range anew."""
        now_ms = self._now_ms()
        for held in list(self._watched.values()):
            if held.outside_ms and now_ms - held.outside_ms > self._doubt_ms:
                for line in self._public:
                    line.doubt(held.streams[0])
            if not held.is_new:
                continue
            quote = _quote_of(held)
            if quote is None:
                continue
            held.is_new = False
            held.trades, held.marks = _Range(), _Range()
            for take in list(self._takers):
                try:
                    take(quote)
                except Exception:
                    # One taker's fault is not the others'.
                    log.exception("quote_taker_failed", symbol=held.symbol)

    # --- frames -----------------------------------------------------------------------------------

    def _take(self, payload: bytes) -> str:
        """Read one frame; return the stream's name, empty where it is none."""
        frame = _FRAME.decode(payload)
        kind = _KIND.decode(frame.data).e
        if kind == "bookTicker":
            self._take_book(_BOOK.decode(frame.data))
        elif kind == "markPriceUpdate":
            self._take_mark(_MARK.decode(frame.data))
        elif kind == "aggTrade":
            self._take_trade(_TRADE.decode(frame.data))
        return frame.stream

    def _take_book(self, book: _Book) -> None:
        held = self._watched.get(book.s)
        bid, ask = str(book.b), str(book.a)
        if held is None or not 0 < float(bid) <= float(ask):
            return
        held.bid, held.ask, held.book_ms = bid, ask, self._now_ms()
        held.outside_ms = 0
        self._renew(held, book.E)

    def _take_mark(self, mark: _Mark) -> None:
        held = self._watched.get(mark.s)
        price = str(mark.p)
        if held is None or not float(price) > 0:
            return
        held.mark, held.mark_ms = price, self._now_ms()
        held.marks.take(price)
        held.rate = "" if mark.r in (None, "") else str(mark.r)
        held.next_funding_ms = mark.T or None
        self._renew(held, mark.E)

    def _take_trade(self, trade: _Trade) -> None:
        held = self._watched.get(trade.s)
        price = str(trade.p)
        if held is None or not float(price) > 0:
            return
        held.last = price
        held.trades.take(price)
        if held.bid and not float(held.bid) <= float(price) <= float(held.ask):
            held.outside_ms = held.outside_ms or self._now_ms()
        else:
            held.outside_ms = 0
        self._renew(held, trade.T)

    def _renew(self, held: _Watched, at_ms: int) -> None:
        held.at_ms = max(held.at_ms, at_ms)
        held.is_new = True


def _quote_of(held: _Watched) -> Quote | None:
    if not held.bid or not held.mark:
        return None
    # Until somebody trades, the last price is the best bid.
    last = held.last or held.bid
    return Quote(
        symbol=held.symbol,
        bid=Decimal(held.bid),
        ask=Decimal(held.ask),
        last=Decimal(last),
        mark=Decimal(held.mark),
        high=Decimal(held.trades.high or last),
        low=Decimal(held.trades.low or last),
        at_ms=held.at_ms,
        mark_high=Decimal(held.marks.high or held.mark),
        mark_low=Decimal(held.marks.low or held.mark),
        funding_rate=Decimal(held.rate) if held.rate else None,
        next_funding_ms=held.next_funding_ms,
    )
