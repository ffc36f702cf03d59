"""One judgement at the end of every fault: the exchange's own ledger, our rows, and every sink."""

from decimal import Decimal
from typing import Any, Final

import pytest

from tests.faults.stage import SYMBOL, D, Stage, leg_of
from trading.domain.orders import OrderState
from trading.models import CashFlowRow, Fill, Trade, TradeOrder

NAKED_MS: Final = 5_000
OVER: Final = ("closed", "not_entered", "skipped")


def assert_invariants(
    stage: Stage,
    *,
    naked_ms: int = NAKED_MS,
    is_over: bool = False,
    theirs: str = "0",
    their_orders: int = 0,
) -> None:
    """Judge I1, I2, I3 and I7; with `is_over` also that nothing of ours is left (EX-16).

    `naked_ms` is what the exchange's own faults allow; `theirs` is what the person holds besides.
    """
    stage.watch()
    truth = stage.who.truth()
    _one_entry(truth)
    _covered(stage, truth, naked_ms)
    _equal(stage, truth, D(theirs))
    if is_over:
        _nothing_left(stage, truth, their_orders)
    stage.ledger.write()
    stage.canary.assert_unseen(stage.sinks)


def orders_of(truth: dict[str, Any], leg: str) -> list[dict[str, Any]]:
    """Return every order of a leg that ever reached the exchange."""
    known = [*truth["orders"], *truth["algos"], *truth["ended"]]
    return [one for one in known if leg_of(name_of(one)) == leg]


def name_of(order: dict[str, Any]) -> str:
    """Return the client id of an order of either service."""
    return str(order.get("clientOrderId") or order.get("clientAlgoId"))


def _one_entry(truth: dict[str, Any]) -> None:
    assert len(orders_of(truth, "entry")) <= 1, "I1: more than one entry reached the exchange"


def _covered(stage: Stage, truth: dict[str, Any], naked_ms: int) -> None:
    assert stage.longest_naked_ms <= naked_ms, f"I2: {stage.longest_naked_ms} ms without a stop"
    assert not stage.is_naked(truth), "I2: a position without a stop"
    assert stage.trade().naked_since is None, "I2: our books call it naked"


def _equal(stage: Stage, truth: dict[str, Any], theirs: Decimal) -> None:
    trade, user = stage.trade(), stage.user.pk
    held = sum((D(p["positionAmt"]) for p in truth["positions"]), D(0))
    assert trade.open_quantity == abs(held) - theirs, f"I3: {trade.open_quantity} is not {held}"
    _fills_equal(user, trade, truth)
    resting = {name_of(one) for one in [*truth["orders"], *truth["algos"]]}
    may_rest = [state.value for state in OrderState if state.may_rest]
    rows = TradeOrder.objects.for_user(user).filter(state__in=may_rest)
    assert set(rows.values_list("client_id", flat=True)) == {n for n in resting if leg_of(n)}, (
        "I3: resting orders differ"
    )
    if trade.state in OVER:
        _money_equal(trade, truth, user)


def _fills_equal(user: Any, trade: Trade, truth: dict[str, Any]) -> None:
    rows = Fill.objects.for_user(user)
    booked = {row.exchange_trade_id: (row.price, row.quantity, row.fee) for row in rows}
    done = {str(t["id"]): (D(t["price"]), D(t["qty"]), D(t["commission"])) for t in truth["trades"]}
    ours = {str(t["id"]) for t in truth["trades"] if leg_of(t["clientOrderId"])}
    assert {pk: booked[pk] for pk in booked} == {pk: done[pk] for pk in booked}, "I3: fills differ"
    assert ours <= set(booked), "I3: a fill of ours is not booked"
    bought = sum((row.quantity for row in rows if row.leg == "entry"), D(0))
    assert trade.filled == bought, "I3: the entry's fills differ"


def _money_equal(trade: Trade, truth: dict[str, Any], user: Any) -> None:
    """Result, fees and funding of a trade that is over; the person's own trades are not in it."""
    own = {str(t["id"]): leg_of(t["clientOrderId"]) for t in truth["trades"]}
    is_alone = all(own.values())
    flows = {(f["incomeType"], str(f["tranId"])): D(f["income"]) for f in truth["income"]}
    booked = CashFlowRow.objects.for_user(user)
    for row in booked.exclude(symbol=""):
        found = [v for (kind, _), v in flows.items() if kind == row.kind]
        assert row.amount in found, f"I3: a {row.kind} that the exchange does not know"
    if not is_alone:
        return
    total = {
        kind: sum((v for (k, _), v in flows.items() if k == kind), D(0))
        for kind in ("REALIZED_PNL", "COMMISSION")
    }
    assert trade.realised == pytest.approx(total["REALIZED_PNL"], abs=D("0.0001")), "I3: result"
    assert trade.fees == pytest.approx(-total["COMMISSION"], abs=D("0.0001")), "I3: fees"


def _nothing_left(stage: Stage, truth: dict[str, Any], their_orders: int) -> None:
    trade = stage.trade()
    assert trade.state in OVER, f"the trade is {trade.state}"
    left = [name_of(one) for one in [*truth["orders"], *truth["algos"]]]
    assert not [name for name in left if leg_of(name)], "EX-16: orphans"
    assert len(left) == their_orders, "EX-16: an order of the person's was touched"
    assert all(p["symbol"] != SYMBOL or trade.open_quantity == 0 for p in truth["positions"])
