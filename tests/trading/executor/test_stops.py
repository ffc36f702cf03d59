"""Stops that are refused, lost, stuck or forgotten: F-32 to F-38, and EX-08 to EX-13."""

import pytest

from tests.trading.executor.stage import MINUTE, Stage, assert_invariants, make_trade
from trading.domain.venue import Outcome, OutcomeClass, VenueState


def refusal(code: int) -> Outcome:
    return Outcome(OutcomeClass.REJECTED, code=code, status=400, message="refused")


# --- before the entry -----------------------------------------------------------------------------


def enter_behind_the_guard(stage: Stage) -> None:
    stage.run(1_000)
    assert stage.exchange.resting() == ["guard", "entry"]


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


@pytest.mark.parametrize("code", [-2021, -4045, -4120, -2019])
def test_a_refused_guard_enters_nothing(stage: Stage, code: int) -> None:
    make_trade(stage.account)
    stage.exchange.next("guard", refusal(code))
    stage.run(5_000)
    assert stage.exchange.sent("entry") == 0
    assert stage.trade().state in ("not_entered", "skipped")
    assert_invariants(stage, is_over=True)


def test_where_no_stop_is_taken_while_flat_the_entry_goes_first(stage: Stage) -> None:
    make_trade(stage.account)
    stage.exchange.next("guard", refusal(-2022))
    stage.run(1_000)
    assert stage.exchange.resting() == ["entry"]
    stage.exchange.fill("entry", "0.001")
    stage.run(1_000)
    assert "stop" in stage.exchange.resting()
    stage.exchange.fill("entry")
    stage.run(5_000)
    assert_invariants(stage)


def test_a_guard_that_is_cancelled_takes_the_entry_with_it(stage: Stage) -> None:
    stage.enter()
    stage.exchange.say(stage.exchange.order_of("guard"), VenueState.CANCELED)
    stage.run(5_000)
    assert stage.trade().state == "not_entered"
    assert stage.trade().reason == "stop_gone"
    assert_invariants(stage, is_over=True)


# --- the stop of the position ---------------------------------------------------------------------


@pytest.mark.parametrize("code", [-2021, -4045, -4120, -2019])
def test_a_refused_stop_closes_the_position(stage: Stage, code: int) -> None:
    stage.enter()
    stage.exchange.next("stop", refusal(code))
    stage.exchange.fill("entry")
    stage.run(10_000)
    assert stage.exchange.position == 0
    assert stage.trade().reason in ("stop_refused", "stop_passed")
    assert_invariants(stage, is_over=True)


def test_a_stop_whose_answer_is_lost_but_rests_stays_the_only_one(stage: Stage) -> None:
    stage.enter()
    stage.exchange.next("stop", "timeout")
    stage.exchange.fill("entry")
    stage.run(5_000)
    assert stage.exchange.resting().count("stop") == 1
    assert_invariants(stage)


@pytest.mark.parametrize("is_deaf", [False, True], ids=["stream", "no stream"])
def test_a_stop_that_never_arrived_is_sent_again_in_time(stage: Stage, is_deaf: bool) -> None:
    make_trade(stage.account)
    stage.exchange.next("guard", refusal(-2022))
    stage.run(1_000)
    stage.is_deaf = is_deaf
    stage.exchange.next("stop", "lost")
    stage.exchange.fill("entry")
    stage.lane.reconciler.ask("test")
    stage.run(6_000)
    assert stage.exchange.resting().count("stop") == 1
    assert stage.order("stop").attempt == 2
    assert_invariants(stage)


def test_without_any_confirmed_stop_the_position_is_closed_after_five_seconds(
    stage: Stage,
) -> None:
    make_trade(stage.account)
    stage.exchange.next("guard", refusal(-2022))
    stage.run(1_000)
    stage.exchange.next("stop", *["lost"] * 20)
    stage.exchange.fill("entry")
    stage.run(8_000)
    assert stage.exchange.position == 0
    assert stage.trade().reason == "stop_unconfirmed"
    assert 4_000 <= stage.trade().longest_naked_ms <= 10_000
    stage.run(30_000)
    assert_invariants(stage, is_over=True)


def test_a_stop_cancelled_by_an_event_is_placed_once_more(stage: Stage) -> None:
    stage.open()
    stage.exchange.say(stage.exchange.order_of("stop"), VenueState.CANCELED)
    stage.run(5_000)
    assert stage.exchange.resting().count("stop") == 1
    assert "stop_gone" in stage.journal()
    stage.exchange.say(stage.exchange.order_of("stop"), VenueState.CANCELED)
    stage.run(10_000)
    assert stage.exchange.position == 0
    assert stage.trade().reason == "stop_lost"
    assert_invariants(stage, is_over=True)


def test_a_stop_that_goes_without_a_word_is_missed_within_twenty_seconds(stage: Stage) -> None:
    stage.open()
    stage.run(40_000)
    stage.exchange.say(stage.exchange.order_of("stop"), VenueState.CANCELED, silently=True)
    stage.run(22_000)
    assert stage.exchange.resting().count("stop") == 1
    assert_invariants(stage)


def test_a_price_beyond_the_stop_asks_for_it_at_once(stage: Stage) -> None:
    stage.open()
    stage.run(200_000)
    gone = stage.exchange.order_of("stop")
    stage.exchange.say(gone, VenueState.CANCELED, silently=True)
    stage.exchange.mark -= 1_000
    stage.run(9_000)
    assert stage.exchange.position == 0
    assert stage.trade().reason == "stop_passed"


def test_a_stop_stuck_while_firing_is_not_waited_for(stage: Stage) -> None:
    stage.open()
    stage.exchange.say(stage.exchange.order_of("stop"), VenueState.TRIGGERING)
    stage.run(9_000)
    assert stage.exchange.position != 0
    stage.run(5_000)
    assert stage.exchange.position == 0
    assert stage.trade().reason == "stop_stuck"


def test_a_stop_refused_as_it_fires_closes_at_once(stage: Stage) -> None:
    stage.open()
    stage.exchange.say(stage.exchange.order_of("stop"), VenueState.REJECTED)
    stage.run(2_000)
    assert stage.exchange.position == 0
    assert stage.trade().reason == "stop_rejected"
    stage.run(10_000)
    assert_invariants(stage, is_over=True)


def test_a_stop_that_cannot_be_found_is_replaced_and_cancelled_when_it_returns(
    stage: Stage,
) -> None:
    stage.open()
    lost = stage.exchange.order_of("stop")
    stage.exchange.orders.pop(lost.client_id)
    stage.run(30_000)
    assert stage.exchange.resting().count("stop") == 1
    assert stage.order("stop").attempt == 2
    stage.clock.advance(35 * MINUTE)
    stage.run(1_000)
    stage.exchange.orders[lost.client_id] = lost
    stage.run(30_000)
    assert stage.exchange.resting().count("stop") == 1
    assert_invariants(stage)


def test_the_persons_own_close_stop_leaves_ours_by_quantity(stage: Stage) -> None:
    stage.enter()
    stage.exchange.next("stop", refusal(-4130))
    stage.exchange.fill("entry")
    stage.run(10_000)
    assert "guard" in stage.exchange.resting()
    assert stage.trade().state == "open"
    assert_invariants(stage)


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
