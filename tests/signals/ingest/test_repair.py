"""Candles that did not come: asked for, marked, repaired; and six timeframes that are true."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from cryptosystems.kernel.timeframes import MINUTE_MS, TIMEFRAMES, Timeframe
from signals.market.events import CandleGap, CandleUpdate
from tests.support.servers import START_MS, Market, exchange, market, until
from trading.simulator.server import ExchangeServer

HOUR_MS = 3_600_000


@pytest.fixture
async def server() -> AsyncIterator[ExchangeServer]:
    async with exchange(symbols=2, days=0.2) as started:
        yield started


@pytest.fixture
async def following(server: ExchangeServer) -> AsyncIterator[Market]:
    async with market(server) as started:
        yield started


def withhold(server: ExchangeServer, symbol: str, *open_ms: int) -> None:
    """Let the exchange have no candle of these minutes, on no way."""
    for at in open_ms:
        name = symbol.lower()
        text = f'"t":{at},'
        server.faults.add(
            {"channel": "ws", "match": f"{name}@kline", "action": "drop", "contains": text}
        )
    server.faults.add(
        {
            "channel": "rest",
            "match": f"klines.*symbol={symbol}",
            "action": "withhold",
            "args": {"open_ms": list(open_ms)},
        }
    )


async def test_a_minute_whose_last_frame_is_held_back_is_closed_by_rest_three_seconds_later(
    server: ExchangeServer, following: Market
) -> None:
    server.faults.add(
        {"channel": "ws", "match": "btcusdt@kline", "action": "drop", "contains": '"x":true'}
    )
    minutes, row = following.state.panels[Timeframe.M1], following.state.index["BTCUSDT"]
    await server.advance(MINUTE_MS + 2_500)
    await until(lambda: minutes.last_open_ms[1 - row] == START_MS)
    assert minutes.last_open_ms[row] < START_MS, "never by our clock alone"
    await server.advance(1_000)
    await until(lambda: minutes.last_open_ms[row] == START_MS)
    assert following.feed.n_refilled == 1
    assert await following.minutes_match("BTCUSDT", START_MS)


async def test_a_minute_nobody_has_is_marked_at_thirty_seconds_and_repaired_when_it_appears(
    server: ExchangeServer, following: Market
) -> None:
    withhold(server, "BTCUSDT", START_MS)
    repair = following.feed.repair
    await server.advance(MINUTE_MS + 25_000)
    assert not repair.gaps
    await server.advance(10_000)
    await until(lambda: repair.degraded == {"BTCUSDT"})
    assert [gap.open_ms for gap in following.of(CandleGap)] == [START_MS]
    assert following.feed.n_gaps == 1
    await server.advance(2 * MINUTE_MS)  # the hole stays a hole, later minutes go on
    minutes, row = following.state.panels[Timeframe.M1], following.state.index["BTCUSDT"]
    assert not minutes.holds(row, START_MS) and minutes.holds(row, START_MS + MINUTE_MS)
    server.faults.clear()
    await server.advance(10 * MINUTE_MS, 5_000)
    await until(lambda: not repair.gaps)
    assert repair.n_repaired == 1
    assert await following.minutes_match("BTCUSDT", START_MS)
    assert following.state.repaired[0][1:] == (Timeframe.M1, START_MS)


async def test_no_candle_of_a_longer_timeframe_is_made_across_a_gap(
    server: ExchangeServer, following: Market
) -> None:
    withhold(server, "BTCUSDT", START_MS + MINUTE_MS)
    await server.advance(6 * MINUTE_MS, 1_000)
    fives, row = following.state.panels[Timeframe.M5], following.state.index["BTCUSDT"]
    await until(lambda: fives.last_open_ms[1 - row] == START_MS)
    assert not fives.holds(row, START_MS)
    server.faults.clear()
    await server.advance(10 * MINUTE_MS, 5_000)
    await until(lambda: fives.holds(row, START_MS))


async def test_a_gap_is_tried_for_a_day_and_then_given_up(
    server: ExchangeServer, following: Market
) -> None:
    withhold(server, "BTCUSDT", START_MS)
    repair = following.feed.repair
    await server.advance(2 * MINUTE_MS)
    await until(lambda: repair.gaps)
    server.clock.advance(25 * HOUR_MS)  # type: ignore[attr-defined]
    await until(lambda: START_MS not in repair.gaps.get("BTCUSDT", {}))


async def test_rows_deleted_by_hand_are_found_and_refilled_in_one_pass(
    server: ExchangeServer, following: Market
) -> None:
    minutes, row = following.state.panels[Timeframe.M1], following.state.index["BTCUSDT"]
    holes = [START_MS - k * MINUTE_MS for k in (3, 7, 8)]
    for at in holes:
        minutes.at(at)[:, row] = np.nan
    assert not any(minutes.holds(row, at) for at in holes)
    await until(lambda: all(minutes.holds(row, at) for at in holes))
    assert await following.minutes_match("BTCUSDT", START_MS - 20 * MINUTE_MS)
    assert following.feed.n_refilled == 3


async def test_every_socket_down_for_an_hour_is_made_good_unaided(
    server: ExchangeServer, following: Market
) -> None:
    server.faults.add({"channel": "ws", "match": "@kline", "action": "drop"})
    server.faults.add({"channel": "rest", "match": ".", "action": "status"})
    await server.advance(HOUR_MS, 30_000)
    assert (following.state.panels[Timeframe.M1].last_open_ms < START_MS).all()
    server.faults.clear()
    await server.advance(MINUTE_MS + 4_000, 1_000)
    last = START_MS + HOUR_MS
    minutes = following.state.panels[Timeframe.M1]
    await until(lambda: (minutes.last_open_ms == last).all(), 20)
    hour = range(START_MS, last, MINUTE_MS)
    await until(lambda: all(minutes.holds(row, at) for at in hour for row in range(2)), 20)
    for symbol in following.state.symbols:
        assert await following.minutes_match(symbol, START_MS)


async def test_candles_of_six_timeframes_equal_the_exchanges_own(server: ExchangeServer) -> None:
    """Through five hours that end a day: the last one closes in every timeframe."""
    async with (
        exchange(symbols=2, days=2.0) as full,
        market(full, warm_minutes=20 * 60) as following,
    ):
        for row in range(2):
            following.state.builder.resume(row)
        await full.advance(5 * HOUR_MS + 1_000, 30_000)
        end_ms = START_MS + 5 * HOUR_MS
        for timeframe in TIMEFRAMES:
            open_ms = timeframe.open_of(end_ms - 1)
            panel = following.state.panels[timeframe]
            await until(lambda p=panel, at=open_ms: (p.last_open_ms == at).all())
            first = max(timeframe.open_of(START_MS), end_ms - 200 * timeframe.duration_ms)
            for row, symbol in enumerate(following.state.symbols):
                times, told = await following.rest.klines(symbol, timeframe.value, first, open_ms)
                held = np.stack([panel.at(at)[:, row] for at in times.tolist()])
                assert times.size >= 1
                np.testing.assert_array_equal(held[:, :4], told[:, :4])
                np.testing.assert_allclose(held[:, 4:], told[:, 4:], rtol=1e-9)


async def test_a_closed_candle_that_comes_again_with_other_values_changes_nothing(
    server: ExchangeServer, following: Market
) -> None:
    await server.advance(MINUTE_MS + 1_000)
    closed = await until(lambda: [e for e in following.of(CandleUpdate, "BTCUSDT") if e.is_closed])
    event = closed[0]
    changed = CandleUpdate(
        "BTCUSDT", event.event_ms, event.received_ms, event.open_ms, event.open, event.high + 10,
        event.low, event.close, event.volume, event.quote_volume, event.taker_buy_volume,
        event.n_trades, True,
    )  # fmt: skip
    following.feed.receive(changed)
    assert following.state.counters["conflicting_candle"] == 1
    assert await following.minutes_match("BTCUSDT", START_MS)
