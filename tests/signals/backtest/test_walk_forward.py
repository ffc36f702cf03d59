"""The walk-forward: judged only by models that had not seen it, and the same code as live."""

import numpy as np
import pytest

from cryptosystems.kernel.timeframes import MINUTE_MS, Timeframe
from signals.backtest import walk_forward
from signals.backtest.walk_forward import BacktestResult, backtest
from signals.features.history import run_history, trend_histories
from signals.market.history import History
from signals.market.state import MarketState
from signals.model.labels import make_labels
from signals.model.splits import Window
from signals.model.train import Lesson, train
from signals.pipeline.fold import Pipeline
from signals.pipeline.outputs import Changed, Issued, Rejected
from tests.signals.cases import START_MS, candle_event, random_history, rules
from tests.signals.model.worlds import H1, STEPS, N, lesson
from tests.signals.pipeline.markets import M15, model

RULES = [rules(symbol, "0.001") for symbol in ("BTCUSDT", *(f"ALT{k}USDT" for k in range(1, N)))]


CUTS: list[int] = []


@pytest.fixture(scope="module")
def judged() -> BacktestResult:
    """Run a walk-forward of two blocks; `CUTS` notes what each model was allowed to know."""

    def watched(lessons, **told):  # type: ignore[no-untyped-def]
        CUTS.append(told["before_ms"])
        return train(lessons, **told)

    held = lesson(0.35, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk_forward, "train", watched)
        return backtest(
            {H1: held}, held.features.history, RULES, decide_on=(H1,), n_blocks=2, first_share=0.75
        )


def test_every_block_is_judged_by_a_model_that_learned_before_it(judged: BacktestResult) -> None:
    close_ms = lesson(0.35, 2).features.open_ms + H1.duration_ms
    known = ~np.isnan(judged.probabilities[H1][0, :, 0])
    assert len(CUTS) == 2
    np.testing.assert_array_equal(known, close_ms > CUTS[0])
    for draft, _ in judged.signals:
        number = int(draft.setup.model_version.rsplit("-", 1)[1])
        assert draft.setup.at_ms > CUTS[number - 1]


def test_signals_and_turned_down_setups_carry_their_outcome(judged: BacktestResult) -> None:
    assert len(judged.signals) > 20
    assert len(judged.rejected) > 20
    settled = [change for _, change in judged.signals if change is not None and change.result]
    assert len(settled) >= 0.9 * len(judged.signals) - 16
    for change in settled:
        assert change.result in ("won", "lost", "timed_out", "not_entered")
        assert (change.net_r is None) == (change.result == "not_entered")
    assert len(judged.shadow) > 0.8 * len(judged.rejected)
    assert set(judged.shadow) <= set(range(len(judged.rejected)))
    assert {no.setup.origin for no in judged.rejected} == {"backtest"}


def test_reasons_of_the_record_have_their_readings(judged: BacktestResult) -> None:
    draft, _ = judged.signals[0]
    first = draft.setup.reasons[0]
    assert first.reading is not None
    assert "not known" not in first.sentence


def test_no_symbol_has_two_open_signals_and_no_candle_more_than_three(
    judged: BacktestResult,
) -> None:
    ends: dict[str, int] = {}
    per_moment: dict[int, int] = {}
    for draft, change in judged.signals:
        assert draft.setup.at_ms >= ends.get(draft.setup.symbol, 0)
        ends[draft.setup.symbol] = change.at_ms if change and change.result else draft.expires_ms
        per_moment[draft.setup.at_ms] = per_moment.get(draft.setup.at_ms, 0) + 1
    assert max(per_moment.values()) <= 3


