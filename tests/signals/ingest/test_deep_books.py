"""Whole books from diffs and snapshots: equal to the exchange's, or honestly absent."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from signals.ingest.deep import DeepBooks
from signals.ingest.wire import DepthAnswer
from signals.market.events import BookPartial, DepthDiff, Levels
from tests.support.servers import START_MS, Market, exchange, market, until
from trading.simulator.server import ExchangeServer


@pytest.fixture
async def server() -> AsyncIterator[ExchangeServer]:
    async with exchange(symbols=6) as started:
        yield started


@pytest.fixture
async def following(server: ExchangeServer) -> AsyncIterator[Market]:
    async with market(server, deep_symbols=("BTCUSDT", "ETHUSDT", "SOLUSDT")) as started:
        yield started


def truth(server: ExchangeServer, place: int) -> tuple[list[list[float]], list[list[float]]]:
    """Return the exchange's own book as numbers."""
    from trading.simulator.book import as_text

    book, scale = server.hub.books.snapshot(place), server.world.tape.scales[place]
    return tuple(  # type: ignore[return-value]
        [[float(p), float(q)] for p, q in as_text(side, scale)] for side in (book.bids, book.asks)
    )


def held(following: Market, symbol: str) -> Any:
    levels = following.state.book.levels[following.state.index[symbol]]
    return None if levels is None else tuple([list(level) for level in side] for side in levels)


async def synced(server: ExchangeServer, following: Market, n: int = 8) -> None:
    """Let beats pass until every deep book has joined a snapshot to its diffs."""
    for _ in range(n):
        await server.advance(500)
        await until(lambda: following.feed.deep._wanted.empty())
        if not following.feed.deep.resyncing:
            break
    await until(lambda: not following.feed.deep.resyncing)


async def test_a_deep_book_equals_the_exchanges_own_and_reaches_beyond_twenty_levels(
    server: ExchangeServer, following: Market
) -> None:
    await synced(server, following)
    for _ in range(20):
        await server.advance(500)
        await until(lambda: held(following, "BTCUSDT") == truth(server, 0))
    assert len(held(following, "BTCUSDT")[0]) == 60
    assert held(following, "SOLUSDT") == truth(server, 2)
    following.state.tick(server.clock.now_ms())
    row = following.state.index["BTCUSDT"]
    bands = following.state.book.imbalance[:, row]
    assert (bands == bands).all(), "every band up to 2 % is covered"
    assert following.feed.deep.n_resyncs == 0


async def test_a_symbol_with_a_deep_book_is_not_followed_by_partial_books_too(
    server: ExchangeServer, following: Market
) -> None:
    await server.advance(1_000)
    streams = set(server.hub.listeners)
    assert {"btcusdt@depth@500ms", "bnbusdt@depth20@500ms"} <= streams
    assert "btcusdt@depth20@500ms" not in streams


async def test_a_broken_chain_loses_one_book_and_no_other(
    server: ExchangeServer, following: Market
) -> None:
    await synced(server, following)
    await until(lambda: held(following, "ETHUSDT") and held(following, "BTCUSDT"))
    snapshots = following.feed.deep.n_snapshots
    server.faults.add(
        {"channel": "ws", "match": "ethusdt@depth", "action": "break_chain", "count": 1}
    )
    # The new snapshot must not be there before we have looked.
    server.faults.add({"channel": "rest", "match": "depth", "action": "status", "count": 1})
    await server.advance(500)
    await until(lambda: following.feed.deep.resyncing == {"ETHUSDT"})
    assert held(following, "ETHUSDT") is None, "no factor reads a book that is out of step"
    assert held(following, "BTCUSDT") is not None
    for _ in range(10):
        await server.advance(500)
        await until(lambda: following.feed.deep._wanted.empty())
        if not following.feed.deep.resyncing:
            break
    await until(lambda: following.feed.deep.n_snapshots > snapshots)
    await synced(server, following)
    await until(lambda: held(following, "ETHUSDT") == truth(server, 1))
    assert following.feed.deep.n_resyncs == 1


