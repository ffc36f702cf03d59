"""1m candles become six timeframes: what equals the exchange's own, and what is a hole."""

import numpy as np
import pytest

from cryptosystems.kernel.timeframes import MINUTE_MS, TIMEFRAMES, Timeframe
from signals.market.candles import merge
from signals.market.panel import CLOSE, HIGH, LOW, OPEN, VOLUME, Append, CandlePanel
from signals.market.state import MarketState
from tests.signals.cases import START_MS, candle_event, random_candles, random_history

FLAT = (10.0, 11.0, 9.0, 10.5, 2.0, 21.0, 1.0, 5.0)


def minute(k: int) -> int:
    return START_MS + k * MINUTE_MS


def feed(
    state: MarketState, candles: np.ndarray, order: list[int], symbol: str = "BTCUSDT"
) -> None:
    for k in order:
        state.apply(candle_event(symbol, minute(k), candles[k, :, 0]))


def test_a_panel_says_what_became_of_each_candle() -> None:
    panel = CandlePanel(Timeframe.M1, 1, capacity=4)
    other = (*FLAT[:3], 10.6, *FLAT[4:])
    story = [
        (minute(0), FLAT, Append.NEW),
        (minute(0), FLAT, Append.DUPLICATE),
        (minute(0), other, Append.CONFLICT),
        (minute(3), FLAT, Append.NEW),
        (minute(2), FLAT, Append.REPAIRED),
        (minute(9), FLAT, Append.NEW),
        (minute(5), FLAT, Append.LATE),
    ]
    assert [panel.append(0, at, values) for at, values, _ in story] == [row[2] for row in story]


def test_in_a_conflict_the_first_candle_stays() -> None:
    state = MarketState(["BTCUSDT"])
    state.apply(candle_event("BTCUSDT", minute(0), FLAT))
    state.apply(candle_event("BTCUSDT", minute(0), (*FLAT[:3], 10.6, *FLAT[4:])))
    assert state.panels[Timeframe.M1].at(minute(0))[CLOSE, 0] == 10.5
    assert state.counters["conflicting_candle"] == 1
    assert [(name, tf) for name, tf, _, _ in state.conflicts] == [("BTCUSDT", Timeframe.M1)]


def test_a_window_is_newest_last_and_nan_where_nothing_came() -> None:
    panel = CandlePanel(Timeframe.M1, 2, capacity=5)
    for k in (0, 1, 3):
        panel.append(0, minute(k), (*FLAT[:3], float(k) + 9.5, *FLAT[4:]))
    panel.append(1, minute(2), FLAT)
    closes = panel.window(4)[:, CLOSE]
    np.testing.assert_array_equal(closes[:, 0], [9.5, 10.5, np.nan, 12.5])
    np.testing.assert_array_equal(closes[:, 1], [np.nan, np.nan, 10.5, np.nan])
    with pytest.raises(ValueError, match=r"1\.\.5, was 6"):
        panel.window(6)


