"""Orders that are not found, and come back: EX-13, F-37."""

import pytest

from tests.faults.invariants import assert_invariants
from tests.faults.stage import MINUTE, SYMBOL, D, Stage

HIDDEN = {"after_ms": 6_000, "ms": 3 * MINUTE}


def test_a_guard_that_hides_while_it_is_cancelled_is_cancelled_when_it_shows(stage: Stage) -> None:
    """F-37: "not resting" about an order that is only hidden; the trade is over meanwhile."""
    stage.fault("matching", "hide_algo", match="cs-g", count=1, args=HIDDEN)
    stage.enter()
    stage.run(7_000)
    stage.move(61_500)  # the price has left: the entry is taken back, and its guard
    stage.run(10_000)
    assert stage.trade().state == "not_entered"
    stage.run(3 * MINUTE, step_ms=2_000)
    assert "guard" in stage.resting() or stage.resting() == []
    stage.run(2 * MINUTE, step_ms=2_000)
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize("is_flat", [True, False], ids=["flat", "their own position"])
def test_a_stop_that_comes_back_after_its_trade_closes_nothing(stage: Stage, is_flat: bool) -> None:
    """F-37: a close-position stop of a trade that is over must not close what is not ours."""
    stage.fault("matching", "hide_algo", match="cs-s", count=1, args=HIDDEN)
    stage.open()
    stage.run(4_000)
    stage.ask_to_close()
    stage.run(20_000)
    assert stage.trade().state == "closed"
    if not is_flat:
        order = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.02"}
        stage.who.by_hand("POST", "/fapi/v1/order", newClientOrderId="web_mine", **order)
    stage.run(6 * MINUTE, step_ms=3_000)
    assert stage.resting() == []
    assert stage.position() == (D(0) if is_flat else D("0.02"))
    assert_invariants(stage, naked_ms=21_000, is_over=True, theirs="0" if is_flat else "0.02")
