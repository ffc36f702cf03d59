"""A stop moves over a bridge, only towards profit, and no step of it leaves a gap (EX-36)."""

import pytest

from tests.trading.executor.stage import D, Stage, assert_invariants
from trading.domain.venue import Outcome, OutcomeClass


def refusal(code: int) -> Outcome:
    return Outcome(OutcomeClass.REJECTED, code=code, status=400, message="refused")


def test_the_levels_after_each_target(stage: Stage) -> None:
    stage.open()
    assert stage.exchange.order_of("stop").trigger_price == D("59100")
    stage.exchange.move("61100")
    stage.exchange.fill("tp1")
    stage.run(5_000)
    assert stage.exchange.order_of("stop").trigger_price == D("60110.1")
    assert stage.trade().stop_level == "break_even"
    stage.exchange.move("62100")
    stage.exchange.fill("tp2")
    stage.run(5_000)
    assert stage.exchange.order_of("stop").trigger_price == D("61050")
    assert stage.trade().stop_level == "plus_1r"
    stage.exchange.move("63100")
    stage.exchange.fill("tp3")
    stage.run(10_000)
    assert stage.trade().reason == "targets"
    assert_invariants(stage, is_over=True)


def test_a_trailing_stop_follows_and_never_returns(stage: Stage) -> None:
    stage.open(plan={"is_trailing": True})
    stage.exchange.move("62100")
    stage.exchange.fill("tp1")
    stage.exchange.fill("tp2")
    stage.run(5_000)
    stage.exchange.move("62800")
    stage.run(5_000)
    assert stage.exchange.order_of("stop").trigger_price == D("61800")
    assert stage.trade().stop_level == "trailing"
    stage.exchange.move("62200")
    stage.run(5_000)
    assert stage.exchange.order_of("stop").trigger_price == D("61800")
    stage.exchange.move("61800")
    stage.run(10_000)
    assert stage.trade().reason == "trailing"
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize("answer", [refusal(-4045), "lost", "timeout"], ids=["no", "lost", "late"])
@pytest.mark.parametrize("leg", ["guard", "stop"])
def test_each_step_refused(stage: Stage, leg: str, answer: object) -> None:
    stage.open()
    stage.exchange.move("61100")
    stage.exchange.next(leg, answer)
    stage.exchange.fill("tp1")
    for _ in range(15):
        stage.run(4_000)
        if stage.exchange.position:
            assert {"stop", "guard"} & set(stage.exchange.resting())
    if stage.exchange.position:
        assert stage.exchange.order_of("stop").trigger_price == D("60110.1")
        assert_invariants(stage)
    else:
        assert_invariants(stage, is_over=True)


def test_a_liquidation_price_that_comes_near_draws_the_stop_nearer(stage: Stage) -> None:
    stage.open()
    stage.exchange.liquidation = D("58500")
    stage.run(3 * 60_000)
    stop = stage.exchange.order_of("stop")
    assert stop.trigger_price == D("59275")
    assert stage.trade().stop_level == "initial"
    assert_invariants(stage)


def test_a_price_that_is_back_at_the_new_level_closes(stage: Stage) -> None:
    stage.open()
    stage.exchange.fill("tp1", price="61100")
    stage.run(10_000)
    assert stage.trade().reason == "break_even"
    assert_invariants(stage, is_over=True)
