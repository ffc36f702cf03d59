"""The fold: what is scored when, what is issued once, what is kept and why."""

import numpy as np
import pytest

from cryptosystems.kernel.instruments import Side
from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.features.catalogue import CATALOGUE
from signals.market.events import BookTop, FundingSettled, Liquidation, OpenInterest, Trade
from signals.pipeline.decision import issued_in
from signals.pipeline.outputs import CandlesClosed, Changed
from tests.signals.cases import START_MS
from tests.signals.pipeline.markets import M15, Market, issued, model, rejected

WARM = 15 * 18


@pytest.fixture
def market() -> Market:
    """Two symbols, warmed up to the close of a 15m candle, and nobody to speak yet."""
    made = Market()
    made.run(WARM)
    return made


def test_a_close_is_told_shortest_first_and_scored_once(market: Market) -> None:
    market.pipeline.use_model(model())
    outputs = market.run(15)
    closes = [o for o in outputs if isinstance(o, CandlesClosed)]
    assert [c.timeframe for c in closes[-3:]] == [Timeframe.M1, Timeframe.M5, M15]
    moment = market.pipeline.latest[M15].moment
    assert (moment.trigger, moment.at_ms) == ("close", market.now_ms)
    assert {o.draft.setup.symbol for o in issued(outputs)} == {"BTCUSDT", "ALT1USDT"}
    for output in issued(outputs):
        assert output.draft.setup.trigger == "close"
        assert output.draft.setup.at_ms == market.now_ms
    again = [o for k in range(1, 40) for o in market.pipeline.advance(market.now_ms + 100 * k)]
    assert issued(again) == [], "a close that was decided is not decided again"


def test_a_close_waits_a_quarter_second_for_stragglers(market: Market) -> None:
    market.run(14)
    market.close_minute(skip=(1,))
    now = market.now_ms
    assert market.pipeline.advance(now) == []
    assert market.pipeline.advance(now + 249) == []
    late = market.pipeline.advance(now + 250)
    closed = [o for o in late if isinstance(o, CandlesClosed) and o.timeframe is M15]
    assert [c.rows.tolist() for c in closed] == [[True, False]]
    market.close_late(1, market.k - 1)
    rest = market.pipeline.advance(now + 300) + market.pipeline.advance(now + 600)
    closed = [o for o in rest if isinstance(o, CandlesClosed) and o.timeframe is M15]
    assert [c.rows.tolist() for c in closed] == [[False, True]]
    engine = market.pipeline.engines[M15]
    assert np.isfinite(engine.atr).all()
    assert np.isfinite(engine.values[:, CATALOGUE.names.index("rsi_14")]).all()


def test_when_all_have_come_a_close_does_not_wait(market: Market) -> None:
    market.run(14)
    market.close_minute()
    outputs = market.pipeline.advance(market.now_ms)
    assert M15 in {o.timeframe for o in outputs if isinstance(o, CandlesClosed)}


def test_between_closes_every_symbol_is_scored_once_a_second(market: Market) -> None:
    market.pipeline.use_model(model(p_long=0.4, p_short=0.4))
    now = market.form()
    market.pipeline.advance(now)
    moments = []
    for k in range(1, 31):  # three seconds in steps of a tenth
        market.pipeline.advance(now + 100 * k)
        moments.append(market.pipeline.latest[M15].moment.at_ms)
    assert sorted(set(moments)) == [now, now + 1_000, now + 2_000, now + 3_000]
    assert market.pipeline.latest[M15].moment.trigger == "interim"


def test_an_interim_signal_says_so_and_is_not_repeated(market: Market) -> None:
    market.pipeline.use_model(model())
    now = market.form()
    first = issued(market.pipeline.advance(now))
    assert {o.draft.setup.trigger for o in first} == {"interim"}
    assert len(first) == 2
    later = [o for k in range(1, 10) for o in market.pipeline.advance(now + 1_000 * k)]
    assert issued(later) == [], "one open signal a symbol and timeframe"


def test_a_candle_after_one_that_has_not_closed_for_all_is_not_read_too_early(
    market: Market,
) -> None:
    market.pipeline.use_model(model(p_long=0.4, p_short=0.4))
    market.run(14)
    market.pipeline.advance(market.form())
    market.close_minute(skip=(1,))
    before = market.pipeline.latest[M15].moment
    now = market.form()
    assert market.pipeline.peek(M15, now) is False
    assert market.pipeline.latest[M15].moment is before
    market.pipeline.advance(now)
    market.pipeline.advance(now + 300)  # the close is settled without the straggler
    assert market.pipeline.peek(M15, now + 301) is True