@pytest.mark.parametrize("timeframe", TIMEFRAMES[1:])
def test_longer_candles_equal_a_plain_aggregation_of_the_minutes(timeframe: Timeframe) -> None:
    candles = random_candles(2 * 1440, 1)
    state = MarketState(["BTCUSDT"])
    feed(state, candles, list(range(len(candles))))
    k = timeframe.minutes
    count = min(len(candles) // k, state.panels[timeframe].capacity)
    window = state.panels[timeframe].window(count)[:, :, 0]
    parts = candles[: len(candles) // k * k, :, 0].reshape(-1, k, 8)[-count:]
    for place, part in enumerate(parts):
        assert window[place, OPEN] == part[0, OPEN]
        assert window[place, HIGH] == part[:, HIGH].max()
        assert window[place, LOW] == part[:, LOW].min()
        assert window[place, CLOSE] == part[-1, CLOSE]
        np.testing.assert_allclose(window[place, VOLUME:], part[:, VOLUME:].sum(axis=0), rtol=1e-12)


def test_any_order_of_arrival_gives_the_same_candles_as_the_right_one() -> None:
    candles = random_candles(120, 1, seed=3)
    ordered, shuffled = MarketState(["BTCUSDT"]), MarketState(["BTCUSDT"])
    feed(ordered, candles, list(range(120)))
    rng = np.random.default_rng(3)
    order = [k + int(shift) for k, shift in enumerate(rng.integers(-4, 5, 120))]
    arrival = np.argsort(order, kind="stable").tolist()
    feed(shuffled, candles, arrival + arrival[::7])
    for timeframe in (Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.H1):
        count = 120 // timeframe.minutes
        np.testing.assert_allclose(
            shuffled.panels[timeframe].window(count),
            ordered.panels[timeframe].window(count),
            rtol=1e-12,
        )
    assert shuffled.counters["duplicate_candle"] == len(arrival[::7])


def test_a_missing_minute_makes_the_longer_candles_missing_until_it_is_repaired() -> None:
    candles = random_candles(60, 1)
    state = MarketState(["BTCUSDT"])
    feed(state, candles, [k for k in range(60) if k != 22])
    closed = {(c.timeframe, c.open_ms) for c in state.drain_closed()}
    assert (Timeframe.M5, minute(20)) not in closed
    assert (Timeframe.M15, minute(15)) not in closed
    assert (Timeframe.H1, minute(0)) not in closed
    assert (Timeframe.M15, minute(30)) in closed
    assert not state.panels[Timeframe.M5].holds(0, minute(20))

    feed(state, candles, [22])
    assert {(tf, at) for _, tf, at in state.repaired} == {
        (Timeframe.M1, minute(22)),
        (Timeframe.M5, minute(20)),
        (Timeframe.M15, minute(15)),
    }
    # The hour had no successor yet: it closes now, late but whole.
    assert [(c.timeframe, c.open_ms) for c in state.drain_closed()] == [(Timeframe.H1, minute(0))]
    np.testing.assert_allclose(
        state.panels[Timeframe.H1].at(minute(0))[:, 0], merge(candles[:, :, 0]), rtol=1e-12
    )


def test_a_closed_hour_is_told_shortest_timeframe_first() -> None:
    state = MarketState(["BTCUSDT"])
    feed(state, random_candles(60, 1), list(range(60)))
    last = [
        c.timeframe for c in state.drain_closed() if c.timeframe.close_of(c.open_ms) == minute(60)
    ]
    assert last == [Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.H1]


def test_the_forming_candle_joins_closed_minutes_and_the_open_one_once() -> None:
    candles = random_candles(10, 1)
    state = MarketState(["BTCUSDT"])
    feed(state, candles, [0, 1, 2])
    state.apply(candle_event("BTCUSDT", minute(3), candles[3, :, 0], is_closed=False))
    forming = state.builder.forming(Timeframe.M15)[:, 0]
    np.testing.assert_allclose(forming, merge(candles[:4, :, 0]))
    # As it closes it must not be counted a second time.
    feed(state, candles, [3])
    np.testing.assert_allclose(state.builder.forming(Timeframe.M15)[:, 0], merge(candles[:4, :, 0]))
    assert np.isnan(state.builder.forming(Timeframe.M1)).all()


def test_a_forming_candle_with_a_hole_is_not_known() -> None:
    candles = random_candles(10, 1)
    state = MarketState(["BTCUSDT"])
    feed(state, candles, [0, 2])
    state.apply(candle_event("BTCUSDT", minute(3), candles[3, :, 0], is_closed=False))
    assert np.isnan(state.builder.forming(Timeframe.M15)).all()
    feed(state, candles, [1])
    np.testing.assert_allclose(state.builder.forming(Timeframe.M15)[:, 0], merge(candles[:4, :, 0]))


def test_history_resampled_equals_the_stream() -> None:
    history = random_history(600, 2, seed=5)
    history.candles[200, :, 1] = np.nan
    state = MarketState(history.symbols)
    for step in range(600):
        for row, symbol in enumerate(history.symbols):
            if not np.isnan(history.candles[step, CLOSE, row]):
                state.apply(candle_event(symbol, minute(step), history.candles[step, :, row]))
    for timeframe in (Timeframe.M5, Timeframe.M15, Timeframe.H1):
        made = history.resample(timeframe)
        np.testing.assert_allclose(
            state.panels[timeframe].window(made.open_ms.size), made.candles, rtol=1e-12
        )


def test_a_panel_warmed_from_history_goes_on_as_if_it_had_seen_every_minute() -> None:
    candles = random_candles(100, 1, seed=8)
    seen, warmed = MarketState(["BTCUSDT"]), MarketState(["BTCUSDT"])
    feed(seen, candles, list(range(100)))
    times = np.array([minute(k) for k in range(67)])
    warmed.load_candles(Timeframe.M1, 0, times, candles[:67, :, 0])
    for timeframe in (Timeframe.M5, Timeframe.M15, Timeframe.H1):
        count = 67 // timeframe.minutes
        made = candles[: count * timeframe.minutes].reshape(count, timeframe.minutes, 8, 1)
        values = np.stack([merge(part) for part in made])[:, :, 0]
        warmed.load_candles(timeframe, 0, times[:: timeframe.minutes][:count], values)
    feed(warmed, candles, list(range(67, 100)))
    for timeframe in (Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.H1):
        count = 100 // timeframe.minutes
        np.testing.assert_allclose(
            warmed.panels[timeframe].window(count), seen.panels[timeframe].window(count), rtol=1e-12
        )


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ((10, 9, 9, 9.5, 1, 1, 1, 1), "high below open"),
        ((10, 11, 10.2, 10.5, 1, 1, 1, 1), "low above open"),
        ((10, 11, 9, float("nan"), 1, 1, 1, 1), "close is no number"),
        ((0, 0, 0, 0, 1, 1, 1, 1), "no price"),
        ((10, float("inf"), 9, 10, 1, 1, 1, 1), "infinite"),
        ((10, 11, 9, 10, -1, 1, 1, 1), "negative volume"),
    ],
)
def test_an_impossible_candle_is_counted_and_left_out(values: tuple[float, ...], why: str) -> None:
    state = MarketState(["BTCUSDT"])
    state.apply(candle_event("BTCUSDT", minute(0), values))
    assert state.counters["bad_candle"] == 1, why
    assert np.isnan(state.price[0])


def test_a_late_update_of_a_closed_minute_does_not_turn_the_price_back() -> None:
    state = MarketState(["BTCUSDT"])
    state.apply(candle_event("BTCUSDT", minute(0), FLAT))
    state.apply(candle_event("BTCUSDT", minute(0), (10, 11, 9, 9.1, 1, 9, 0, 1), is_closed=False))
    assert state.price[0] == 10.5
    assert state.counters["late_candle"] == 1
