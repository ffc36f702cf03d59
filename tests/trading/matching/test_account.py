"""What the exchange does to an account: worked examples and the codes it refuses with."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest

from tests.trading.matching.cases import BTC, NOW, RULES, account, order, quote
from trading.domain.margin import liquidation_price
from trading.domain.venue import (
    AlgoEvent,
    BalanceEvent,
    OrderEvent,
    OrderKind,
    PositionSide,
    Service,
    VenueState,
)
from trading.matching.refused import Refused


def refused(code: int) -> Any:
    return pytest.raises(Refused, check=lambda refusal: refusal.code == code)


def test_the_exchanges_own_example_of_a_liquidation_price() -> None:
    # Long 0.01 BTC at 60,000 with 60 USDT of margin, maintenance rate 0.4 %.
    price = liquidation_price(RULES.brackets, D("0.01"), D(60_000), D(60))
    assert round(price, 2) == D("54216.87")


def test_a_market_order_fills_at_the_touch_and_pays_the_taker_fee() -> None:
    held = account()
    placed = held.place(order("BUY", "0.010"), quote(), NOW)
    assert placed.state is VenueState.FILLED and placed.average_price == D("60000.1")
    [fill] = held.fills(BTC, 0)
    assert fill.fee == D("0.30000050") and not fill.is_maker
    assert held.wallet == D(10_000) - fill.fee
    [position] = held.position_list()
    assert (position.quantity, position.entry_price) == (D("0.010"), D("60000.1"))
    kinds = [type(event) for event in held.drain()]
    assert kinds == [OrderEvent, OrderEvent, BalanceEvent]


def test_a_round_trip_costs_two_fees_and_pays_the_difference() -> None:
    held = account()
    held.place(order("BUY", "0.010"), quote(60_000), NOW)
    held.place(order("SELL", "0.010", reduce_only=True), quote(61_000), NOW + 1)
    flows = {
        kind: sum(f.amount for f in held.income(0) if f.kind == kind)
        for kind in ("REALIZED_PNL", "COMMISSION")
    }
    assert flows["REALIZED_PNL"] == D("9.999")
    assert held.wallet == D(10_000) + flows["REALIZED_PNL"] + flows["COMMISSION"]
    assert held.position_list() == [] and held.available == held.wallet


def test_a_resting_limit_fills_only_when_the_price_trades_through_it() -> None:
    held = account()
    held.place(order("BUY", price=59_900), quote(), NOW)
    held.on_quote(quote(59_900, low=D(59_900)), NOW + 1)
    assert held.position_list() == []
    held.on_quote(quote(59_950, low=D("59899.9")), NOW + 2)
    [fill] = held.fills(BTC, 0)
    assert fill.price == D(59_900) and fill.is_maker


def test_a_thin_book_fills_a_part_and_a_market_orders_rest_expires() -> None:
    held = account()
    thin = quote(asks=((D("60000.1"), D("0.004")), (D("60001"), D("0.002"))))
    placed = held.place(order("BUY", "0.010"), thin, NOW)
    assert placed.state is VenueState.EXPIRED and placed.filled == D("0.006")
    resting = held.place(order("BUY", "0.010", price="60001"), thin, NOW)
    assert resting.state is VenueState.PARTIALLY_FILLED and resting.filled == D("0.006")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (order("BUY", "0.0001"), -4004),
        (order("BUY", "0.0105"), -1111),
        (order("BUY", "130"), -4005),
        (order("BUY", "0.001"), -4164),
        (order("BUY", price="60000.05"), -4014),
        (order("BUY", price="70000"), -4016),
        (order("SELL", price="50000"), -4024),
        (order("BUY", "3"), -2019),
        (order("BUY", price="60001", time_in_force="GTX"), -5022),
        (order("SELL", reduce_only=True), -2022),
        (order("BUY", client_id="not legal!"), -4015),
        (order("BUY", trigger_price=61_000), -4120),
        (order("BUY", position_side=PositionSide.LONG), -4061),
        (order("BUY", symbol="NOSUCHUSDT"), -1121),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_an_order_outside_the_rules_is_refused_and_changes_nothing(
    request_: Any, code: int
) -> None:
    held = account()
    before = held.to_dict()
    with refused(code):
        held.place(request_, quote(), NOW)
    after = held.to_dict()
    assert {**after, "marks": {}} == {**before, "marks": {}} and held.drain() == []


def test_a_client_id_is_taken_only_while_its_order_is_open() -> None:
    held = account()
    held.place(order("BUY", price=59_000, client_id="same"), quote(), NOW)
    with refused(-4116):
        held.place(order("BUY", price=58_000, client_id="same"), quote(), NOW)
    held.cancel(BTC, client_id="same", service=Service.ORDER, now_ms=NOW)
    held.place(order("BUY", client_id="same"), quote(), NOW)
    held.place(order("BUY", client_id="same"), quote(), NOW)  # filled: it makes no retry safe
    assert held.held(BTC) == D("0.020")


def test_full_size_targets_use_the_position_up() -> None:
    held = account()
    held.place(order("BUY", "0.010"), quote(), NOW)
    held.place(order("SELL", "0.010", price=61_000, reduce_only=True), quote(), NOW)
    with refused(-2022):
        held.place(order("SELL", "0.010", reduce_only=True), quote(), NOW)


def test_a_reduce_only_order_never_turns_a_position_round() -> None:
    held = account()
    held.place(order("BUY", "0.010"), quote(), NOW)
    held.place(order("SELL", "0.006", price=61_000, reduce_only=True), quote(), NOW)
    held.place(order("SELL", "0.008"), quote(), NOW)  # by hand: 0.002 is left
    held.on_quote(quote(61_100), NOW + 1)
    assert held.position_list() == []
    told = held.find(BTC, Service.ORDER, exchange_id=held.fills(BTC, 0)[-1].order_id)
    assert told is not None and told.filled == D("0.002")


# --- conditional orders -------------------------------------------------------------------------


def test_a_stop_by_quantity_may_stand_before_the_position_and_one_that_closes_it_may_not() -> None:
    held = account()
    held.place_algo(order("SELL", trigger_price=59_000, reduce_only=True), quote(), NOW)
    with refused(-4509):
        held.place_algo(
            order("SELL", None, trigger_price=59_000, close_position=True), quote(), NOW
        )
    held.place(order("BUY"), quote(), NOW)
    held.place_algo(order("SELL", None, trigger_price=59_000, close_position=True), quote(), NOW)
    with refused(-4130):
        held.place_algo(
            order("SELL", None, trigger_price=58_000, close_position=True), quote(), NOW
        )
    with refused(-2021):
        held.place_algo(order("SELL", trigger_price=60_500, reduce_only=True), quote(), NOW)


def test_a_stop_becomes_an_ordinary_order_under_another_id_and_closes() -> None:
    held = account()
    held.place(order("BUY"), quote(), NOW)
    stop = held.place_algo(
        order("SELL", None, trigger_price=59_000, close_position=True), quote(), NOW
    )
    held.drain()
    held.on_quote(quote(58_900), NOW + 1)
    events = held.drain()
    states = [e.order.state for e in events if isinstance(e, AlgoEvent)]
    assert states == [VenueState.TRIGGERING, VenueState.TRIGGERED, VenueState.FINISHED]
    fill = held.fills(BTC, 0)[-1]
    told = held.find(BTC, Service.ALGO, client_id=stop.client_id)
    assert told is not None and told.actual_order_id == fill.order_id != stop.exchange_id
    assert fill.client_id == stop.client_id and fill.price == D(58_900)
    assert held.position_list() == [] and held.open_orders() == []


def test_the_mark_price_of_a_wick_between_two_looks_triggers_too() -> None:
    held = account()
    held.place(order("BUY"), quote(), NOW)
    held.place_algo(order("SELL", trigger_price=59_000, reduce_only=True), quote(), NOW)
    held.on_quote(quote(60_000, mark_low=D(58_990)), NOW + 1)
    assert held.position_list() == []


def test_close_position_orders_end_with_the_position_and_others_stay() -> None:
    held = account()
    held.place(order("BUY"), quote(), NOW)
    closes = held.place_algo(
        order("SELL", None, trigger_price=59_000, close_position=True), quote(), NOW
    )
    stays = held.place_algo(order("SELL", trigger_price=59_000, reduce_only=True), quote(), NOW)
    held.place(order("SELL", reduce_only=True), quote(), NOW)
    assert [o.client_id for o in held.open_orders()] == [stays.client_id]
    told = held.find(BTC, Service.ALGO, client_id=closes.client_id)
    assert told is not None and told.state is VenueState.EXPIRED
    held.cancel_all(BTC, Service.ORDER, NOW)
    assert len(held.open_orders()) == 1, "the ordinary service does not reach conditional orders"
    held.on_quote(quote(58_000), NOW + 1)
    told = held.find(BTC, Service.ALGO, client_id=stays.client_id)
    assert told is not None and told.state is VenueState.REJECTED


def test_two_hundred_conditional_orders_are_the_most() -> None:
    held = account()
    for step in range(200):
        held.place_algo(order("SELL", trigger_price=59_000 - step, reduce_only=True), quote(), NOW)
    with refused(-4045):
        held.place_algo(order("SELL", trigger_price=50_000, reduce_only=True), quote(), NOW)


# --- margin, liquidation, funding ---------------------------------------------------------------


def test_an_isolated_position_is_liquidated_at_its_price_and_costs_its_margin_at_most() -> None:
    held = account()
    held.place(order("BUY", "0.100"), quote(), NOW)
    held.place(order("SELL", "0.020", price=66_000 - 6000 + 3000, reduce_only=True), quote(), NOW)
    [position] = held.position_list()
    before = held.wallet
    held.on_quote(quote(position.liquidation_price.quantize(D("0.1")) + D("0.2")), NOW + 1)
    assert held.position_list() != []
    held.drain()
    held.on_quote(quote(position.liquidation_price.quantize(D("0.1")) - D("0.2")), NOW + 2)
    assert held.position_list() == []
    told = [e for e in held.drain() if isinstance(e, OrderEvent) and e.fill]
    assert told[-1].reason == "autoclose" and told[-1].order.client_id.startswith("autoclose-")
    assert held.open_orders() == []
    assert 0 < before - held.wallet <= position.isolated_wallet


def test_a_stop_nearer_than_liquidation_acts_first() -> None:
    held = account()
    held.place(order("BUY", "0.100"), quote(), NOW)
    held.place_algo(order("SELL", None, trigger_price=58_000, close_position=True), quote(), NOW)
    held.on_quote(quote(50_000), NOW + 1)
    assert {e.reason for e in held.drain() if isinstance(e, OrderEvent)} == {""}


def test_longs_pay_funding_while_the_rate_is_above_zero() -> None:
    held = account()
    held.place(order("BUY", "0.100"), quote(), NOW)
    before = held.wallet
    held.settle_funding(BTC, D("0.0001"), D(60_000), NOW + 1)
    assert held.wallet - before == D("-0.6")
    assert [f.amount for f in held.income(0) if f.kind == "FUNDING_FEE"] == [D("-0.60000000")]


def test_auto_deleveraging_and_delisting_are_told_apart() -> None:
    held = account()
    held.place(order("BUY", "0.100"), quote(), NOW)
    held.drain()
    held.adl(BTC, D("0.040"), D(60_500), NOW)
    held.delist(BTC, D(60_100), NOW)
    reasons = [e.reason for e in held.drain() if isinstance(e, OrderEvent)]
    assert reasons == ["adl", "settlement"] and held.position_list() == []


def test_modes_change_only_while_nothing_stands() -> None:
    held = account()
    with refused(-4046):
        held.set_isolated(BTC, True, NOW)
    with refused(-4059):
        held.set_hedged(False)
    held.place_algo(order("SELL", trigger_price=59_000, reduce_only=True), quote(), NOW)
    with refused(-4067):
        held.set_hedged(True)
    with refused(-4047):
        held.set_isolated(BTC, False, NOW)
    held.cancel_all(BTC, Service.ALGO, NOW)
    held.place(order("BUY"), quote(), NOW)
    with refused(-4068):
        held.set_hedged(True)
    with refused(-4048):
        held.set_isolated(BTC, False, NOW)
    with refused(-4028):
        held.set_leverage(BTC, 126, NOW)


def test_both_sides_at_once_in_hedge_mode() -> None:
    held = account()
    held.set_hedged(True)
    with refused(-4061):
        held.place(order("BUY"), quote(), NOW)
    held.place(order("BUY", position_side=PositionSide.LONG), quote(), NOW)
    held.place(order("SELL", "0.020", position_side=PositionSide.SHORT), quote(), NOW)
    assert {p.position_side: p.quantity for p in held.position_list()} == {
        PositionSide.LONG: D("0.010"),
        PositionSide.SHORT: D("-0.020"),
    }
    with refused(-1106):
        held.place(order("SELL", position_side=PositionSide.LONG, reduce_only=True), quote(), NOW)
    held.place(order("SELL", position_side=PositionSide.LONG), quote(), NOW)
    assert held.held(BTC, PositionSide.LONG) == 0


def test_kinds_that_are_no_conditional_orders_are_refused_by_that_service() -> None:
    with refused(-1116):
        account().place_algo(replace(order("BUY"), kind=OrderKind.MARKET), quote(), NOW)