def test_a_symbol_whose_candles_are_stale_gets_no_signal(market: Market) -> None:
    market.pipeline.use_model(model())
    market.form(rows=(1,), seconds=2)
    now = market.form(rows=(0,), seconds=20)
    spoke = issued(market.pipeline.advance(now))
    assert [o.draft.setup.symbol for o in spoke] == ["BTCUSDT"]
    assert dict(spoke[0].draft.setup.ages)["candle"] == 0.0


def test_an_input_that_was_there_and_went_stale_silences(market: Market) -> None:
    market.pipeline.use_model(model())
    at = market.now_ms + 5_000
    for symbol in market.symbols:
        market.pipeline.apply(BookTop(symbol, at, at, 1, 99.99, 1.0, 100.01, 1.0))
    now = market.form(seconds=16)
    assert issued(market.pipeline.advance(now)) == []
    at = now + 500
    market.pipeline.apply(BookTop("BTCUSDT", at, at, 2, 99.99, 1.0, 100.01, 1.0))
    again = issued(market.pipeline.advance(now + 1_000))
    assert [o.draft.setup.symbol for o in again] == ["BTCUSDT"]


def test_a_liquidation_burst_is_scored_at_once_and_only_there(market: Market) -> None:
    market.pipeline.use_model(model(p_long=0.4, p_short=0.4))
    now = market.form()
    market.pipeline.apply(OpenInterest("ALT1USDT", now, now, 10_000.0))
    market.pipeline.advance(now)
    market.pipeline.use_model(model())
    assert issued(market.pipeline.advance(now + 50)) == []
    event = Liquidation("ALT1USDT", now + 60, now + 60, Side.LONG, 100.0, 4.9)
    market.pipeline.apply(event)
    assert issued(market.pipeline.advance(now + 60)) == [], "less than 5 bp of open interest"
    market.pipeline.apply(Liquidation("ALT1USDT", now + 70, now + 70, Side.LONG, 100.0, 0.2))
    spoke = issued(market.pipeline.advance(now + 70))
    assert [(o.draft.setup.symbol, o.draft.setup.trigger) for o in spoke] == [
        ("ALT1USDT", "urgent")
    ]


def test_a_jump_is_scored_at_once(market: Market) -> None:
    market.pipeline.use_model(model(p_long=0.4, p_short=0.4))
    now = market.form()
    market.pipeline.advance(now)
    market.pipeline.use_model(model())
    price = float(market.state.price[1])
    sigma = float(market.pipeline.engines[Timeframe.M1].sigma[1])
    small = Trade("ALT1USDT", now, now, 1, price * (1 + 2.9 * sigma), 1.0, True)
    market.pipeline.apply(small)
    assert issued(market.pipeline.advance(now + 100)) == []
    market.pipeline.apply(Trade("ALT1USDT", now, now, 2, price * (1 + 3.2 * sigma), 1.0, True))
    spoke = issued(market.pipeline.advance(now + 150))
    assert [o.draft.setup.trigger for o in spoke] == ["urgent"]


def test_at_most_three_speak_within_a_candle_strongest_first() -> None:
    market = Market(8)
    market.run(WARM)
    market.pipeline.use_model(model(weight=0.1))
    outputs = market.run(15)
    spoke = issued(outputs)
    assert len(spoke) == 3
    strengths = [o.draft.money.strength for o in spoke]
    # Ranked before their stops were placed: a swing may move the strength by a little.
    np.testing.assert_allclose(strengths, sorted(strengths, reverse=True), atol=0.02)
    assert [o.draft.setup.rank for o in spoke] == [0, 1, 2]
    beaten = [o.no_signal for o in rejected(outputs) if o.no_signal.gate == "best_of_moment"]
    assert beaten
    assert max(no.money.strength for no in beaten) <= strengths[-1] + 0.02
    # Seconds later, within the same candle, the limit still holds.
    now = market.form()
    assert issued(market.pipeline.advance(now)) == []


def test_signals_are_counted_from_the_start_of_the_running_candle() -> None:
    quarter = M15.duration_ms
    issued_at = np.array([START_MS - 1.0, START_MS, START_MS + 5_000, np.nan])
    assert issued_in(issued_at, M15, START_MS) == 2, "a close opens the next candle"
    assert issued_in(issued_at, M15, START_MS + quarter - 1) == 2
    assert issued_in(issued_at, M15, START_MS + quarter) == 0


