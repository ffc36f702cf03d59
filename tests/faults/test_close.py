"""Leaving, and what is left of an entry: F-39, F-40, F-42, F-43, F-57, EX-11, EX-16, EX-20."""

from typing import Any

import pytest
from django.utils import timezone

from tests.faults.conftest import StageMaker
from tests.faults.invariants import assert_invariants, orders_of
from tests.faults.stage import INSIDE, MINUTE, SYMBOL, D, Stage
from trading.contracts import StopMode
from trading.models import TradeOrder
from trading.services import stops

CLOSE = "newClientOrderId=cs-c"


def throw(stage: Stage, mode: StopMode) -> None:
    """Throw this person's kill switch."""
    stops.throw("user", str(stage.user.pk), mode, "a test", by=None, now=timezone.now())


# --- the loop -------------------------------------------------------------------------------------


def test_two_hundred_refused_closes_end_flat_with_one_alarm_and_one_page(stage: Stage) -> None:
    """F-40: refused for as long as the exchange is busy; the stop rests meanwhile."""
    stage.open()
    args = {"status": 400, "code": -4131, "msg": "PERCENT_PRICE", "executed": False}
    stage.fault("private", "status", match=CLOSE, method="POST", count=200, args=args)
    stage.ask_to_close()
    stage.run(MINUTE)
    assert stage.resting()[0] == "stop"
    began = stage.clock.now_ms()
    while stage.venue.struck() < 200:
        stage.run(MINUTE, step_ms=5_000)
    assert stage.clock.now_ms() - began > 10 * MINUTE, "the rate is bounded"
    stage.run(MINUTE)
    assert stage.venue.struck() == 200
    assert stage.position() == 0
    assert stage.journal().count("close_late") == 1
    assert stage.journal().count("close_page") == 1
    assert_invariants(stage, is_over=True)


def test_a_close_that_is_refused_once_goes_again(stage: Stage) -> None:
    """F-39: the loop is a loop."""
    stage.open()
    args = {"status": 400, "code": -2022, "msg": "ReduceOnly Order is rejected."}
    stage.fault("private", "status", match=CLOSE, method="POST", count=1, args=args)
    stage.ask_to_close()
    stage.run(8_000)
    assert stage.position() == 0
    assert stage.trade().reason == "by_hand"
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize("executed", [True, False], ids=["executed", "not executed"])
def test_a_close_without_an_answer_never_reverses(stage: Stage, executed: bool) -> None:
    """F-40, EX-11: the position is read before another close leaves."""
    stage.open()
    stage.fault("private", "drop", match=CLOSE, method="POST", count=1, args={"executed": executed})
    stage.deafen()
    stage.ask_to_close()
    stage.run(30_000)
    assert stage.position() == 0
    assert len(orders_of(stage.who.truth(), "close")) == 1
    assert_invariants(stage, is_over=True)


def test_leftovers_are_cancelled_and_the_persons_orders_stay(stage: Stage) -> None:
    """EX-16: at both services, and nothing without our prefix."""
    stage.open()
    for price in (50_000, 51_000):
        order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        stage.who.by_hand("POST", "/fapi/v1/order", quantity="0.01", price=price, **order)
    stage.move(59_050)
    stage.run(10_000)
    assert stage.resting() == []
    assert_invariants(stage, is_over=True, their_orders=2)


# --- what an entry leaves -------------------------------------------------------------------------


def fill_part(stage: Stage, at_a_look: str, ask: float = 60_090, **changes: Any) -> str:
    """Fill a part of the entry, so much at each look of the exchange; return how much it was."""
    stage.enter(**changes)
    stage.venue.book(SYMBOL, bids=[(ask - 40, 1)], asks=[(ask, float(at_a_look))])
    stage.venue.book(SYMBOL)
    filled = str(stage.position())
    assert D(0) < D(filled) < D("0.1")
    return filled


@pytest.mark.parametrize("at_a_look", ["0.018", "0.049"])
def test_what_was_filled_at_the_deadline_is_managed(stage: Stage, at_a_look: str) -> None:
    """F-42, EX-20: the rest is cancelled, and the targets are those of what there is."""
    filled = fill_part(stage, at_a_look)
    stage.run(3 * MINUTE, step_ms=2_000)
    assert stage.order("entry").state == "cancelled"
    assert stage.trade().filled == D(filled)
    targets = [o for o in stage.who.truth()["orders"] if o["reduceOnly"] in (True, "true")]
    assert sum(D(o["origQty"]) for o in targets) == D(filled)
    assert_invariants(stage)


def test_dust_is_closed(stage: Stage) -> None:
    """F-42: one per cent, below the smallest order."""
    prices = {"entry_low": "44900", "entry_high": "45100", "entry_price": "45100", "stop": "44100"}
    stage.move(45_300)
    fill_part(stage, "0.001", 45_090, plan=prices)
    stage.run(3 * MINUTE, step_ms=2_000)
    assert stage.position() == 0
    assert stage.trade().reason == "dust"
    assert_invariants(stage, is_over=True)


def test_an_entry_that_is_not_filled_in_time_is_taken_back(stage: Stage) -> None:
    """EX-20: the guard goes with it."""
    stage.enter()
    stage.run(3 * MINUTE, step_ms=2_000)
    assert stage.trade().reason == "not_filled"
    assert_invariants(stage, is_over=True)


def test_a_fill_that_crosses_our_cancel_is_managed(make_stage: StageMaker) -> None:
    """F-43: the cancel is on its way while the price comes."""
    stage = make_stage(is_deaf=True, call_s=0.2)
    stage.enter()
    args = {"status": 400, "code": -2011, "msg": "Unknown order sent.", "executed": False}
    stage.fault("private", "status", match="cs-e", method="DELETE", count=1, args=args)
    stage.run(2 * MINUTE - 1_500)
    stage.mark = D(INSIDE)
    stage.venue.price(SYMBOL, INSIDE)
    stage.run(30_000)
    assert stage.trade().state == "open"
    assert "stop" in stage.resting()
    assert_invariants(stage)


# --- switches -------------------------------------------------------------------------------------


def test_flatten_closes_what_is_open(stage: Stage) -> None:
    """F-57, EX-25."""
    stage.open()
    throw(stage, StopMode.FLATTEN)
    stage.run(10_000)
    assert stage.position() == 0
    assert stage.trade().reason == "kill_switch"
    assert_invariants(stage, is_over=True)


def test_a_switch_thrown_between_row_and_claim_holds_the_entry_back(stage: Stage) -> None:
    """F-57: it is read in the claim itself; the lane's own copy may be half a second old."""
    stage.make_trade()
    for _ in range(60):
        if TradeOrder.objects.for_user(stage.user.pk).filter(leg="entry").exists():
            break
        stage.lane.is_ending = True  # one step a pass
        stage.once()
        stage.advance(100)
    stage.lane.is_ending = False
    assert stage.order("entry").state == "prepared"
    throw(stage, StopMode.NO_ENTRIES)
    stage.run(10_000)
    assert orders_of(stage.who.truth(), "entry") == []
    assert_invariants(stage, is_over=True)


def test_a_worker_that_dies_while_it_flattens_is_followed(stage: Stage) -> None:
    """F-57: the next one reads the same switch and goes on."""
    stage.open()
    throw(stage, StopMode.FLATTEN)
    args = {"status": 503, "executed": False}
    stage.fault("private", "status", match=CLOSE, method="POST", args=args)
    stage.run(3_000)
    stage.restart()
    stage.venue.heal()
    stage.run(15_000)
    assert stage.position() == 0
    assert_invariants(stage, is_over=True)
