"""Closing from memory while rows are away: bounded in rate, and not fooled by an empty answer."""

from decimal import Decimal as D

from tests.trading.executor.stage import Stage
from trading.domain.venue import Outcome, OutcomeClass
from trading.executor.emergency import FLAT_FOR_MS


def close(stage: Stage) -> bool:
    """Try once, as the lane does with what it has in memory."""
    (trade,) = stage.lane.trades
    return stage.db.drive(stage.lane.emergency.close(trade, stage.clock.now_ms()))


def test_what_is_refused_is_tried_ever_more_rarely(stage: Stage) -> None:
    stage.open()
    refused = Outcome(OutcomeClass.REJECTED, code=-4131, message="no counterparty")
    stage.exchange.next("close", *[refused] * 200)
    for _ in range(240):  # a minute, looked at four times a second
        assert not close(stage)
        stage.clock.advance(250)
    assert 12 <= stage.exchange.sent("close") <= 20


def test_an_empty_answer_is_believed_only_after_a_minute_of_them(stage: Stage) -> None:
    stage.open()
    stage.exchange.wrong_position = D(0)
    assert not close(stage)
    stage.clock.advance(FLAT_FOR_MS // 2)
    assert not close(stage)
    stage.exchange.wrong_position = None
    stage.clock.advance(5_000)
    assert not close(stage), "it was there all the time, and is closed now"
    assert stage.exchange.position == 0
    stage.clock.advance(5_000)
    assert close(stage), "what was closed explains that nothing is left"


def test_after_a_minute_of_empty_answers_it_is_left(stage: Stage) -> None:
    stage.open()
    stage.exchange.wrong_position = D(0)
    close(stage)
    stage.clock.advance(FLAT_FOR_MS)
    assert close(stage)
    assert stage.exchange.sent("close") == 0
