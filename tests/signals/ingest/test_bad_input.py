"""What an exchange may send by mistake, over real sockets: the feed lives and tells the truth.

Each case spoils the frames of one symbol for two minutes while another symbol goes on. In the
end every minute of both is there once, and equal to what the exchange itself tells.
"""

from collections.abc import AsyncIterator

import pytest

from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.market.events import CandleUpdate, Liquidation
from tests.support.servers import Market, exchange, market, until
from trading.simulator.server import ExchangeServer

HOUR_MS = 3_600_000


@pytest.fixture
async def server() -> AsyncIterator[ExchangeServer]:
    async with exchange() as started:
        yield started


@pytest.fixture
async def following(server: ExchangeServer) -> AsyncIterator[Market]:
    async with market(server) as started:
        yield started


def spoil(server: ExchangeServer, match: str, action: str, **args: object) -> None:
    server.faults.add({"channel": "ws", "match": match, "action": action, "args": args})


async def assert_complete(following: Market, since_ms: int) -> None:
    """Every minute of every symbol is held once, exactly as the exchange tells it."""
    server, state = following.server, following.state
    last = server.clock.now_ms() // MINUTE_MS * MINUTE_MS - MINUTE_MS
    minutes = state.panels[Timeframe.M1]
    await until(lambda: (minutes.last_open_ms == last).all())
    for symbol in state.symbols:
        assert await following.minutes_match(symbol, since_ms)
    closed = [c for c in state.drain_closed() if c.timeframe is Timeframe.M1]
    assert [c.open_ms for c in closed] == list(range(since_ms, last + 1, MINUTE_MS))
    assert all(c.rows.sum() == len(state.symbols) for c in closed)


@pytest.mark.parametrize(
    "action",
    [
        "garbage",
        "binary",
        "nan",
        "unknown_symbol",
        "duplicate",
        "late",
        "clock_offset",
        "drop",
        "big",
    ],
)
async def test_no_closed_candle_is_lost_or_doubled_whatever_becomes_of_its_frames(
    server: ExchangeServer, following: Market, action: str
) -> None:
    began = server.clock.now_ms()
    spoil(server, "btcusdt@kline_1m", action)
    await server.advance(2 * MINUTE_MS)
    server.faults.clear()
    await server.advance(MINUTE_MS + 5_000)
    await assert_complete(following, began)


@pytest.mark.parametrize("action", ["garbage", "binary", "big"])
async def test_a_frame_that_cannot_be_read_is_counted_sampled_and_skipped(
    server: ExchangeServer, following: Market, action: str
) -> None:
    await server.advance(2_000)
    spoil(server, "btcusdt@depth20@500ms", action, bytes=1_100_000)
    await server.advance(5_000)
    counters = following.feed.counters
    await until(lambda: counters.bad_frames == 10)
    assert counters.disconnects == 0
    assert all(0 < len(sample) <= 512 for sample in counters.samples)
    assert counters.last_error.startswith("public: ")
    assert counters.refused_frames == (10 if action == "big" else 0)


async def test_a_hundred_bad_frames_in_ten_seconds_open_the_socket_anew(
    server: ExchangeServer, following: Market
) -> None:
    spoil(server, "@depth20", "garbage")
    await server.advance(20_000)
    await until(lambda: following.feed.counters.disconnects == 1)
    server.faults.clear()
    await until(lambda: following.feed.counters.connects == 3)
    before = len(following.events)
    await server.advance(1_000)
    await until(lambda: len(following.events) > before)


async def test_a_crossed_book_is_thrown_away_and_the_next_good_one_taken(
    server: ExchangeServer, following: Market
) -> None:
    row = following.state.index["BTCUSDT"]
    await server.advance(1_000)
    await until(lambda: following.state.book.bid[row] > 0)
    spoil(server, "btcusdt@depth20@500ms", "crossed")
    await server.advance(500)
    await until(lambda: following.state.counters["crossed_book"] == 1)
    assert following.state.book.bid[row] != following.state.book.bid[row]
    assert following.state.staleness(server.clock.now_ms())["book"][row] == float("inf")
    server.faults.clear()
    await server.advance(500)
    await until(lambda: following.state.book.bid[row] > 0)


