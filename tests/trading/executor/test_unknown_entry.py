"""An entry that counted as lost; what else can happen to one is in `tests/faults/test_entry`."""

from tests.trading.executor.stage import Stage, assert_invariants, make_trade


def test_an_entry_that_counted_as_lost_and_fills_later_is_managed_again(stage: Stage) -> None:
    make_trade(stage.account)
    stage.is_deaf = True
    stage.exchange.next("entry", "hidden")
    stage.run(40_000)
    assert stage.trade().state == "not_entered"
    stage.is_deaf = False
    stage.exchange.hidden.clear()
    stage.exchange.fill("entry")
    stage.run(5_000)
    assert stage.trade().state == "open"
    assert "stop" in stage.exchange.resting()
    assert_invariants(stage)
