"""Symbols come, go and change while the market runs; nobody restarts anything."""

from decimal import Decimal

import pytest

from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.kernel.instruments import Bracket, InstrumentRules
from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.ingest.universe import UniverseChange, choose_deep, choose_universe, compare
from tests.support.servers import START_MS, exchange, market, until

ONE = (Bracket(0.0, 1e12, 20, 0.01, 0.0),)


def rule(symbol: str, tick: str = "0.1") -> InstrumentRules:
    base = symbol.removesuffix("USDT")
    return InstrumentRules(symbol, base, Decimal(tick), Decimal("0.001"), Decimal("5"), ONE)


LISTED = [rule("AAAUSDT"), rule("BTCUSDT"), rule("CCCUSDT")]
VOLUMES = {"AAAUSDT": 3.0, "BTCUSDT": 1.0, "CCCUSDT": 2.0}


def test_the_universe_is_the_largest_by_volume_and_always_bitcoin() -> None:
    assert [r.symbol for r in choose_universe(LISTED, VOLUMES, 2)] == ["AAAUSDT", "BTCUSDT"]
    assert [r.symbol for r in choose_universe(LISTED, VOLUMES, ("CCCUSDT",))] == ["CCCUSDT"]
    assert choose_deep(LISTED, VOLUMES, 2) == ("AAAUSDT", "CCCUSDT")


def test_a_symbol_that_does_not_trade_is_named_in_the_error() -> None:
    with pytest.raises(CryptoSystemsError, match="ZZZUSDT"):
        choose_universe(LISTED, VOLUMES, ("BTCUSDT", "ZZZUSDT"))
    with pytest.raises(CryptoSystemsError, match="no USDT perpetual"):
        choose_universe([], {}, 5)


def test_a_free_place_goes_to_the_largest_and_nobody_is_dropped_for_its_rank() -> None:
    known = {r.symbol: r for r in LISTED}
    change = compare(known, ["BTCUSDT"], LISTED, VOLUMES, 2)
    assert [r.symbol for r in change.listed] == ["AAAUSDT"] and not change.retired
    assert not compare(known, ["BTCUSDT", "CCCUSDT"], LISTED, VOLUMES, 2)


async def test_a_listing_is_taken_up_a_delisting_let_go_and_a_new_tick_size_noted() -> None:
    changes: list[UniverseChange] = []
    async with exchange(symbols=3) as server:
        server.rest.statuses["SOLUSDT"] = "PENDING_TRADING"
        server.hub.halted.add(2)
        async with market(
            server,
            capacity=4,
            wanted=4,
            universe_every_s=0.1,
            on_universe=changes.append,
        ) as following:
            state, feed = following.state, following.feed
            assert feed.followed == ["BTCUSDT", "ETHUSDT"]
            await server._list({"symbol": "SOLUSDT", "status": "TRADING"})
            await until(lambda: feed.followed == ["BTCUSDT", "ETHUSDT", "SOLUSDT"])
            row = state.index["SOLUSDT"]
            await until(lambda: state.panels[Timeframe.M1].holds(row, START_MS - 2 * MINUTE_MS))
            await until(lambda: "solusdt@kline_1m" in server.hub.listeners)
            await server.advance(MINUTE_MS + 4_000, 1_000)
            await until(lambda: state.panels[Timeframe.M1].holds(row, START_MS))
            assert state.book.bid[row] > 0
            assert await following.minutes_match("SOLUSDT", START_MS - 60 * MINUTE_MS)

            await server._list({"symbol": "ETHUSDT", "status": "SETTLING"})
            await until(lambda: feed.followed == ["BTCUSDT", "SOLUSDT"])
            await until(lambda: "ethusdt@kline_1m" not in server.hub.listeners)
            assert not [s for s, _ in feed.stream_ages() if s.startswith("ethusdt")]

            await server._list({"symbol": "BTCUSDT", "tick_size": "0.50"})
            await until(lambda: changes[-1].changed)
            assert changes[-1].changed[0].tick_size == Decimal("0.50")
            await server._list({"symbol": "ETHUSDT", "status": "TRADING"})
            await until(lambda: feed.followed == ["BTCUSDT", "ETHUSDT", "SOLUSDT"])
            assert feed.counters.disconnects == 0


async def test_a_listing_without_a_row_to_put_it_in_is_left_alone() -> None:
    async with exchange(symbols=3) as server:
        server.rest.statuses["SOLUSDT"] = "PENDING_TRADING"
        async with market(server, capacity=2, wanted=3, universe_every_s=0.05) as following:
            await server._list({"symbol": "SOLUSDT", "status": "TRADING"})
            weight = server.rest.meter.used(0)
            await until(lambda: server.rest.meter.used(0) > weight + 90)
            assert following.feed.followed == ["BTCUSDT", "ETHUSDT"]


async def test_a_list_that_lacks_most_of_the_market_is_not_believed() -> None:
    async with exchange(symbols=4) as server, market(server, universe_every_s=0.05) as following:
        for symbol in following.state.symbols[1:]:
            server.rest.statuses[symbol] = "SETTLING"
        await until(lambda: "not believed" in following.feed.counters.last_error)
        assert len(following.feed.followed) == 4
