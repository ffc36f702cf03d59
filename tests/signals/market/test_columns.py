"""Funding, open interest, liquidations, ages: what is known, since when, and for how long."""

import numpy as np
import pytest

from cryptosystems.kernel.instruments import Side
from cryptosystems.kernel.timeframes import Timeframe
from signals.features.inputs import live_inputs
from signals.market.events import (
    BookPartial,
    BookTop,
    FundingSettled,
    Liquidation,
    MarkPrice,
    OpenInterest,
    Trade,
)
from signals.market.history import Series
from signals.market.state import MarketState
from tests.signals.cases import DAY_MS, START_MS, candle_event

HOUR_MS = 3_600_000
FLAT = (10.0, 11.0, 9.0, 10.5, 2.0, 21.0, 1.0, 5.0)


def test_each_kind_of_input_has_its_own_age() -> None:
    state = MarketState(["BTCUSDT", "ETHUSDT"])
    now = START_MS + 100_000
    state.apply(candle_event("BTCUSDT", START_MS, FLAT))
    state.apply(BookTop("BTCUSDT", now - 2_000, now - 2_000, 1, 10.0, 1.0, 10.1, 1.0))
    state.apply(MarkPrice("BTCUSDT", now - 7_000, now - 7_000, 10.0, 10.0, 1e-4, 0))
    state.apply(OpenInterest("BTCUSDT", now - 30_000, now - 30_000, 5.0))
    ages = {kind: column[0] for kind, column in state.staleness(now).items()}
    assert ages == {"candle": 40.0, "book": 2.0, "mark": 7.0, "open_interest": 30.0}
    assert all(np.isinf(column[1]) for column in state.staleness(now).values())


@pytest.mark.parametrize(
    ("limit_s", "column"),
    [(3, "spread_bps"), (3, "micro"), (10, "premium"), (900, "open_interest")],
)
def test_an_input_older_than_its_limit_is_not_known(limit_s: float, column: str) -> None:
    state = MarketState(["BTCUSDT"])
    at = START_MS
    state.apply(BookTop("BTCUSDT", at, at, 1, 10.0, 1.0, 10.1, 1.0))
    state.apply(MarkPrice("BTCUSDT", at, at, 10.01, 10.0, 1e-4, 0))
    state.apply(OpenInterest("BTCUSDT", at, at, 5.0))
    state.tick(at)
    fresh = getattr(live_inputs(state, None, at + int(limit_s * 1000)), column)
    stale = getattr(live_inputs(state, None, at + int(limit_s * 1000) + 1), column)
    assert np.isfinite(fresh[0])
    assert np.isnan(stale[0])


def test_a_band_that_left_the_book_s_reach_and_levels_that_stopped_are_not_known() -> None:
    state = MarketState(["BTCUSDT"])

    def levels(at: int, n: int) -> None:
        bids = [(1000.0 - k - 0.5, 2.0) for k in range(n)]
        asks = [(1000.0 + k + 0.5, 1.0) for k in range(n)]
        state.apply(BookPartial("BTCUSDT", at, at, at, bids, asks))
        state.tick(at)

    at = START_MS
    levels(at, 12)
    assert np.isfinite(live_inputs(state, None, at).imbalance[:, 0]).all()
    levels(at + 1_000, 7)
    seen = live_inputs(state, None, at + 1_000)
    assert np.isnan(seen.imbalance[2, 0]), "one per cent is beyond the last level now"
    assert np.isfinite(seen.imbalance_slow[0])
    # Best prices go on, the levels do not: what rests on levels goes stale by itself.
    state.apply(BookTop("BTCUSDT", at + 5_000, at + 5_000, 9, 999.5, 2.0, 1000.5, 1.0))
    later = live_inputs(state, None, at + 5_000)
    assert np.isfinite(later.micro[0])
    assert np.isnan(later.imbalance[:, 0]).all()
    assert np.isnan(later.depth_skew[0])


def test_a_fast_replay_counts_ages_on_our_clock() -> None:
    state = MarketState(["BTCUSDT"])
    state.apply(MarkPrice("BTCUSDT", START_MS, START_MS, 10.01, 10.0, 1e-4, 0))
    later = START_MS + 300_000  # five minutes of the market: five seconds at sixty times its speed
    assert np.isnan(live_inputs(state, None, later).premium[0])
    assert np.isfinite(live_inputs(state, None, later, speed=60.0).premium[0])