async def test_a_book_with_nan_in_it_never_reaches_the_state(
    server: ExchangeServer, following: Market
) -> None:
    spoil(server, "btcusdt@depth20@500ms", "nan")
    await server.advance(2_000)
    await until(lambda: following.feed.counters.bad_frames == 4)
    row = following.state.index["BTCUSDT"]
    assert following.state.book.received_ms[row] == 0


async def test_one_unreadable_row_of_an_array_is_not_the_others_trouble(
    server: ExchangeServer, following: Market
) -> None:
    await server.advance(1_000)
    marks = following.state.derivatives.mark
    await until(lambda: (marks > 0).all())
    spoil(server, "!markPrice@arr@1s", "nan")
    await server.advance(2_000)
    await until(lambda: following.state.counters["bad_mark"])
    assert (marks > 0).all()


async def test_rows_of_other_products_are_counted_and_left_alone(
    server: ExchangeServer, following: Market
) -> None:
    await server.advance(5_000)
    await until(lambda: following.feed.n_unfollowed >= 4)
    assert following.state.counters["unknown_symbol"] == 0
    assert not [event for event in following.events if event.symbol not in following.state.index]


async def test_an_unknown_symbol_is_counted_and_harms_nobody(
    server: ExchangeServer, following: Market
) -> None:
    spoil(server, "btcusdt@kline_1m", "unknown_symbol")
    await server.advance(3_000)
    await until(lambda: following.state.counters["unknown_symbol"] == 3)


@pytest.mark.parametrize("hours", [-1, 1])
async def test_events_of_a_clock_an_hour_off_are_not_believed_and_the_input_goes_stale(
    server: ExchangeServer, following: Market, hours: int
) -> None:
    await server.advance(2_000)
    state, row = following.state, following.state.index["BTCUSDT"]
    now_ms = server.clock.now_ms()
    book, marks = state.book.received_ms, state.derivatives.mark_received_ms
    await until(lambda: book[row] == marks[row] == now_ms)
    spoil(server, ".", "clock_offset", ms=hours * HOUR_MS)
    await server.advance(20_000)
    await until(lambda: following.feed.n_bad_clock > 100)
    ages = state.staleness(server.clock.now_ms())
    assert ages["book"][row] == 20.0
    assert ages["mark"][row] == 20.0


async def test_a_rest_clock_an_hour_ahead_marks_no_minute_that_has_not_been(
    server: ExchangeServer, following: Market
) -> None:
    """The exchange's answer to `time` is what we go by: if it lies, nothing is made up."""
    feed = following.feed
    feed.clock.now_ms = lambda: server.clock.now_ms() + HOUR_MS  # type: ignore[method-assign]
    await server.advance(60_000)
    await until(lambda: feed.n_bad_clock > 100)
    assert feed.n_gaps == 0


async def test_liquidations_come_once_with_the_closed_side_and_their_own_time(
    server: ExchangeServer, following: Market
) -> None:
    spoil(server, "!forceOrder@arr", "duplicate")
    await server.advance(20 * MINUTE_MS, 1_000)
    found = await until(lambda: following.of(Liquidation))
    keys = [(e.symbol, e.event_ms, e.price, e.quantity) for e in found]
    assert len(keys) == len(set(keys))
    assert following.feed.n_repeated >= len(keys)
    assert all(e.received_ms >= e.event_ms for e in found)


async def test_a_stalled_reader_loses_no_closed_candle_and_sees_the_newest_price(
    server: ExchangeServer, following: Market
) -> None:
    """The exchange goes on for five minutes at once before our side may read anything."""
    began = server.clock.now_ms()
    await server.advance(5 * MINUTE_MS, 5_000)
    await assert_complete(following, began)
    await server.advance(1_000)
    row = following.state.index["BTCUSDT"]
    newest = float(server.world.columns.price[0])
    await until(lambda: following.state.price[row] == pytest.approx(newest, abs=0.05))


async def test_every_event_carries_both_clocks(server: ExchangeServer, following: Market) -> None:
    await server.advance(3_000)
    candles = await until(lambda: following.of(CandleUpdate))
    assert all(0 <= e.received_ms - e.event_ms < 2_000 for e in candles)
