"""One definition, many ways in: close or peek, stream or history, on time or late."""

import numpy as np
import pytest

from cryptosystems.kernel.timeframes import TIMEFRAMES, Timeframe
from signals.features.catalogue import CATALOGUE
from signals.features.engine import FeatureEngine, combine_trends
from signals.features.history import (
    btc_row_of,
    funding_columns,
    run_history,
    trend_histories,
    trends_at,
)
from signals.features.inputs import SideInputs, live_inputs
from signals.market.history import History
from signals.market.panel import CLOSE
from signals.market.state import MarketState
from tests.signals.cases import START_MS, candle_event, random_history

STEPS, N = 320, 4
H1 = Timeframe.H1


@pytest.fixture(scope="module")
def history() -> History:
    return random_history(STEPS, N, H1, seed=4, extras=True)


def inputs_at(history: History, step: int) -> SideInputs:
    """Return side inputs that say something about every factor, made from the step's number."""
    rng = np.random.default_rng(step)
    inputs = SideInputs.unknown(history.n)
    for name in SideInputs.__dataclass_fields__:
        held = getattr(inputs, name)
        if name == "heat":
            for part in type(held).__dataclass_fields__:
                getattr(held, part)[:] = rng.normal(0, 1, history.n)
        else:
            held[:] = rng.lognormal(0, 0.3, held.shape)
    return inputs


def drive(engine: FeatureEngine, history: History, first: int, last: int) -> None:
    for step in range(first, last):
        candle = history.candles[step]
        rows = ~np.isnan(candle[CLOSE])
        engine.update(candle, inputs_at(history, step), rows, int(history.open_ms[step]))


def fresh(history: History) -> FeatureEngine:
    return FeatureEngine(history.timeframe, history.n, btc_row_of(history.symbols))


def same(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-9) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, equal_nan=True)


def test_a_peek_at_the_whole_candle_equals_its_close(history: History) -> None:
    peeked, closed = fresh(history), fresh(history)
    drive(peeked, history, 0, STEPS - 1)
    drive(closed, history, 0, STEPS)
    step = STEPS - 1
    open_ms = int(history.open_ms[step])
    looked = peeked.peek(
        history.candles[step], inputs_at(history, step), open_ms, H1.close_of(open_ms)
    )
    assert np.isfinite(closed.values[1:]).all(), "every factor has something to say by now"
    silent = [name for name, x in zip(CATALOGUE.names, closed.values[0], strict=True) if x != x]
    assert silent == ["btc_lead", "btc_knock", "resid_24"], "BTC is not measured against itself"
    same(looked, closed.values)
    same(peeked.readings, closed.readings)
    same(peeked.atr, closed.atr)
    same(peeked.sigma, closed.sigma)


def test_a_candle_that_has_just_begun_changes_nothing_much(history: History) -> None:
    """Scores between closes must not swing because a candle's volume and range are still small."""
    engine = fresh(history)
    drive(engine, history, 0, STEPS - 1)
    before, atr = engine.readings.copy(), engine.atr.copy()
    last, open_ms = history.candles[STEPS - 1], int(history.open_ms[STEPS - 1])
    begun = last.copy()
    close = history.candles[STEPS - 2][CLOSE]
    begun[:4] = close  # one trade at the last price
    begun[4:] = last[4:] / 3_600
    begun[6] = begun[4]  # and a taker bought it
    inputs = inputs_at(history, STEPS - 2)
    engine.peek(begun, inputs, open_ms, open_ms + 1_000)
    place = CATALOGUE.names.index
    np.testing.assert_allclose(engine.atr, atr, rtol=1e-3)
    for name, tolerance in (("taker_imb", 1e-3), ("amihud", 0.02), ("atr_pct", 1e-4)):
        np.testing.assert_allclose(
            engine.readings[:, place(name)], before[:, place(name)], atol=tolerance
        )
    assert np.abs(engine.readings[:, place("vol_z")]).max() < 0.01, "as usual so far"
    # At its end the same candle counts whole.
    engine.peek(begun, inputs, open_ms, H1.close_of(open_ms))
    assert (engine.readings[:, place("vol_z")] < -5).all()