def test_no_liquidations_are_data_only_while_the_stream_is_heard() -> None:
    state = MarketState(["BTCUSDT"])
    now = START_MS + DAY_MS
    assert np.isnan(live_inputs(state, None, now).liquidated_5m).all()
    state.liquidations.since_ms = START_MS
    state.liquidations.heartbeat_ms = now - 60_000
    assert (live_inputs(state, None, now).liquidated_5m == 0.0).all()
    state.liquidations.heartbeat_ms = now - 60_001
    assert np.isnan(live_inputs(state, None, now).liquidated_5m).all()


def test_liquidations_halve_each_half_life_and_keep_sides_apart() -> None:
    state = MarketState(["BTCUSDT"])
    event = Liquidation("BTCUSDT", START_MS, START_MS, Side.LONG, 10.0, 100.0)
    state.apply(event)
    state.apply(event)  # the same report twice counts once
    state.apply(Liquidation("BTCUSDT", START_MS, START_MS, Side.SHORT, 10.0, 30.0))
    sums = state.liquidations.sums("fast", START_MS + 300_000)
    np.testing.assert_allclose(sums[:, 0], [500.0, 150.0])
    np.testing.assert_allclose(state.liquidations.sums("mid", START_MS)[:, 0], [1000.0, 300.0])
    assert state.liquidations.day_totals(0, START_MS + DAY_MS - 1) == (1000.0, 300.0)
    assert state.liquidations.day_totals(0, START_MS + DAY_MS) == (0.0, 0.0)


def test_funding_is_rescaled_to_eight_hours_and_summed_over_three_days() -> None:
    state = MarketState(["BTCUSDT"])
    state.derivatives.interval_hours[0] = 4
    paid = [(START_MS + k * 4 * HOUR_MS, 1e-4 * (k + 1)) for k in range(20)]
    for at_ms, rate in [*paid, paid[-1], paid[3]]:  # repeats and older ones change nothing
        state.apply(FundingSettled("BTCUSDT", at_ms, at_ms, rate))
    assert state.derivatives.settled_8h[0] == pytest.approx(2 * 20e-4)
    assert state.derivatives.funding_sums()[0] == pytest.approx(sum(rate for _, rate in paid[-18:]))


@pytest.mark.parametrize(
    ("event", "counter"),
    [
        (Trade("BTCUSDT", 1, 1, 1, -1.0, 1.0, True), "bad_trade"),
        (Trade("BTCUSDT", 1, 1, 1, float("nan"), 1.0, True), "bad_trade"),
        (MarkPrice("BTCUSDT", 1, 1, 0.0, 10.0, 0.0, 0), "bad_mark"),
        (OpenInterest("BTCUSDT", 1, 1, float("nan")), "bad_open_interest"),
        (Liquidation("BTCUSDT", 1, 1, Side.LONG, 0.0, 1.0), "bad_liquidation"),
        (Trade("NOSUCHUSDT", 1, 1, 1, 1.0, 1.0, True), "unknown_symbol"),
    ],
)
def test_what_cannot_be_believed_is_counted_and_changes_nothing(
    event: object, counter: str
) -> None:
    state = MarketState(["BTCUSDT"])
    state.apply(event)
    assert state.counters[counter] == 1
    assert np.isnan(state.price[0])
    assert all(np.isinf(column[0]) for column in state.staleness(2).values())


def test_a_symbol_keeps_its_row_when_it_leaves_and_comes_back() -> None:
    state = MarketState(["BTCUSDT"], capacity=2)
    row = state.add_symbol("ETHUSDT")
    state.retire_symbol("ETHUSDT")
    assert not state.active[row]
    assert state.add_symbol("ETHUSDT") == row
    assert state.active[row]
    with pytest.raises(ValueError, match="no row left for XRPUSDT"):
        state.add_symbol("XRPUSDT")


def test_a_stored_series_is_read_as_of_a_time_and_never_ahead_of_it() -> None:
    series = Series(
        np.array([100, 200, 300], dtype=np.int64),
        np.array([[1.0, 10.0], [2.0, np.nan], [3.0, 30.0]]),
    )
    seen = series.as_of(np.array([99, 100, 250, 299, 900]), max_age_ms=500)
    np.testing.assert_array_equal(seen[:, 0], [np.nan, 1, 2, 2, np.nan])
    np.testing.assert_array_equal(seen[:, 1], [np.nan, 10, 10, 10, np.nan])


def test_an_empty_panel_holds_nothing() -> None:
    state = MarketState(["BTCUSDT"])
    assert not state.panels[Timeframe.H1].holds(0, START_MS)
    assert state.drain_closed() == []