@pytest.mark.parametrize("action", ["drop", "crossed", "garbage", "nan"])
async def test_a_lost_crossed_or_unreadable_diff_ends_in_a_true_book_again(
    server: ExchangeServer, following: Market, action: str
) -> None:
    await synced(server, following)
    server.faults.add({"channel": "ws", "match": "btcusdt@depth", "action": action, "count": 1})
    await server.advance(500)
    await server.advance(500)
    await until(lambda: following.feed.deep.n_resyncs == 1)
    await synced(server, following)
    await until(lambda: held(following, "BTCUSDT") == truth(server, 0))


async def test_a_snapshot_older_than_every_diff_held_is_asked_for_again(
    server: ExchangeServer, following: Market
) -> None:
    await synced(server, following)
    for _ in range(8):
        await server.advance(500)
    server.faults.add(
        {
            "channel": "rest",
            "match": "depth",
            "action": "old_book",
            "args": {"links": 6},
            "count": 1,
        }
    )
    server.faults.add(
        {"channel": "ws", "match": "btcusdt@depth", "action": "break_chain", "count": 1}
    )
    await server.advance(500)
    await until(lambda: following.feed.deep.n_resyncs == 1)
    before = following.feed.deep.n_snapshots
    await until(lambda: following.feed.deep.n_snapshots >= before + 1)
    await synced(server, following)
    await until(lambda: held(following, "BTCUSDT") == truth(server, 0))
    assert server.faults.find("rest", "depth") is None, "the old snapshot was really served"


async def test_a_snapshot_newer_than_the_diffs_held_waits_for_the_one_that_spans_it(
    server: ExchangeServer, following: Market
) -> None:
    """The answer is late: meanwhile the chain goes on, and the diffs held lie before it."""
    server.faults.add(
        {"channel": "rest", "match": "depth.*BTCUSDT", "action": "delay", "args": {"seconds": 0.1}}
    )
    for _ in range(4):
        await server.advance(500)
    await until(lambda: following.feed.deep.n_snapshots == 3)
    await synced(server, following)
    await until(lambda: held(following, "BTCUSDT") == truth(server, 0))


async def test_many_books_lost_at_once_are_fetched_four_at_a_time_within_the_weight(
    server: ExchangeServer,
) -> None:
    names = [rules.symbol for rules in server.world.rules]
    async with market(server, deep_symbols=tuple(names)) as following:
        for _ in range(3):
            await server.advance(500)
        await until(lambda: following.feed.deep.n_snapshots >= 6)
        assert following.rest.budget._used <= 0.4 * 2400
        await synced(server, following)


async def test_a_book_knows_nothing_beyond_the_range_of_its_snapshot() -> None:
    """A thousand levels were asked for and came: what lies further out is not known."""
    taken: list[BookPartial] = []
    lost: list[str] = []

    class Told:
        async def depth(self, symbol: str, limit: int) -> DepthAnswer:
            bids = [(1000.0 - k * 0.1, 1.0) for k in range(limit)]
            asks = [(1000.1 + k * 0.1, 1.0) for k in range(limit)]
            return DepthAnswer(10, bids, asks, START_MS)

    class Still:
        def now_ms(self) -> int:
            return START_MS

    def diff(last: int, bids: Levels, asks: Levels) -> DepthDiff:
        return DepthDiff("BTCUSDT", START_MS, START_MS, last, last, last - 1, bids, asks)

    deep = DeepBooks(Told(), Still(), taken.append, lost.append, ["BTCUSDT"])  # type: ignore[arg-type]
    task = asyncio.create_task(deep.run())
    try:
        deep.take(diff(10, [], []))
        await until(lambda: not deep.resyncing)
        deep.take(diff(11, [(100.0, 5.0), (999.95, 2.0)], [(5000.0, 5.0)]))
        deep.flush()
        assert taken[-1].bids[:3] == [(1000.0, 1.0), (999.95, 2.0), (999.9, 1.0)]
        assert len(deep._books["BTCUSDT"].order_book._bids) == 1001
        # The price leaves the range upwards: every ask within it is eaten.
        deep.take(diff(12, [], [(round(1000.1 + k * 0.1, 1), 0.0) for k in range(1000)]))
        deep.take(diff(13, [], [(1000.1 + k * 0.1, 0.0) for k in range(1000)]))
        deep.flush()
        assert lost == ["BTCUSDT"] and deep.resyncing == {"BTCUSDT"}
    finally:
        task.cancel()