def test_shuffling_the_future_changes_no_decision_before_it(judged: BacktestResult) -> None:
    held = lesson(0.35, 2)
    cut = int(STEPS * 0.9)
    history = held.features.history
    candles = history.candles.copy()
    candles[cut:] = candles[cut:][::-1]
    other = History(history.symbols, H1, history.open_ms, candles)
    features = run_history(other, H1, keep_readings=True)
    again = Lesson(features, make_labels(features.history, features.atr))
    found = backtest({H1: again}, other, RULES, decide_on=(H1,), n_blocks=2, first_share=0.75)
    cut_ms = int(history.open_ms[cut])

    def before(result: BacktestResult) -> list[str]:
        return [repr((d.id, d.plan, d.money)) for d, _ in result.signals if d.setup.at_ms <= cut_ms]

    assert len(before(judged)) > 10
    assert before(found) == before(judged)


def test_live_and_back_test_decide_the_same_on_the_same_candles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    minutes = random_history(1_440 * 2, 5, Timeframe.M1, seed=23, sigma=0.001)
    speaking = model(p_long=0.60, p_short=0.50, weight=0.25)
    places = [rules(symbol, "0.001") for symbol in minutes.symbols]

    # Live: minutes through the fold, one turn each, nothing between closes.
    pipeline = Pipeline(MarketState(minutes.symbols), places, origin="backtest")
    live: dict[tuple[str, int], tuple] = {}
    ends: dict[str, tuple] = {}
    turned_down: set[tuple[str, int, str]] = set()
    ids: dict[object, tuple[str, int]] = {}
    begin = START_MS + 1_440 * MINUTE_MS
    for step, open_ms in enumerate(minutes.open_ms.tolist()):
        if open_ms == begin:
            pipeline.use_model(speaking)
        for row, symbol in enumerate(minutes.symbols):
            pipeline.apply(candle_event(symbol, open_ms, minutes.candles[step, :, row]))
        for output in pipeline.advance(open_ms + MINUTE_MS):
            if isinstance(output, Issued):
                draft = output.draft
                key = (draft.setup.symbol, draft.setup.at_ms)
                live[key] = (draft.setup.side, draft.plan.stop, draft.plan.targets)
                ids[draft.id] = key
            elif isinstance(output, Rejected):
                s = output.no_signal.setup
                turned_down.add((s.symbol, s.at_ms, output.no_signal.gate))
            elif isinstance(output, Changed) and output.change.result:
                ends[ids[output.change.id]] = (output.change.result, output.change.at_ms)

    # Back-test: the same model, given instead of learned, over the same candles at once.
    monkeypatch.setattr(walk_forward, "train", lambda *args, **told: speaking)
    monkeypatch.setattr(
        walk_forward,
        "walk_forward",
        lambda first, last, *rest, **told: [Window(first, begin, last)],
    )
    features = run_history(minutes, M15, trends=trend_histories(minutes), keep_readings=True)
    taught = Lesson(features, make_labels(features.history, features.atr, minutes))
    found = backtest({M15: taught}, minutes, places, decide_on=(M15,))
    tested = {
        (d.setup.symbol, d.setup.at_ms): (d.setup.side, d.plan.stop, d.plan.targets)
        for d, _ in found.signals
    }
    assert len(live) >= 8
    assert tested == live
    assert {
        (d.setup.symbol, d.setup.at_ms): (c.result, c.at_ms)
        for d, c in found.signals
        if c is not None and c.result
    } == ends
    assert {(no.setup.symbol, no.setup.at_ms, no.gate) for no in found.rejected} == turned_down


def test_an_embargo_keeps_the_last_decisions_before_a_window_from_teaching(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held, cuts = lesson(0.35, 2), []
    monkeypatch.setattr(
        walk_forward, "train", lambda lessons, **told: cuts.append(told["before_ms"])
    )
    begin, end = (int(held.features.open_ms[step]) for step in (1_500, 1_600))
    found = backtest(
        {H1: held},
        held.features.history,
        RULES,
        decide_on=(H1,),
        windows=[Window(0, begin, end)],
        embargo_ms=48 * H1.duration_ms,
    )
    assert cuts == [begin - 48 * H1.duration_ms]
    assert found.models == {}, "no model, nothing judged"
    assert (found.blocks[H1] == -1).all()
