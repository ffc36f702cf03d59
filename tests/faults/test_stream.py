"""What the user stream leaves out, doubles, mixes up or never says: F-45, F-46, EX-17, EX-19."""

from typing import Any

import pytest

from tests.faults.invariants import assert_invariants, orders_of
from tests.faults.stage import INSIDE, MINUTE, D, Stage
from trading.models import Fill

POLLED_MS = 30_000


def test_a_silent_stream_is_made_up_for_within_thirty_seconds(stage: Stage) -> None:
    """F-45: connected, pinged, and mute for five minutes with three fills in them."""
    stage.enter()
    stage.fault("user", "drop", for_ms=5 * MINUTE)
    stage.move(INSIDE)
    stage.run(POLLED_MS)
    assert stage.trade().filled == D("0.1")
    assert stage.resting() == ["stop", "tp1", "tp2", "tp3"]
    stage.move(61_150)
    stage.run(POLLED_MS)
    assert stage.trade().targets_hit == 1
    stage.move(60_000)
    stage.run(POLLED_MS)
    assert stage.position() == 0
    stage.run(MINUTE)
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize("action", ["duplicate", "reorder", "hold"])
def test_doubled_mixed_up_and_late_events_book_each_fill_once(stage: Stage, action: str) -> None:
    """F-45."""
    args: dict[str, Any] = {"times": 3} if action == "duplicate" else {"ms": 4_000}
    stage.fault("user", action, args=args)
    stage.open()
    stage.move(61_150)
    stage.move(62_150)
    stage.run(10_000)
    assert stage.trade().targets_hit == 2
    assert Fill.objects.for_user(stage.user.pk).count() == len(stage.who.truth()["trades"])
    stage.move(60_000)
    stage.run(20_000)
    assert_invariants(stage, is_over=True)


@pytest.mark.parametrize("how", ["expire_listen_key", "close_streams"])
def test_an_ended_stream_begins_anew_and_everything_is_read(stage: Stage, how: str) -> None:
    """F-45: what happened in between is found before anything else is done."""
    stage.open()
    stage.fault("user", "drop", match="ORDER_TRADE_UPDATE|ACCOUNT_UPDATE|ALGO_UPDATE")
    stage.move(61_150)
    before = stage.lane.reconciler.reason
    stage.who.change(**{how: True})
    stage.until(lambda: any(type(e).__name__ == "StreamGap" for e in stage.lane.inbox))
    stage.venue.heal()
    assert stage.trade().targets_hit == 0
    stage.run(2_000)
    assert stage.trade().targets_hit == 1
    assert stage.lane.reconciler.is_done and stage.lane.reconciler.reason != before
    stage.run(5_000)
    assert_invariants(stage)


def test_nothing_is_entered_while_the_account_cannot_be_read(stage: Stage) -> None:
    """EX-17: a start whose reconcile fails is a start with exits only."""
    stage.fault("private", "status", match="/income", args={"status": 503})
    stage.make_trade()
    stage.run(MINUTE)
    assert orders_of(stage.who.truth(), "entry") == []
    stage.venue.heal()
    stage.run(30_000)
    assert stage.resting() == ["guard", "entry"]
    assert_invariants(stage)


def test_a_fill_of_a_contract_that_nobody_watches_is_kept(stage: Stage) -> None:
    """F-46, EX-19: the person trades another contract; the fill is booked, and no trade of ours."""
    stage.open()
    order = {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.02"}
    stage.who.by_hand("POST", "/fapi/v1/order", newClientOrderId="web_mine", **order)
    stage.run(5_000)
    row = Fill.objects.for_user(stage.user.pk).get(symbol="ETHUSDT")
    assert (row.quantity, row.leg, row.trade_id, row.reason) == (D("0.02"), "", None, "manual")
    assert stage.trade().open_quantity == D("0.1")
    assert_invariants(stage, theirs="0.02")


def test_a_fill_whose_name_comes_later_is_parked_and_then_given_back(stage: Stage) -> None:
    """F-46: the stop's own word never comes, so its fill waits until the exchange was asked."""
    stage.open()
    stage.fault("user", "drop", match="ALGO_UPDATE|ACCOUNT_UPDATE")
    stage.fault("private", "status", match="orderId=", method="GET", count=3, args={"status": 503})
    stage.move(59_050)
    stage.run(30_000)
    rows = Fill.objects.for_user(stage.user.pk)
    assert not rows.filter(trade=None).exists()
    assert rows.get(order_side="SELL").leg == "stop"
    assert_invariants(stage, is_over=True)


def test_a_fill_before_the_answer_is_one_fill(stage: Stage) -> None:
    """F-45: the entry meets the market at once, so that its event overtakes the reply."""
    stage.make_trade()
    stage.move(60_080)
    stage.run(5_000)
    assert Fill.objects.for_user(stage.user.pk).filter(leg="entry").count() == 1
    assert stage.resting() == ["stop", "tp1", "tp2", "tp3"]
    assert_invariants(stage)
