"""A fired stop whose order has lost its name, and a gap in the user stream: F-65, EX-17."""

import pytest

from tests.trading.executor.stage import D, Stage, assert_invariants
from trading.domain.venue import AlgoEvent, OrderEvent, StreamGap
from trading.models import Fill


@pytest.mark.parametrize("when", ["before", "after", "never"])
def test_a_fired_stop_fills_under_another_id(stage: Stage, when: str) -> None:
    stage.open()
    stage.exchange.drain()
    stage.exchange.keeps_names = False
    stage.is_deaf = True
    stage.exchange.move("59000")
    told = stage.exchange.drain()
    algo = [event for event in told if isinstance(event, AlgoEvent)]
    fills = [event for event in told if isinstance(event, OrderEvent)]
    for event in fills:  # the exchange does not tell our name for the child
        assert event.fill is not None
    order = {"before": [*algo, *fills], "after": [*fills, *algo], "never": fills}[when]
    for event in order:
        stage.lane.inbox.append(_nameless(event))
        stage.run(0)
    stage.run(30_000)
    row = Fill.objects.for_user(stage.account.user_id).get(order_side="SELL")
    assert (row.leg, row.price) == ("stop", D("59000"))
    assert stage.trade().reason == "stop"
    assert_invariants(stage, is_over=True)


def _nameless(event: object) -> object:
    from dataclasses import replace

    if not isinstance(event, OrderEvent) or event.fill is None:
        return event
    return replace(
        event,
        order=replace(event.order, client_id=""),
        fill=replace(event.fill, client_id=""),
    )


def test_a_gap_reads_everything_again_and_enters_nothing_meanwhile(stage: Stage) -> None:
    stage.open()
    stage.is_deaf = True
    stage.exchange.move("61100")
    stage.exchange.fill("tp1")
    stage.exchange.drain()
    stage.lane.inbox.append(StreamGap("key expired", stage.clock.now_ms()))
    stage.run(3_000)
    assert stage.trade().targets_hit == 1
    assert stage.lane.reconciler.is_done
