"""The order book: a chain of numbers that must not break, and columns that never guess."""

import numpy as np
import pytest

from signals.market.book import BANDS
from signals.market.events import BookPartial, BookTop, DepthDiff, DepthSnapshot
from signals.market.order_book import BookGap, OrderBook
from signals.market.state import MarketState

BID, ASK = [(100.0, 2.0), (99.9, 1.0)], [(100.1, 3.0), (100.2, 1.0)]


def snapshot(last_id: int = 10) -> DepthSnapshot:
    return DepthSnapshot("BTCUSDT", 0, 0, last_id, BID, ASK)


def diff(first: int, last: int, previous: int, bids: list = (), asks: list = ()) -> DepthDiff:
    return DepthDiff("BTCUSDT", 0, 0, first, last, previous, list(bids), list(asks))


def test_a_book_joins_the_snapshot_to_the_diff_that_spans_it() -> None:
    book = OrderBook()
    book.apply_snapshot(snapshot(10))
    assert book.apply_diff(diff(5, 8, 4)) is False, "older than the snapshot"
    assert not book.is_synced
    assert book.apply_diff(diff(9, 12, 8, bids=[(100.0, 5.0), (99.9, 0.0)])) is True
    assert book.is_synced
    assert book.top(5) == ([(100.0, 5.0)], ASK)
    book.apply_diff(diff(13, 15, 12, asks=[(100.05, 1.0)]))
    assert book.top(1) == ([(100.0, 5.0)], [(100.05, 1.0)])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (diff(14, 16, 13), "expected a diff after 12, got one after 13"),
        (diff(13, 14, 12, bids=[(100.1, 1.0)]), "crossed"),
        (diff(13, 14, 12, bids=[(99.0, -1.0)]), "negative quantity"),
    ],
)
def test_a_broken_chain_or_an_impossible_book_starts_again(broken: DepthDiff, reason: str) -> None:
    book = OrderBook()
    book.apply_snapshot(snapshot(10))
    book.apply_diff(diff(9, 12, 8))
    with pytest.raises(BookGap, match=reason):
        book.apply_diff(broken)
    assert not book.is_synced
    with pytest.raises(BookGap, match="no snapshot yet"):
        book.apply_diff(diff(15, 16, 14))


def test_a_first_diff_that_starts_after_the_snapshot_is_a_gap() -> None:
    book = OrderBook()
    book.apply_snapshot(snapshot(10))
    with pytest.raises(BookGap, match="starts at 12"):
        book.apply_diff(diff(12, 14, 11))


def top(bid: float, bid_qty: float, ask: float, ask_qty: float, at_ms: int = 1_000) -> BookTop:
    return BookTop("BTCUSDT", at_ms, at_ms, 1, bid, bid_qty, ask, ask_qty)


@pytest.mark.parametrize(
    ("second", "flow"),
    [
        ((100.0, 7.0, 101.0, 5.0), 2.0),  # the bid grew by two
        ((100.5, 4.0, 101.0, 5.0), 4.0),  # a better bid of four
        ((99.5, 9.0, 101.0, 5.0), -5.0),  # the old bid of five is gone
        ((100.0, 5.0, 100.8, 3.0), -3.0),  # a better ask of three
        ((100.0, 5.0, 101.5, 8.0), 5.0),  # the old ask of five is gone
        ((100.0, 5.0, 101.0, 5.0), 0.0),  # nothing happened
    ],
)
def test_order_flow_counts_what_the_best_prices_gained(second: tuple, flow: float) -> None:
    # Cont, Kukanov, Stoikov 2014, equation for e_n.
    state = MarketState(["BTCUSDT"])
    state.apply(top(100.0, 5.0, 101.0, 5.0))
    state.tick(1_000)
    state.apply(top(*second, at_ms=2_000))
    depth = 5.0 + (1 - 2 ** (-1 / 600)) * ((second[1] + second[3]) / 2 - 5.0)
    before = float(state.book.flow_10s[0])
    state.tick(2_000)
    expected = before + (1 - 2 ** (-1 / 10)) * (flow / depth - before)
    assert state.book.flow_10s[0] == pytest.approx(expected)


def ladder(mid: float, step: float, n: int, bid: float, ask: float) -> tuple[list, list]:
    return (
        [(mid - step * (k + 0.5), bid) for k in range(n)],
        [(mid + step * (k + 0.5), ask) for k in range(n)],
    )


def test_a_band_beyond_the_last_level_is_not_known() -> None:
    state = MarketState(["BTCUSDT"])
    bids, asks = ladder(1000.0, 1.0, 7, bid=3.0, ask=1.0)  # reaches 0.65 %
    state.apply(BookPartial("BTCUSDT", 1_000, 1_000, 1, bids, asks))
    state.tick(1_000)
    assert BANDS[:3] == (0.001, 0.005, 0.01)
    near, middle, far = state.book.imbalance[:3, 0]
    assert near == pytest.approx((3 * 999.5 - 1000.5) / (3 * 999.5 + 1000.5))
    assert middle == pytest.approx(0.5, abs=0.01)
    assert np.isnan(far)


def test_the_microprice_leans_to_the_thin_side() -> None:
    state = MarketState(["BTCUSDT"])
    state.apply(top(100.0, 9.0, 100.1, 1.0))
    state.tick(1_000)
    assert state.book.micro[0] == pytest.approx(0.4)  # (0.9 - 0.5) spreads
    assert state.book.spread_bps[0] == pytest.approx(0.1 / 100.05 * 1e4)


def test_a_crossed_book_is_forgotten_and_goes_stale_at_once() -> None:
    state = MarketState(["BTCUSDT"])
    state.apply(top(100.0, 1.0, 100.1, 1.0))
    state.apply(top(100.2, 1.0, 100.1, 1.0, at_ms=1_500))
    assert state.counters["crossed_book"] == 1
    assert np.isnan(state.book.mid[0])
    assert np.isinf(state.staleness(1_600)["book"][0])


def test_averages_start_at_the_first_value_and_halve_the_distance_each_half_life() -> None:
    state = MarketState(["BTCUSDT"])
    bids, asks = ladder(1000.0, 1.0, 20, bid=1.0, ask=1.0)
    state.apply(BookPartial("BTCUSDT", 1_000, 1_000, 1, bids, asks))
    state.tick(1_000)
    level = float(state.book.imbalance[0, 0])
    bids, asks = ladder(1000.0, 1.0, 20, bid=3.0, ask=1.0)
    state.apply(BookPartial("BTCUSDT", 2_000, 2_000, 2, bids, asks))
    for second in range(2, 32):
        state.tick(second * 1_000)
    new = float(state.book.imbalance[0, 0])
    assert state.book.imbalance_fast[0, 0] == pytest.approx((level + new) / 2)
