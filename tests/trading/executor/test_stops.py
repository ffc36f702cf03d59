"""Stops that are seen late, in the way or without a row; their faults are `tests/faults/test_stop`."""

import pytest

from tests.trading.executor.stage import Stage, assert_invariants, make_trade
from trading.domain.venue import Outcome, OutcomeClass, VenueState


def refusal(code: int) -> Outcome:
    return Outcome(OutcomeClass.REJECTED, code=code, status=400, message="refused")


# --- before the entry -----------------------------------------------------------------------------


def test_the_entry_waits_until_the_guard_was_seen(stage: Stage) -> None:
    stage.is_deaf = True
    make_trade(stage.account)
    stage.run(0)
    assert stage.exchange.sent("entry") == 0
    stage.run(1_000)
    assert stage.exchange.sent("entry") == 1


def test_a_guard_that_is_never_seen_enters_nothing(stage: Stage) -> None:
    stage.is_deaf = True
    make_trade(stage.account)
    stage.run(0)
    stage.exchange.hidden.add(stage.exchange.order_of("guard").client_id)
    stage.run(10_000)
    assert stage.exchange.sent("entry") == 0
    assert stage.trade().reason == "stop_unconfirmed"


def test_a_guard_that_is_cancelled_takes_the_entry_with_it(stage: Stage) -> None:
    stage.enter()
    stage.exchange.say(stage.exchange.order_of("guard"), VenueState.CANCELED)
    stage.run(5_000)
    assert stage.trade().state == "not_entered"
    assert stage.trade().reason == "stop_gone"
    assert_invariants(stage, is_over=True)


# --- the stop of the position ---------------------------------------------------------------------


def test_no_answer_to_no_question_is_a_zero(stage: Stage) -> None:
    stage.open()
    stage.exchange.fail("positions", 50)
    stage.exchange.fail("open_orders", 50)
    stage.run(60_000)
    assert stage.trade().state == "open"
    stage.exchange.scripts.clear()
    stage.run(30_000)
    assert_invariants(stage)


def test_a_stop_that_does_not_fire_is_done_by_ourselves(stage: Stage) -> None:
    """The conditional orders' service is down: the price is beyond, nothing fires, nobody answers."""
    stage.open()
    stage.run(30_000)
    stage.exchange.fail("order", 1_000)
    stage.exchange.fail("open_orders", 1_000)
    stage.exchange.mark -= 1_000
    stage.run(8_000)
    assert stage.exchange.position == 0
    assert stage.trade().reason == "stop_silent"
    stage.exchange.scripts.clear()
    stage.run(30_000)
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize(("held", "is_kept"), [("0.1", True), ("0", False)])
def test_a_stop_of_ours_without_a_row_stays_while_anything_is_open(
    stage: Stage, held: str, is_kept: bool
) -> None:
    """After a restore: whatever protects a position is never taken away."""
    stage.open()
    stop = stage.exchange.order_of("stop")
    for row in stage.trade().orders.model.objects.for_user(stage.account.user_id):
        row.delete()
    stage.trade().delete()
    if held == "0":
        stage.exchange.position = stage.exchange.position * 0
    stage.restart()
    stage.run(1_000)
    assert ("stop" in stage.exchange.resting()) == is_kept
    assert stop.client_id in stage.exchange.orders


def test_a_tick_that_changes_while_we_hold_moves_nothing_in_circles(stage: Stage) -> None:
    from dataclasses import replace
    from decimal import Decimal

    from tests.trading.executor.small_exchange import RULES

    stage.open(plan={"stop": "59100.3"})
    stage.lane.market.rules = lambda symbol: replace(RULES, tick=Decimal("0.5"))
    stage.run(20_000)
    assert stage.order("stop").attempt <= 2
    stage.exchange.move("61100")
    stage.exchange.fill("tp1")
    stage.run(10_000)
    assert stage.exchange.order_of("stop").trigger_price == Decimal("60110.5")
    assert_invariants(stage)