def test_a_thousand_peeks_leave_no_trace(history: History) -> None:
    disturbed, calm = fresh(history), fresh(history)
    drive(calm, history, 0, STEPS)
    for step in range(STEPS):
        for part in (0.98, 1.05) if step > STEPS - 80 else ():
            disturbed.peek(
                history.candles[step] * part,
                inputs_at(history, step + 7),
                int(history.open_ms[step]),
                int(history.open_ms[step]) + 1_000,
            )
        drive(disturbed, history, step, step + 1)
    same(disturbed.values, calm.values)


def test_permuting_symbols_permutes_rows(history: History) -> None:
    order = np.array([2, 0, 3, 1])
    mixed = History(
        tuple(history.symbols[k] for k in order),
        H1,
        history.open_ms,
        history.candles[:, :, order],
        None,
        None,
    )
    plain = History(history.symbols, H1, history.open_ms, history.candles, None, None)
    first, second = run_history(plain, H1), run_history(mixed, H1)
    same(second.X, first.X[:, order], 1e-6)


def test_a_symbol_does_not_feel_its_neighbours_but_through_the_market_wide_factors(
    history: History,
) -> None:
    candles = history.candles.copy()
    candles[:, :, 2] *= 3.0
    candles[200, :, 2] = np.nan
    other = History(history.symbols, H1, history.open_ms, candles)
    mine = run_history(History(history.symbols, H1, history.open_ms, history.candles), H1)
    same(run_history(other, H1).X[:200, 1], mine.X[:200, 1])
    shared = [name == "breadth" for name in CATALOGUE.names]
    same(run_history(other, H1).X[:, 1][:, ~np.array(shared)], mine.X[:, 1][:, ~np.array(shared)])


def test_stragglers_holes_and_repeats_give_what_one_batch_gives(history: History) -> None:
    candles = history.candles.copy()
    candles[120, :, 1] = np.nan  # one symbol misses a candle
    candles[250, :, :] = np.nan  # the whole market misses one
    holed = History(history.symbols, H1, history.open_ms, candles)
    batch, stream = fresh(holed), fresh(holed)
    rng = np.random.default_rng(9)
    for step in range(STEPS):
        candle, inputs = candles[step], inputs_at(holed, step)
        known = ~np.isnan(candle[CLOSE])
        if not known.any():
            continue
        open_ms = int(holed.open_ms[step])
        batch.update(candle, inputs, known, open_ms)
        early = known & (rng.random(N) < 0.5)
        if early.any():
            partial = np.where(early, candle, np.nan)
            stream.update(partial, inputs, early, open_ms)
        if (known & ~early).any():
            stream.update(candle, inputs, known & ~early, open_ms)
        if step % 5 == 0 and step:
            # What is older than the newest candle changes nothing.
            stream.update(candles[step - 1] * 2, inputs, known, int(holed.open_ms[step - 1]))
        same(stream.values, batch.values)
        same(stream.readings, batch.readings)
        same(stream.atr, batch.atr)
        same(stream.trend, batch.trend)
    same(stream.percentiles(0), batch.percentiles(0))


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_history_says_at_every_candle_what_a_stream_that_ends_there_says(
    timeframe: Timeframe,
) -> None:
    """The look-ahead test, cut at every candle: the stream has not received what comes later."""
    history = random_history(230, 3, timeframe, seed=11, extras=True)
    interest, funding = history.open_interest, history.funding
    assert interest is not None
    assert funding is not None
    whole = run_history(history, timeframe)
    engine, state = FeatureEngine(timeframe, 3, 0), MarketState(history.symbols)
    heard = paid = 0
    for step, open_ms in enumerate(history.open_ms.tolist()):
        close_ms = timeframe.close_of(open_ms)
        while heard < interest.at_ms.size and interest.at_ms[heard] <= close_ms:
            for row in range(3):
                at = int(interest.at_ms[heard])
                state.derivatives.set_open_interest(row, float(interest.values[heard, row]), at)
            heard += 1
        while paid < funding.at_ms.size and funding.at_ms[paid] <= close_ms:
            for row in range(3):
                at = int(funding.at_ms[paid])
                state.derivatives.settle_funding(row, float(funding.values[paid, row]), at)
            paid += 1
        inputs = live_inputs(state, None, close_ms)
        X = engine.update(history.candles[step], inputs, np.ones(3, dtype=bool), open_ms)
        same(X.astype(np.float32), whole.X[step])
        same(engine.atr, whole.atr[step])


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_another_future_changes_nothing_before_the_cut(timeframe: Timeframe) -> None:
    steps = 200
    history = random_history(steps, 3, timeframe, seed=11, extras=True)
    other = random_history(steps, 3, timeframe, seed=12, extras=True)
    whole = run_history(history, timeframe, trends=trend_histories(history))
    for cut in (60, 133, 197):
        at_ms = timeframe.close_of(int(history.open_ms[cut - 1]))
        mixed = History(
            history.symbols,
            timeframe,
            history.open_ms,
            np.concatenate([history.candles[:cut], other.candles[cut:]]),
            _spliced(history.open_interest, other.open_interest, at_ms),
            _spliced(history.funding, other.funding, at_ms),
        )
        part = run_history(mixed, timeframe, trends=trend_histories(mixed))
        same(part.X[:cut], whole.X[:cut], 0.0)
        same(part.atr[:cut], whole.atr[:cut], 0.0)
        assert not np.array_equal(part.X[cut], whole.X[cut], equal_nan=True)


