"""Sockets that are cut, mute, misrouted or old: nothing is missed, and the fault has a name."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.ingest.connection import ConnectBudget, FeedCounters, StreamConnection
from signals.ingest.topics import ALL_MARKS, MOST_STREAMS, plan_sockets
from signals.market.events import CandleUpdate
from tests.support.servers import (
    START_MS,
    ExchangeClock,
    Market,
    exchange,
    market,
    running,
    until,
)
from trading.simulator.server import ExchangeServer

QUICK = 0.02
"""Deadlines of 15 s become 0.3 s."""


@pytest.fixture
async def server() -> AsyncIterator[ExchangeServer]:
    async with exchange() as started:
        yield started


async def closed_once(following: Market, since_ms: int) -> bool:
    """Say whether every minute came, once, and as the exchange has it."""
    counted = [c.rows.sum() for c in following.state.drain_closed() if c.timeframe is Timeframe.M1]
    matches = [await following.minutes_match(s, since_ms) for s in following.state.symbols]
    return all(n == len(following.state.symbols) for n in counted) and all(matches)


def test_no_socket_carries_more_streams_than_it_may() -> None:
    plans = plan_sockets([f"S{k}USDT" for k in range(450)], deep={"S3USDT"})
    assert all(len(plan.streams) <= MOST_STREAMS for plan in plans)
    public = [stream for plan in plans if plan.route == "public" for stream in plan.streams]
    market_side = [stream for plan in plans if plan.route == "market" for stream in plan.streams]
    assert len(public) == 450 and "s3usdt@depth@500ms" in public
    assert len(market_side) == 452
    assert all("@depth" in stream for stream in public)
    assert not any("@depth" in stream for stream in market_side)


async def test_one_mute_stream_is_named_and_asked_for_again_on_its_living_socket(
    server: ExchangeServer,
) -> None:
    async with market(server, time_scale=QUICK) as following, running(server):
        counters = following.feed.counters
        await until(lambda: counters.frames > 50)
        server.faults.add({"channel": "ws", "match": "btcusdt@depth20", "action": "mute"})
        await until(lambda: counters.resubscribed >= 1)
        assert "btcusdt@depth20@500ms" in counters.last_error
        assert counters.disconnects == 0
        stream, age_s = following.feed.stream_ages()[0]
        assert stream == "btcusdt@depth20@500ms" and age_s > 0.25
        server.faults.clear()
        row = following.state.index["BTCUSDT"]
        before = following.state.book.received_ms[row]
        await until(lambda: following.state.book.received_ms[row] > before)


async def test_a_book_asked_for_on_the_market_route_is_a_fault_with_a_name(
    server: ExchangeServer,
) -> None:
    """The exchange acknowledges it and never sends: a subscription is no proof of life."""
    counters, taken = FeedCounters(), []
    connection = StreamConnection(
        server.base_url.replace("http", "ws"),
        "market",
        [ALL_MARKS, "btcusdt@kline_1m", "btcusdt@depth20@500ms"],
        taken.append,
        ExchangeClock(server),
        counters,
        time_scale=QUICK,
    )
    task = asyncio.create_task(connection.run())
    try:
        async with running(server):
            await until(lambda: "btcusdt@depth20@500ms is silent" in counters.last_error, 2.0)
            assert [type(event) for event in taken].count(CandleUpdate) > 0
    finally:
        task.cancel()


async def test_a_socket_that_is_silent_altogether_is_opened_anew(server: ExchangeServer) -> None:
    async with market(server, time_scale=QUICK) as following, running(server):
        counters = following.feed.counters
        await until(lambda: counters.frames > 50)
        server.faults.add({"channel": "ws", "match": ".", "action": "mute"})
        await until(lambda: counters.disconnects >= 2)
        server.faults.clear()
        before = counters.frames
        await until(lambda: counters.frames > before + 20)


async def test_sockets_are_swapped_before_their_time_and_nothing_is_missed_or_doubled(
    server: ExchangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(self: ConnectBudget) -> None:
        await asyncio.sleep(0.05)

    monkeypatch.setattr(ConnectBudget, "admit", slowly)
    async with market(server, time_scale=QUICK, life_s=0.4) as following:
        counters, minutes = following.feed.counters, following.state.panels[Timeframe.M1]
        unheard: set[str] = set()
        wanted, three = set(server.hub.listeners), START_MS + 3 * MINUTE_MS
        async with running(
            server, after_step=lambda: unheard.update(wanted - set(server.hub.listeners))
        ):
            await until(lambda: counters.swaps >= 6 and (minutes.last_open_ms >= three).all(), 20)
        assert counters.disconnects == 0
        assert not unheard, "the new socket listens before the old one is closed"
        await server.advance(5_000)
        last = server.clock.now_ms() // MINUTE_MS * MINUTE_MS - MINUTE_MS
        await until(lambda: (minutes.last_open_ms == last).all())
        assert await closed_once(following, START_MS)
        assert following.feed.n_refilled == 0 and not following.feed.repair.gaps


async def test_a_gateway_restart_is_survived_with_every_candle(server: ExchangeServer) -> None:
    async with market(server, time_scale=0.1) as following:
        for _ in range(3):
            await server.advance(MINUTE_MS, 1_000)
            connects = following.feed.counters.connects
            assert await server.hub.close_all() == 2
            await server.advance(MINUTE_MS, 1_000)
            await until(lambda n=connects: following.feed.counters.connects == n + 2)
        await server.advance(5_000)
        last = server.clock.now_ms() // MINUTE_MS * MINUTE_MS - MINUTE_MS
        minutes = following.state.panels[Timeframe.M1]
        await until(lambda: (minutes.last_open_ms == last).all())
        assert await closed_once(following, START_MS)


async def test_a_shutdown_notice_starts_the_swap_at_once(server: ExchangeServer) -> None:
    async with market(server, time_scale=QUICK) as following, running(server):
        counters = following.feed.counters
        await until(lambda: counters.frames > 50)
        await server.hub.tell_shutdown(server.clock.now_ms())
        await until(lambda: counters.swaps == 2)
        assert counters.disconnects == 0
        assert counters.bad_frames == 0


async def test_where_no_new_socket_is_to_be_had_the_old_one_goes_on(
    server: ExchangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with market(server, time_scale=QUICK) as following, running(server):
        counters = following.feed.counters
        await until(lambda: counters.frames > 50)

        async def refuse(self: StreamConnection) -> None:
            raise OSError("no route")

        monkeypatch.setattr(StreamConnection, "_open", refuse)
        await server.hub.tell_shutdown(server.clock.now_ms())
        await until(lambda: "no new socket" in counters.last_error)
        before = counters.frames
        await until(lambda: counters.frames > before + 20)
        assert counters.disconnects == 0


async def test_connection_attempts_stay_within_their_budget() -> None:
    budget = ConnectBudget(most=3, window_s=0.2)
    loop = asyncio.get_running_loop()
    began, times = loop.time(), []
    for _ in range(7):
        await budget.admit()
        times.append(loop.time() - began)
    assert times[2] < 0.1 < 0.19 < times[3] and times[6] >= 0.39


async def test_reconnects_back_off_and_never_give_up() -> None:
    counters = FeedCounters()

    class Still:
        def now_ms(self) -> int:
            return START_MS

    connection = StreamConnection(
        "ws://127.0.0.1:9",
        "market",
        [ALL_MARKS],
        lambda event: None,
        Still(),  # type: ignore[arg-type]
        counters,
        time_scale=0.001,
        random=Random(1),
    )
    task = asyncio.create_task(connection.run())
    await until(lambda: counters.disconnects > 12)
    assert not task.done() and "Connect" in counters.last_error
    task.cancel()


async def test_the_exchange_cuts_what_is_too_old_and_the_feed_comes_back() -> None:
    async with (
        exchange(life_s=0.4) as server,
        market(server, time_scale=QUICK) as following,
        running(server),
    ):
        await until(lambda: following.feed.counters.disconnects >= 2)
        await until(lambda: following.feed.counters.connects >= 4)
