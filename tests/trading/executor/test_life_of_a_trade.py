"""One trade from signal to its end, as it should go: every row, every order, every journal line."""

from decimal import Decimal

from tests.trading.executor.stage import Stage, make_trade

D = Decimal


def test_guard_entry_stop_targets_break_even_and_out(stage: Stage) -> None:
    make_trade(stage.account)
    stage.run()
    assert stage.exchange.resting() == ["guard", "entry"]
    stage.exchange.fill("entry", price="60050")
    stage.run(3_000)
    assert stage.exchange.resting() == ["stop", "tp1", "tp2", "tp3"]
    assert stage.trade().state == "open"
    stage.exchange.move("61100")
    stage.exchange.fill("tp1")
    stage.run(5_000)
    assert stage.exchange.order_of("stop").trigger_price == D("60110.1")
    assert sorted(stage.exchange.resting()) == ["stop", "tp2", "tp3"]
    stage.exchange.move("60110")
    stage.run(10_000)
    assert stage.exchange.resting() == []
    assert stage.trade().state == "closed"
    assert stage.trade().reason == "break_even"
