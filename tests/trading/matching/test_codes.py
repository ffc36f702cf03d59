"""The exchange's codes: which order, mode or setting is refused with which."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest

from tests.trading.matching.cases import BTC, NOW, RULES, account, order, quote
from trading.domain.venue import OrderKind, PositionSide, Service, TradingRules, VenueState
from trading.matching.matching import MatchingAccount
from trading.matching.refused import Refused


def refused(code: int) -> Any:
    return pytest.raises(Refused, check=lambda refusal: refusal.code == code)


def under(**changes: Any) -> MatchingAccount:
    """Return an account that has a long position, under other rules from then on."""
    rules: dict[str, TradingRules] = {BTC: RULES}
    held = account()
    held.rules = rules
    held.place(order("BUY"), quote(), NOW)
    rules[BTC] = replace(RULES, **changes)
    return held


def test_a_step_is_missed_in_two_ways() -> None:
    held = under(step=D("0.005"))
    with refused(-4023):
        held.place(order("BUY", "0.012"), quote(), NOW)
    with refused(-1111):
        held.place(order("BUY", "0.0155"), quote(), NOW)


def test_quantities_and_prices_have_bounds() -> None:
    held = account()
    with refused(-4003):
        held.place(order("BUY", "0"), quote(), NOW)
    with refused(-4005):
        held.place(order("BUY", "1001", price=60_000), quote(), NOW)
    with refused(-4001):
        held.place(order("BUY", price=0), quote(), NOW)
    with refused(-4002):
        held.place(order("BUY", price=20_000_000), quote(), NOW)
    with refused(-1102):
        held.place(order("BUY", None), quote(), NOW)
    with refused(-1102):
        held.place(order("BUY", price=60_000, time_in_force="SOON"), quote(), NOW)
    with refused(-1106):
        held.place(replace(order("BUY"), price=D(60_000)), quote(), NOW)


def test_the_smallest_size_is_for_what_opens() -> None:
    held = account()
    held.place(order("BUY"), quote(), NOW)
    held.place(order("SELL", "0.001", reduce_only=True), quote(), NOW)
    with refused(-4164):
        held.place(order("SELL", "0.001"), quote(), NOW)
    with refused(-4164):
        held.place_algo(order("BUY", "0.001", trigger_price=61_000), quote(), NOW)
    held.place_algo(order("SELL", "0.001", trigger_price=59_000, reduce_only=True), quote(), NOW)


def test_a_book_outside_the_price_band_takes_no_market_order() -> None:
    held = account()
    with refused(-4131):
        held.place(order("BUY"), quote(60_000, mark=D(57_000)), NOW)
    with refused(-4131):
        held.place(order("SELL"), quote(60_000, mark=D(64_000)), NOW)


def test_a_market_order_goes_no_further_than_its_bound_and_its_rest_expires() -> None:
    held = under(market_bound=D("0.01"))
    steps = ((D("60000.1"), D("0.004")), (D("60600"), D("0.003")), (D("60600.1"), D(9)))
    placed = held.place(order("BUY"), quote(asks=steps), NOW)
    assert placed.state is VenueState.EXPIRED and placed.filled == D("0.007")


def test_an_order_that_must_fill_at_once_does_or_does_not() -> None:
    held = account()
    thin = quote(asks=((D("60000.1"), D("0.004")),))
    with refused(-5021):
        held.place(order("BUY", price=60_001, time_in_force="FOK"), thin, NOW)
    part = held.place(order("BUY", price=60_001, time_in_force="IOC"), thin, NOW)
    assert part.state is VenueState.EXPIRED and part.filled == D("0.004")
    none = held.place(order("BUY", price=59_000, time_in_force="IOC"), thin, NOW)
    assert none.state is VenueState.EXPIRED and none.filled == 0
    rests = held.place(order("BUY", price=60_000, time_in_force="GTX"), thin, NOW)
    assert rests.state is VenueState.NEW


def test_a_symbol_that_is_being_settled_takes_only_what_reduces() -> None:
    held = under(status="SETTLING")
    with refused(-4140):
        held.place(order("BUY"), quote(), NOW)
    with refused(-4140):
        held.place_algo(order("BUY", trigger_price=61_000), quote(), NOW)
    held.place_algo(order("SELL", None, trigger_price=59_000, close_position=True), quote(), NOW)
    held.place(order("SELL", reduce_only=True), quote(), NOW)
    with refused(-4141):
        under(status="CLOSE").place(order("SELL", reduce_only=True), quote(), NOW)


def test_an_account_that_may_not_trade_may_still_reduce() -> None:
    held = under()
    held.can_trade = False
    with refused(-4087):
        held.place(order("BUY"), quote(), NOW)
    held.place_algo(order("SELL", None, trigger_price=59_000, close_position=True), quote(), NOW)
    held.place(order("SELL", reduce_only=True), quote(), NOW)
    assert held.position_list() == [] and held.open_orders() == []


def test_open_orders_of_a_symbol_have_a_bound() -> None:
    held = under(max_orders=2)
    for price in (59_000, 58_000):
        held.place(order("BUY", price=price), quote(), NOW)
    with refused(-2025):
        held.place(order("BUY", price=57_500), quote(), NOW)
    held.place_algo(order("SELL", trigger_price=59_000, reduce_only=True), quote(), NOW)


def test_leverage_bounds_what_is_held_and_asked_for_together() -> None:
    held = account(wallet=D(1_000_000))
    held.set_leverage(BTC, 125, NOW)  # up to 300,000 at this leverage
    held.place(order("BUY", "3"), quote(), NOW)
    held.place(order("BUY", "1.5", price=59_000), quote(), NOW)
    with refused(-2027):
        held.place(order("BUY", "0.6", price=59_000), quote(), NOW)
    held.place(order("SELL", "4"), quote(), NOW)  # turns round: 1 is held then
    assert held.held(BTC) == -1


def test_leverage_of_an_open_position_goes_up_but_not_down() -> None:
    held = under()
    held.set_leverage(BTC, 20, NOW)
    with refused(-4161):
        held.set_leverage(BTC, 19, NOW)
    with refused(-1121):
        held.set_leverage("NOSUCHUSDT", 5, NOW)
    crossed = account(wallet=D(1_000))
    crossed.set_isolated(BTC, False, NOW)
    crossed.place(order("BUY", "0.100"), quote(), NOW)
    with refused(-2028):
        crossed.set_leverage(BTC, 5, NOW)
    assert crossed.symbol_settings(BTC).leverage == 10


def test_margin_may_be_added_to_a_position_and_not_all_of_it_taken_out() -> None:
    held = under()
    [before] = held.position_list()
    held.add_margin(BTC, PositionSide.BOTH, D(100), NOW)
    [after] = held.position_list()
    assert after.isolated_wallet == before.isolated_wallet + 100
    assert after.liquidation_price < before.liquidation_price
    for amount in (D(-1_000), D(10_000)):
        with refused(-4051):
            held.add_margin(BTC, PositionSide.BOTH, amount, NOW)


def test_the_same_client_id_is_another_one_at_the_other_service() -> None:
    held = under()
    held.place(order("SELL", price=61_000, reduce_only=True, client_id="same"), quote(), NOW)
    stop = order("SELL", trigger_price=59_000, reduce_only=True, client_id="same")
    held.place_algo(stop, quote(), NOW)
    with refused(-4116):
        held.place_algo(stop, quote(), NOW)
    held.cancel(BTC, client_id="same", service=Service.ALGO, now_ms=NOW)
    with refused(-2011):
        held.cancel(BTC, client_id="same", service=Service.ALGO, now_ms=NOW)
    assert [o.client_id for o in held.open_orders()] == ["same"]


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "by_mark", "is_through"),
    [
        ("SELL", OrderKind.STOP_MARKET, 60_000, True, True),
        ("SELL", OrderKind.STOP_MARKET, "59999.9", True, False),
        ("SELL", OrderKind.STOP_MARKET, "60049.9", False, False),
        ("BUY", OrderKind.STOP_MARKET, 60_000, True, True),
        ("BUY", OrderKind.STOP_MARKET, "60000.1", True, False),
        ("BUY", OrderKind.STOP_MARKET, 60_050, False, True),
        ("SELL", OrderKind.TAKE_PROFIT_MARKET, 60_000, True, True),
        ("SELL", OrderKind.TAKE_PROFIT_MARKET, "60000.1", True, False),
        ("BUY", OrderKind.TAKE_PROFIT_MARKET, 60_000, True, True),
        ("BUY", OrderKind.TAKE_PROFIT_MARKET, "59999.9", True, False),
    ],
)
def test_what_would_trigger_at_once_is_refused(
    side: str, kind: OrderKind, trigger: Any, by_mark: bool, is_through: bool
) -> None:
    held = account()
    market = quote(60_000, last=D(60_050))
    request = replace(
        order(side, trigger_price=trigger, reduce_only=True), kind=kind, by_mark_price=by_mark
    )
    if is_through:
        with refused(-2021):
            held.place_algo(request, market, NOW)
    else:
        assert held.place_algo(request, market, NOW).state is VenueState.NEW


def test_a_stop_and_a_target_may_close_the_same_position_and_two_stops_may_not() -> None:
    held = under()
    closing = order("SELL", None, trigger_price=59_000, close_position=True)
    target = replace(closing, kind=OrderKind.TAKE_PROFIT_MARKET, client_id="target")
    held.place_algo(closing, quote(), NOW)
    held.place_algo(replace(target, trigger_price=D(61_000)), quote(), NOW)
    with refused(-4130):
        held.place_algo(replace(target, trigger_price=D(62_000), client_id="two"), quote(), NOW)
    with refused(-4136):
        held.place_algo(replace(closing, quantity=D(1), client_id="three"), quote(), NOW)
    with refused(-1106):
        held.place_algo(replace(closing, reduce_only=True, client_id="four"), quote(), NOW)


def test_in_hedge_mode_what_closes_is_bound_to_its_side() -> None:
    held = account()
    held.set_hedged(True)
    long, short = {"position_side": PositionSide.LONG}, {"position_side": PositionSide.SHORT}
    with refused(-2022):
        held.place(order("SELL", **long), quote(), NOW)
    held.place(order("BUY", **long), quote(), NOW)
    with refused(-2022):
        held.place(order("SELL", "0.011", **long), quote(), NOW)
    held.place(order("SELL", "0.006", price=61_000, **long), quote(), NOW)
    with refused(-2022):
        held.place(order("SELL", "0.005", **long), quote(), NOW)
    held.place(order("SELL", **short), quote(), NOW)
    for sides, side, trigger in ((long, "SELL", 59_000), (short, "BUY", 61_000)):
        request = order(side, None, trigger_price=trigger, close_position=True, **sides)
        held.place_algo(request, quote(), NOW)
    held.on_quote(quote(58_900), NOW + 1)
    assert held.held(BTC, PositionSide.LONG) == 0
    assert held.held(BTC, PositionSide.SHORT) == D("-0.010")


def test_margin_is_looked_at_when_a_stop_that_opens_triggers() -> None:
    held = account(wallet=D(100))
    opens = held.place_algo(order("BUY", "0.100", trigger_price=61_000), quote(), NOW)
    held.on_quote(quote(61_000), NOW + 1)
    told = held.find(BTC, Service.ALGO, client_id=opens.client_id)
    assert told is not None and told.state is VenueState.REJECTED
    assert told.reject_reason == "Margin is insufficient." and held.position_list() == []
