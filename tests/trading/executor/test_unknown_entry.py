"""An entry without an answer that can be believed: asked for, adopted, or given up; never resent."""

import pytest

from tests.trading.executor.stage import Stage, assert_invariants, make_trade
from trading.domain.orders import Leg
from trading.domain.venue import Outcome, OutcomeClass

UNKNOWN_REPLIES = [
    pytest.param(Outcome(OutcomeClass.UNKNOWN, status=503, message="Unknown error"), id="503"),
    pytest.param(Outcome(OutcomeClass.UNKNOWN, code=-1007, message="Timeout"), id="-1007"),
    pytest.param(Outcome(OutcomeClass.UNKNOWN, status=200, message="cut body"), id="cut body"),
    pytest.param(Outcome(OutcomeClass.ALREADY, code=-4116, message="Duplicated"), id="-4116"),
]


@pytest.fixture
def entering(stage: Stage) -> Stage:
    make_trade(stage.account)
    return stage


def test_a_time_out_that_was_executed_is_adopted_once(entering: Stage) -> None:
    entering.exchange.next("entry", "timeout")
    entering.run(1_000)
    assert entering.order("entry").state == "working"
    entering.exchange.fill("entry")
    entering.run(5_000)
    assert "stop" in entering.exchange.resting()
    assert_invariants(entering)


def test_without_a_user_stream_it_is_found_by_asking(entering: Stage) -> None:
    entering.is_deaf = True
    entering.exchange.next("entry", "timeout")
    entering.run(1_000)
    assert entering.order("entry").state == "working"
    assert entering.order("entry").asked >= 1


@pytest.mark.parametrize("reply", UNKNOWN_REPLIES)
def test_what_was_not_executed_is_given_up_after_twenty_seconds(
    entering: Stage, reply: Outcome
) -> None:
    entering.exchange.next("entry", reply)
    entering.run(19_000)
    assert entering.order("entry").state == "unknown"
    assert entering.trade().state == "entering"
    entering.run(10_000)
    assert entering.order("entry").state == "cancelled"
    assert entering.trade().state == "not_entered"
    assert entering.trade().reason == "entry_lost"
    assert_invariants(entering, is_over=True)


def test_an_order_that_appears_after_fifteen_seconds_is_adopted(entering: Stage) -> None:
    entering.is_deaf = True
    entering.exchange.next("entry", "hidden")
    entering.run(15_000)
    assert entering.order("entry").state == "unknown"
    entering.exchange.hidden.clear()
    entering.exchange.fill("entry")
    entering.run(10_000)
    assert entering.trade().state == "open"
    assert_invariants(entering)


def test_questions_that_fail_conclude_nothing(entering: Stage) -> None:
    entering.exchange.next("entry", "lost")
    entering.run(0)
    entering.exchange.fail("order", 1_000)
    entering.run(60_000)
    assert entering.order("entry").state == "unknown"
    entering.exchange.scripts["order"].clear()
    entering.run(30_000)
    assert entering.order("entry").state == "cancelled"
    assert_invariants(entering, is_over=True)


def test_a_position_that_shows_while_the_answer_is_missing_is_protected(entering: Stage) -> None:
    entering.is_deaf = True
    entering.exchange.next("entry", "timeout")
    entering.run(300)
    entering.exchange.fail("order", 1_000)
    entering.exchange.fill("entry")
    entering.lane.reconciler.ask("test")
    entering.run(3_000)
    assert "stop" in entering.exchange.resting()
    assert entering.trade().state == "open"


def test_a_reply_eleven_seconds_late_after_the_fill_changes_no_order(entering: Stage) -> None:
    entering.exchange.next("entry", "timeout")
    entering.run(0)
    entry, placed = entering.lane.trades[0].of(Leg.ENTRY), entering.exchange.order_of("entry")
    entering.exchange.fill("entry")
    entering.run(11_000)
    entering.lane.doer.late.append((entry[0], Outcome(OutcomeClass.ACCEPTED, order=placed)))
    entering.run(1_000)
    assert entering.order("entry").state == "filled"
    assert entering.trade().filled == entering.exchange.position
    assert_invariants(entering)


def test_what_surely_did_not_leave_goes_again_with_the_same_id(entering: Stage) -> None:
    entering.exchange.next(
        "entry", Outcome(OutcomeClass.NOT_SENT, status=429, message="limit", retry_after_s=3.0)
    )
    entering.run(2_000)
    assert entering.order("entry").state == "prepared"
    entering.run(3_000)
    assert entering.order("entry").state == "working"
    assert entering.order("entry").attempt == 1


@pytest.mark.parametrize("code", [-2019, -4164, -4131, -4400])
def test_a_refusal_is_clear_and_leaves_nothing(entering: Stage, code: int) -> None:
    entering.exchange.next(
        "entry", Outcome(OutcomeClass.REJECTED, code=code, status=400, message="no")
    )
    entering.run(5_000)
    assert entering.trade().state == "not_entered"
    assert entering.trade().reason == "entry_refused"
    assert str(code) in entering.trade().sentence
    assert_invariants(entering, is_over=True)


def test_an_entry_that_counted_as_lost_and_fills_later_is_managed_again(entering: Stage) -> None:
    entering.is_deaf = True
    entering.exchange.next("entry", "hidden")
    entering.run(40_000)
    assert entering.trade().state == "not_entered"
    entering.is_deaf = False
    entering.exchange.hidden.clear()
    entering.exchange.fill("entry")
    entering.run(5_000)
    assert entering.trade().state == "open"
    assert "stop" in entering.exchange.resting()
    assert_invariants(entering)
