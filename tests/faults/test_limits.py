"""Limits, bans, clocks and changed rules: F-51, F-53, F-54, EX-27."""

import pytest

from tests.faults.invariants import assert_invariants, orders_of
from tests.faults.stage import INSIDE, MINUTE, SYMBOL, D, Stage
from trading.exchanges.budget import WeightBudget

POST_ENTRY = "newClientOrderId=cs-e"


@pytest.mark.parametrize("status", [429, 418])
def test_no_call_leaves_before_a_ban_has_ended(stage: Stage, status: int) -> None:
    """F-51: the exchange says how long; a call within it would only make it longer."""
    stage.open()
    stage.fault("private", "ban", args={"status": status, "seconds": 30})
    stage.run(3_000)
    stage.lane.reconciler.ask("a test")
    stage.run(1_000)
    struck = stage.venue.struck()
    assert struck > 0
    stage.ask_to_close()
    stage.run(20_000)
    assert stage.venue.struck() - struck <= (0 if status == 418 else 12), "exits may try a 429"
    stage.run(MINUTE)
    assert stage.position() == 0
    assert_invariants(stage, is_over=True)


def test_a_ban_while_an_entry_waits_lets_it_go_later(stage: Stage) -> None:
    """F-51: it was not worked, so the same order goes once the ban has ended."""
    args = {"status": 429, "seconds": 20}
    stage.fault("private", "ban", match=POST_ENTRY, count=1, args=args)
    stage.make_trade()
    stage.run(MINUTE)
    assert len(orders_of(stage.who.truth(), "entry")) == 1
    stage.move(INSIDE)
    stage.run(6_000)
    assert_invariants(stage)


def test_an_entry_waits_where_its_own_exits_would_not_fit(stage: Stage) -> None:
    """F-52, EX-27: with the weight used up by others nothing that opens risk leaves."""
    stage.client.budget = WeightBudget(weight_limit=100)
    stage.run(0)
    stage.make_trade()
    stage.run(2_000)
    assert orders_of(stage.who.truth(), "entry") == []
    stage.client.budget.set_limits(500_000, 1_200, 300)
    stage.run(MINUTE)
    assert stage.resting() == ["guard", "entry"]
    assert_invariants(stage)


def test_exits_go_when_all_other_weight_is_gone(stage: Stage) -> None:
    """F-52: what others may not use any more is kept for exits."""
    stage.open()
    budget = stage.client.budget
    used = budget.used(stage.clock.now_ms())
    budget.set_limits(int(used / 0.7), 1_200, 300)
    stage.ask_to_close()
    stage.run(3_000)
    assert stage.position() == 0
    budget.set_limits(500_000, 1_200, 300)
    stage.run(70_000)  # what proves it is a read, and waits for the next minute
    assert_invariants(stage, is_over=True)


def test_an_entry_refused_for_its_time_stamp_goes_once_more(stage: Stage) -> None:
    """F-53: -1021 was surely not worked; the offset is renewed, and the same order goes once."""
    args = {"status": 400, "code": -1021, "msg": "outside of the recvWindow", "executed": False}
    stage.fault("private", "status", match=POST_ENTRY, count=3, args=args)
    stage.make_trade()
    stage.run(30_000)
    assert stage.venue.struck() == 3
    assert stage.order("entry").attempt == 1
    assert len(orders_of(stage.who.truth(), "entry")) == 1
    assert_invariants(stage)


def test_a_refused_clock_in_a_trade_leaves_the_stop_and_no_conclusion(stage: Stage) -> None:
    """F-53 in a trade: nothing is believed gone; the close goes once the clock is right."""
    stage.open()
    stage.venue.clock_offset(20_000)
    stage.ask_to_close()
    stage.run(15_000)
    assert "stop" in stage.resting()
    stage.venue.clock_offset(0)
    stage.run(15_000)
    assert stage.position() == 0
    assert_invariants(stage, is_over=True)


def test_a_halted_symbol_is_not_entered_and_makes_no_loop(stage: Stage) -> None:
    """F-54."""
    stage.venue.listing(SYMBOL, "BREAK")
    try:
        stage.make_trade()
        stage.run(MINUTE)
        assert orders_of(stage.who.truth(), "entry") == []
        assert stage.venue.struck() == 0
        assert stage.ledger.write() < 200, "no loop"
    finally:
        stage.venue.listing(SYMBOL, "TRADING")
    stage.run(2 * MINUTE)
    assert_invariants(stage)


def test_a_tick_that_changes_between_plan_and_send_is_rounded_to(stage: Stage) -> None:
    """F-54: the plan's prices lie between two ticks of today."""
    prices = {"stop": "59100.3", "entry_price": "60100.3", "entry_high": "60100.3"}
    stage.make_trade(plan=prices)
    stage.venue.sim("POST", "listing", {"symbol": SYMBOL, "tick_size": "0.50"})
    try:
        stage.db.drive(stage.rules.refresh())
        stage.run(5_000)
        entries = orders_of(stage.who.truth(), "entry")
        assert [D(one["price"]) % D("0.5") for one in entries] == [D(0)]
        stage.move(INSIDE)
        stage.run(10_000)
        assert_invariants(stage)
    finally:
        stage.venue.sim("POST", "listing", {"symbol": SYMBOL, "tick_size": "0.10"})
