"""Leaving a position: without end, never more than ours, nothing left behind. F-39 to F-44, F-66."""

import pytest
from django.utils import timezone

from tests.trading.executor.stage import MINUTE, D, Stage, assert_invariants
from trading.contracts import StopMode
from trading.domain.venue import Outcome, OutcomeClass
from trading.services import stops


def throw(scope: str, stage: Stage, mode: StopMode) -> None:
    """Throw a kill switch of this scope."""
    key = str(stage.account.user_id) if scope == "user" else "BTCUSDT"
    stops.throw(scope, key, mode, "tests throw it", by=None, now=timezone.now())


def refusal(code: int) -> Outcome:
    return Outcome(OutcomeClass.REJECTED, code=code, status=400, message="refused")


@pytest.mark.parametrize("code", [-2022, -4118])
def test_targets_in_the_way_are_cancelled_and_the_close_repeated(stage: Stage, code: int) -> None:
    stage.open()
    stage.exchange.next("close", refusal(code))
    stage.ask_to_close()
    stage.run(10_000)
    assert stage.exchange.position == 0
    assert stage.exchange.sent("close") == 2
    assert stage.trade().reason == "by_hand"
    assert_invariants(stage, is_over=True)


def test_a_hundred_refused_closes_end_flat_with_one_alarm_and_one_page(stage: Stage) -> None:
    stage.open()
    stage.exchange.next("close", *[refusal(-1001)] * 100)
    stage.ask_to_close()
    stage.run(10 * MINUTE)
    assert stage.exchange.sent("close") == 101
    assert stage.exchange.position == 0
    assert stage.journal().count("close_late") == 1
    assert stage.journal().count("close_page") == 1
    assert_invariants(stage, is_over=True)


def test_the_stop_rests_until_the_close_is_done(stage: Stage) -> None:
    stage.open()
    stage.exchange.next("close", *[refusal(-1001)] * 3)
    stage.ask_to_close()
    stage.run(500)
    assert stage.exchange.position != 0
    assert "stop" in stage.exchange.resting()


@pytest.mark.parametrize("answer", ["timeout", "lost"], ids=["executed", "not executed"])
def test_a_close_without_an_answer_never_reverses(stage: Stage, answer: str) -> None:
    stage.open()
    stage.exchange.next("close", answer)
    stage.is_deaf = True
    stage.ask_to_close()
    stage.run(15_000)
    assert stage.exchange.position == 0
    stage.run(10_000)
    assert_invariants(stage, is_over=True)


def test_a_close_without_an_answer_leaves_what_the_person_added(stage: Stage) -> None:
    stage.open()
    stage.exchange.trade_by_hand("BUY", "0.05")
    stage.run(5_000)
    stage.exchange.next("close", "timeout")
    stage.ask_to_close()
    stage.run(30_000)
    assert stage.exchange.position == D("0.05")
    assert stage.trade().state == "closed"
    assert "position_is_larger" in stage.journal()


def test_the_time_of_the_signal_ends_the_trade(stage: Stage) -> None:
    stage.open(plan={"expires_ms": 1_700_000_000_000 + 5 * MINUTE})
    stage.run(6 * MINUTE)
    assert stage.trade().reason == "time"
    assert_invariants(stage, is_over=True)


def test_flatten_closes_and_close_only_takes_the_entry_back(stage: Stage) -> None:
    stage.enter()
    throw("user", stage, StopMode.CLOSE_ONLY)
    stage.run(5_000)
    assert stage.trade().reason == "kill_switch"
    assert_invariants(stage, is_over=True)


def test_flatten_closes_what_is_open(stage: Stage) -> None:
    stage.open()
    throw("symbol", stage, StopMode.FLATTEN)
    stage.run(10_000)
    assert stage.exchange.position == 0
    assert stage.trade().reason == "kill_switch"
    assert_invariants(stage, is_over=True)


def test_an_account_that_shows_nothing_is_held_not_booked(stage: Stage) -> None:
    stage.open()
    before, calls = len(stage.exchange.requests), len(stage.exchange.calls)
    stage.exchange.wrong_position = D(0)
    stage.lane.reconciler.ask("test")
    stage.run(5 * MINUTE)
    assert stage.trade().state == "open"
    assert stage.trade().open_quantity == D("0.1")
    assert len(stage.exchange.requests) == before
    assert "cancel" not in stage.exchange.calls[calls:]
    assert stage.journal().count("hold") == 1
    stage.exchange.wrong_position = None
    stage.run(60_000)
    assert_invariants(stage)


def test_dust_is_closed(stage: Stage) -> None:
    stage.enter()
    stage.exchange.fill("entry", "0.001")
    stage.run(3 * MINUTE)
    assert stage.exchange.position == 0
    assert stage.trade().reason == "dust"
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize("quantity", ["0.037", "0.099"])
def test_what_was_filled_at_the_deadline_is_managed(stage: Stage, quantity: str) -> None:
    stage.enter()
    stage.exchange.fill("entry", quantity)
    stage.run(3 * MINUTE)
    assert stage.order("entry").state == "cancelled"
    assert stage.trade().filled == D(quantity)
    legs = ("tp1", "tp2", "tp3")
    rest = [stage.exchange.order_of(leg) for leg in legs]
    assert sum(one.quantity for one in rest) == D(quantity)
    assert_invariants(stage)


def test_a_fill_that_crosses_our_cancel_is_booked(stage: Stage) -> None:
    stage.enter()
    stage.is_deaf = True
    stage.run(110_000)
    stage.exchange.fill("entry")
    stage.exchange.drain()
    stage.run(30_000)
    assert stage.trade().state == "open"
    assert_invariants(stage)


def test_a_target_that_fills_while_the_stop_fires_does_not_reverse(stage: Stage) -> None:
    stage.open()
    stage.exchange.fill("tp1")
    stage.exchange.move("59000")
    stage.run(30_000)
    assert stage.exchange.position == 0
    assert_invariants(stage, is_over=True)


def test_a_gap_through_the_stop_is_booked_at_its_real_price(stage: Stage) -> None:
    stage.open()
    stage.exchange.move("54300")
    stage.run(10_000)
    trade = stage.trade()
    assert trade.exit_price == D("54300")
    assert trade.realised == D("-575")
    assert trade.reason == "stop"
    assert_invariants(stage, is_over=True)


def test_leftovers_are_cancelled_and_the_persons_orders_stay(stage: Stage) -> None:
    stage.open()
    stage.exchange.rest_by_hand("web_one")
    stage.exchange.rest_by_hand("android_two")
    stage.exchange.move("59000")
    stage.run(10_000)
    assert stage.exchange.resting() == ["web_one", "android_two"]
    assert_invariants(stage, is_over=False)
