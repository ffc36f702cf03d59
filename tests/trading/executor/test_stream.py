"""The user stream is silent, doubled, late or out of order; what is booked stays right. F-45, F-65."""

import random

import pytest

from tests.trading.executor.stage import MINUTE, D, Stage, assert_invariants
from trading.domain.venue import AlgoEvent, OrderEvent, StreamGap
from trading.models import Fill


def test_a_silent_stream_is_made_up_for_within_thirty_seconds(stage: Stage) -> None:
    stage.enter()
    stage.is_deaf = True
    stage.exchange.fill("entry", price="60050")
    stage.run(30_000)
    assert stage.trade().filled == D("0.1")
    assert "stop" in stage.exchange.resting()
    stage.exchange.move("61100")
    stage.exchange.fill("tp1")
    stage.run(30_000)
    assert stage.trade().targets_hit == 1
    stage.exchange.move("60000")
    stage.run(30_000)
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize("seed", range(4))
def test_doubled_and_shuffled_events_book_each_fill_once(stage: Stage, seed: int) -> None:
    stage.open()
    stage.is_deaf = True
    stage.exchange.move("61100")
    stage.exchange.fill("tp1", "0.01")
    stage.exchange.fill("tp1")
    stage.exchange.fill("tp2")
    told = [event for event in stage.exchange.drain() for _ in range(2)]
    random.Random(seed).shuffle(told)
    stage.lane.inbox.extend(told)
    stage.run(5_000)
    stage.is_deaf = False
    stage.run(40_000)
    assert stage.trade().open_quantity == D("0.03")
    assert_invariants(stage)


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


def test_a_fill_before_the_reply_is_one_trade(stage: Stage) -> None:
    stage.enter()
    stage.exchange.fill("entry")
    stage.run(3_000)
    rows = Fill.objects.for_user(stage.account.user_id)
    assert rows.count() == 1
    assert_invariants(stage)


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


def test_nothing_is_entered_while_reconciling_fails(stage: Stage) -> None:
    from tests.trading.executor.stage import make_trade

    make_trade(stage.account)
    stage.exchange.fail("income", 1_000)
    stage.run(MINUTE)
    assert stage.exchange.requests == []
    assert not stage.lane.reconciler.is_done