def _spliced(before, after, at_ms):  # type: ignore[no-untyped-def]
    values = np.where((before.at_ms <= at_ms)[:, None], before.values, after.values)
    return type(before)(before.at_ms, values)


def test_an_engine_on_the_wire_says_at_every_close_what_history_says() -> None:
    """Minutes through `MarketState`, all timeframes and their trends, against `run_history`."""
    minutes = random_history(600, 3, Timeframe.M1, seed=21)
    state = MarketState(minutes.symbols)
    engines = {tf: FeatureEngine(tf, state.n, 0) for tf in TIMEFRAMES}
    trends = trend_histories(minutes)
    batch = {tf: run_history(minutes, tf, trends=trends) for tf in TIMEFRAMES}
    for step in range(minutes.open_ms.size):
        for row, symbol in enumerate(minutes.symbols):
            state.apply(
                candle_event(symbol, int(minutes.open_ms[step]), minutes.candles[step, :, row])
            )
        for closed in state.drain_closed():
            tf = closed.timeframe
            inputs = SideInputs.unknown(state.n)
            inputs.trend_higher = combine_trends({t: engines[t].trend for t in TIMEFRAMES})
            candle = state.panels[tf].at(closed.open_ms)
            engines[tf].update(candle, inputs, closed.rows, closed.open_ms)
            place = int(np.searchsorted(batch[tf].open_ms, closed.open_ms))
            same(engines[tf].values, batch[tf].X[place], 2e-6)
            assert engines[tf].last_open_ms == closed.open_ms


def test_trends_of_longer_timeframes_count_only_once_their_candle_has_closed() -> None:
    minutes = random_history(1440, 1, Timeframe.M1)
    trends = trend_histories(minutes)
    hour = START_MS + 3_600_000 * 5
    for series in trends.values():
        series.values[:] = np.arange(series.close_ms.size)[:, None]
    at_the_hour = trends_at(trends, Timeframe.M15, hour)
    assert at_the_hour[Timeframe.M15][0] == 18, "its own last candle but one"
    assert at_the_hour[Timeframe.H1][0] == 3, "the hour that closes now comes after it"
    as_the_hour_closes = trends_at(trends, Timeframe.H1, hour)
    assert as_the_hour_closes[Timeframe.M15][0] == 19
    assert as_the_hour_closes[Timeframe.H1][0] == 3


def test_a_trend_needs_half_of_the_timeframes() -> None:
    known, unknown = np.array([0.5]), np.array([np.nan])
    some = {Timeframe.M15: known, Timeframe.H1: known, Timeframe.H4: unknown, Timeframe.D1: unknown}
    assert combine_trends(some)[0] == pytest.approx(0.5)
    few = {**some, Timeframe.H1: unknown}
    assert np.isnan(combine_trends(few)[0])


def test_funding_in_history_equals_the_columns_of_the_wire(history: History) -> None:
    from signals.market.derivatives import DerivativeColumns

    assert history.funding is not None
    columns = DerivativeColumns(history.n)
    at_ms = history.open_ms + H1.duration_ms
    rate, total = funding_columns(history.funding, at_ms, history.n)
    paid = 0
    for step in range(0, STEPS):
        while paid < history.funding.at_ms.size and history.funding.at_ms[paid] <= at_ms[step]:
            for row in range(history.n):
                columns.settle_funding(
                    row, float(history.funding.values[paid, row]), int(history.funding.at_ms[paid])
                )
            paid += 1
        same(columns.settled_8h, rate[step], 1e-15)
        same(columns.funding_sums(), total[step], 1e-15)