def test_a_setup_that_is_turned_down_at_a_close_is_kept_with_its_gate(market: Market) -> None:
    market.pipeline.use_model(model(p_long=0.57))  # more than break-even, less than the margin
    outputs = market.run(15)
    assert issued(outputs) == []
    turned_down = rejected(outputs)
    assert {o.no_signal.gate for o in turned_down} == {"edge"}
    assert {o.no_signal.setup.at_ms for o in turned_down} == {market.now_ms}
    # Between closes nothing is kept: the same setup would be counted every second.
    assert rejected(market.pipeline.advance(market.form())) == []


def test_a_new_signal_waits_until_the_open_one_has_settled_and_the_pause_is_over() -> None:
    market = Market(1, minutes=WARM + 900)
    market.run(WARM)
    market.pipeline.use_model(model())
    times, open_until = [], 0
    for _ in range(50):
        for output in market.run(15):
            if isinstance(output, Changed) and output.change.result:
                open_until = output.change.at_ms
            elif output in issued([output]):
                assert market.now_ms >= open_until
                times.append(market.now_ms)
    assert len(times) >= 2
    assert min(np.diff(times)) >= 4 * 15 * MINUTE_MS


def test_every_reason_of_a_signal_has_its_reading_and_all_of_them_sum_up(market: Market) -> None:
    market.pipeline.use_model(model(weight=0.05))
    setup = issued(market.run(15))[0].draft.setup
    assert setup.logit == pytest.approx(
        setup.base_logit + sum(reason.log_odds for reason in setup.reasons), abs=1e-12
    )
    first = setup.reasons[0]
    assert first.name == "rsi_14"
    assert f"{first.reading:.0f}" in first.sentence
    sizes = [abs(reason.log_odds) for reason in setup.reasons]
    assert sizes == sorted(sizes, reverse=True)


def test_funding_that_falls_due_is_charged_once_to_an_open_signal(market: Market) -> None:
    market.pipeline.use_model(model())
    market.run(15)
    market.pipeline.use_model(None)
    for _ in range(40):
        market.run(1)
        if market.pipeline.book.signals and market.pipeline.book._filled.all():
            break
    assert market.pipeline.book._filled.all()
    due = market.now_ms
    market.run(1)
    for symbol in market.symbols:
        market.pipeline.apply(FundingSettled(symbol, due + 60_000, due + 60_001, 0.001))
    market.run(5)
    paid = market.pipeline.book._state.funding / np.maximum(market.pipeline.book._state.share, 1e-9)
    assert len(paid)
    np.testing.assert_allclose(paid, 0.001)


def test_a_missing_minute_holds_a_signal_back_until_it_is_repaired(market: Market) -> None:
    market.pipeline.use_model(model())
    market.run(15)
    market.pipeline.use_model(None)
    watched = len(market.pipeline.book)
    assert watched == 2
    market.close_minute(skip=(1,))
    hole = market.k - 1
    market.pipeline.advance(market.now_ms)
    market.run(3)
    book = market.pipeline.book
    behind = [int(done) for done in book._done_ms]
    assert START_MS + (hole - 1) * MINUTE_MS in behind
    market.close_late(1, hole)
    market.run(1)
    assert set(book._done_ms.tolist()) == {market.now_ms - MINUTE_MS}
    assert (book._n_missing == 0).all()


def test_a_minute_that_is_never_repaired_costs_ten_minutes_and_nothing_else(
    market: Market,
) -> None:
    market.pipeline.use_model(model())
    market.run(15)
    market.pipeline.use_model(None)
    market.close_minute(skip=(1,))
    market.pipeline.advance(market.now_ms)
    market.pipeline.advance(market.now_ms + 300)
    market.run(9)
    book = market.pipeline.book
    held_back = int(book._done_ms[book._row == 1][0]) if 1 in book._row else None
    market.run(1)
    assert held_back is not None
    assert set(book._done_ms.tolist()) == {market.now_ms - MINUTE_MS}
    assert book._n_missing[book._row == 1].tolist() == [1]


def test_the_same_events_give_the_same_signals() -> None:
    def play() -> list[str]:
        market = Market(4)
        market.run(WARM)
        market.pipeline.use_model(model(weight=0.1))
        outputs = market.run(15)
        outputs += market.pipeline.advance(market.form())
        return [repr((o.draft.id, o.draft.plan, o.draft.money)) for o in issued(outputs)]

    first = play()
    assert len(first) == 3
    assert play() == first
