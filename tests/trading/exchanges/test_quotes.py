"""Quotes over real sockets: ranges that lose nothing, staleness that is told, lines that come back."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal as D
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import WSMsgType, web

from tests.support.servers import until
from trading.domain.venue import Quote
from trading.exchanges.quotes import FRESH_MS, QuoteFeed

BTC = "BTCUSDT"
BOOK, MARK, TRADES = "btcusdt@bookTicker", "btcusdt@markPrice@1s", "btcusdt@aggTrade"


@dataclass
class Market:
    """A server that remembers what it was asked, and says what it is told."""

    now: int = 1_764_010_800_000
    url: str = ""
    sockets: dict[str, list[web.WebSocketResponse]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """(route, method, stream)"""

    def now_ms(self) -> int:
        return self.now

    async def say(self, route: str, stream: str, **data: Any) -> None:
        for socket in self.sockets.get(route, []):
            if not socket.closed:
                await socket.send_str(json.dumps({"stream": stream, "data": data}))

    async def book(self, bid: str, ask: str, symbol: str = BTC) -> None:
        stream = f"{symbol.lower()}@bookTicker"
        await self.say("public", stream, e="bookTicker", E=self.now, s=symbol, b=bid, a=ask)

    async def mark(self, price: str, **more: Any) -> None:
        data = {"e": "markPriceUpdate", "E": self.now, "s": BTC, "p": price, **more}
        await self.say("market", MARK, **data)

    async def trade(self, price: str) -> None:
        await self.say("market", TRADES, e="aggTrade", E=self.now, T=self.now, s=BTC, p=price)

    def wants(self, route: str) -> set[str]:
        """Return what the newest connection of a route is subscribed to."""
        held: set[str] = set()
        for asked_route, method, stream in self.asked:
            if asked_route == route:
                (held.add if method == "SUBSCRIBE" else held.discard)(stream)
        return held


@pytest_asyncio.fixture
async def market() -> AsyncIterator[Market]:
    held = Market()

    async def serve(request: web.Request) -> web.WebSocketResponse:
        route = request.match_info["route"]
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        held.sockets.setdefault(route, []).append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                order = json.loads(message.data)
                held.asked += [(route, order["method"], stream) for stream in order["params"]]
                await socket.send_json({"result": None, "id": order["id"]})
        return socket

    app = web.Application()
    app.router.add_get("/{route:public|market}/stream", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    held.url = f"ws://127.0.0.1:{runner.addresses[0][1]}"
    yield held
    await runner.cleanup()


@dataclass
class Watching:
    """A feed that runs, and what it has handed on."""

    feed: QuoteFeed
    got: list[Quote] = field(default_factory=list)


@pytest_asyncio.fixture
async def watching(market: Market) -> AsyncIterator[Watching]:
    """BTCUSDT is watched, subscribed to, and has a book and a mark price."""
    held = Watching(QuoteFeed(market.url, market.now_ms))
    held.feed.subscribe(held.got.append)
    held.feed.watch(BTC)
    task = asyncio.create_task(held.feed.run())
    await until(lambda: market.wants("public") == {BOOK} and market.wants("market") >= {MARK})
    await market.book("59999.90", "60000.10")
    await market.mark("60000.00", r="0.00010000", T=1_764_028_800_000)
    await until(lambda: held.got)
    yield held
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_streams_are_asked_for_on_the_route_they_live_on(
    market: Market, watching: Watching
) -> None:
    assert market.wants("public") == {BOOK}
    assert market.wants("market") == {MARK, TRADES}


async def test_a_quote_is_exact_and_whole(market: Market, watching: Watching) -> None:
    quote = watching.feed.quote(BTC)

    assert quote is not None
    assert (quote.bid, quote.ask, quote.mark) == (D("59999.90"), D("60000.10"), D("60000.00"))
    assert quote.last == quote.bid, "until somebody trades"
    assert (quote.funding_rate, quote.next_funding_ms) == (D("0.00010000"), 1_764_028_800_000)
    assert quote.at_ms == market.now


async def test_there_is_no_quote_before_both_book_and_mark_price(market: Market) -> None:
    feed = QuoteFeed(market.url, market.now_ms)
    feed.watch(BTC)

    assert feed.quote(BTC) is None
    assert feed.age_ms(BTC, market.now) is None
    assert not feed.is_fresh(BTC, market.now)
    assert feed.quote("NOBODYUSDT") is None


async def test_a_spike_between_two_quotes_is_in_the_range_of_the_next(
    market: Market, watching: Watching
) -> None:
    watching.got.clear()

    for price in ("60000.00", "61500.00", "58200.10", "60001.00"):
        await market.trade(price)
        await market.mark(price)
    await until(lambda: watching.got and watching.got[-1].last == D("60001.00"))

    assert max(q.high for q in watching.got) == D("61500.00")
    assert min(q.low for q in watching.got) == D("58200.10")
    assert max(q.mark_high or 0 for q in watching.got) == D("61500.00")
    assert min(q.mark_low or 0 for q in watching.got) == D("58200.10")
    # The range begins anew with each quote that was handed on.
    watching.got.clear()
    await market.trade("60002.00")
    await until(lambda: watching.got)
    assert (watching.got[0].high, watching.got[0].low) == (D("60002.00"), D("60002.00"))


async def test_a_storm_is_handed_on_as_few_quotes(market: Market, watching: Watching) -> None:
    watching.got.clear()

    for step in range(400):
        await market.book(f"{59_000 + step}", f"{59_001 + step}")
    await until(lambda: watching.got and watching.got[-1].bid == 59_399)

    assert len(watching.got) < 40


async def test_a_quiet_book_is_fresh_and_a_silent_mark_price_is_not(
    market: Market, watching: Watching
) -> None:
    market.now += 60_000
    await market.mark("60000.50")
    await until(lambda: watching.feed.is_fresh(BTC, market.now))

    market.now += FRESH_MS
    assert watching.feed.is_fresh(BTC, market.now)
    market.now += 1
    assert not watching.feed.is_fresh(BTC, market.now)


async def test_a_book_that_trades_pass_by_is_stale_and_asked_for_again(
    market: Market, watching: Watching
) -> None:
    """The socket lives, the book is dead: what trades outside it tells."""
    await market.trade("60500.00")
    await market.mark("60500.00")
    await until(lambda: watching.got[-1].last == D("60500.00"))
    market.now += FRESH_MS + 1
    await market.mark("60500.00")
    await until(lambda: watching.got[-1].at_ms == market.now)

    assert not watching.feed.is_fresh(BTC, market.now)
    await until(lambda: watching.feed.counters.asked_again >= 1)
    await until(lambda: market.asked.count(("public", "SUBSCRIBE", BOOK)) >= 2)


async def test_a_lost_line_makes_the_quote_old_until_it_is_back(
    market: Market, watching: Watching
) -> None:
    for socket in market.sockets["public"]:
        await socket.close()
    market.now += FRESH_MS + 1
    await market.mark("60000.00")
    await until(lambda: len(market.sockets["public"]) == 2)
    assert not watching.feed.is_fresh(BTC, market.now)

    await until(lambda: market.asked.count(("public", "SUBSCRIBE", BOOK)) == 2)
    await market.book("60000.00", "60000.20")
    await market.mark("60000.00")

    await until(lambda: watching.feed.is_fresh(BTC, market.now))


async def test_symbols_come_and_go_on_living_sockets(market: Market, watching: Watching) -> None:
    watching.feed.watch("ETHUSDT")
    watching.feed.watch("ETHUSDT")
    await until(lambda: "ethusdt@bookTicker" in market.wants("public"))

    watching.feed.unwatch("ETHUSDT")
    assert "ETHUSDT" in watching.feed.symbols, "somebody else still watches it"
    watching.feed.unwatch("ETHUSDT")
    await until(lambda: market.wants("public") == {BOOK})

    assert watching.feed.symbols == (BTC,)
    assert len(market.sockets["public"]) == 1


async def test_many_symbols_at_once_are_few_messages(market: Market, watching: Watching) -> None:
    names = [f"C{n}USDT" for n in range(150)]

    for name in names:
        watching.feed.watch(name)
    await until(lambda: len(market.wants("market")) == 302)

    # 302 streams do not fit on one connection, 151 do.
    assert (len(market.sockets["public"]), len(market.sockets["market"])) == (1, 2)


@pytest.mark.parametrize(
    "frame",
    [
        "no json",
        '{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","s":"BTCUSDT","b":"x","a":"1"}}',
        '{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","s":"BTCUSDT"}}',
        '{"stream":"btcusdt@bookTicker","data":[1]}',
        '{"result":7}',
    ],
    ids=["text", "number", "missing", "list", "result"],
)
async def test_an_odd_frame_changes_nothing_and_the_line_lives(
    market: Market, watching: Watching, frame: str
) -> None:
    for socket in market.sockets["public"]:
        await socket.send_str(frame)
    await market.book("60000.00", "60000.20")

    await until(lambda: watching.got[-1].bid == D("60000.00"))
    assert len(market.sockets["public"]) == 1


@pytest.mark.parametrize(
    ("bid", "ask"), [("0", "1"), ("-1", "1"), ("61000", "60000"), ("nan", "nan")]
)
async def test_an_impossible_book_is_not_taken(
    market: Market, watching: Watching, bid: str, ask: str
) -> None:
    before = watching.feed.quote(BTC)
    await market.book(bid, ask)
    await market.book("60000.00", "60000.20", symbol="OTHERUSDT")
    frames = watching.feed.counters.frames
    await market.mark("60000.00")
    await until(lambda: watching.feed.counters.frames > frames)

    after = watching.feed.quote(BTC)
    assert before is not None
    assert after is not None
    assert (after.bid, after.ask) == (before.bid, before.ask)


async def test_one_takers_fault_is_not_the_others(market: Market, watching: Watching) -> None:
    def fails(quote: Quote) -> None:
        raise RuntimeError("a taker's own fault")

    undo = watching.feed.subscribe(fails)
    later: list[Quote] = []
    watching.feed.subscribe(later.append)
    await market.mark("60001.00")

    await until(lambda: later)
    undo()
