"""Margin, liquidation and funding: the exchange's formulas, worked by hand."""

from dataclasses import replace
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from tests.trading.matching.cases import BTC, NOW, RULES, account, order, quote
from trading.domain.margin import liquidation_price, maintenance
from trading.domain.venue import BalanceEvent, OrderEvent, PositionSide
from trading.matching.matching import MatchingAccount
from trading.matching.records import Fees, Ids

ETH = "ETHUSDT"
FREE = Fees(D(0), D(0))


def crossed(wallet: int, leverage: int = 20) -> MatchingAccount:
    """Return an account without fees that trades BTC and ETH crossed."""
    rules = {BTC: RULES, ETH: replace(RULES, symbol=ETH, base_asset="ETH")}
    held = MatchingAccount(rules, wallet=D(wallet), fees=FREE, ids=Ids())
    for symbol in rules:
        held.set_leverage(symbol, leverage, NOW)
    return held


@given(
    size=st.integers(1, 60_000),
    share=st.integers(10, 900),
    is_long=st.booleans(),
    entry=st.integers(1_000, 90_000),
)
def test_at_the_liquidation_price_the_margin_is_the_maintenance_margin(
    size: int, share: int, is_long: bool, entry: int
) -> None:
    quantity = D(size) / 1000 * (1 if is_long else -1)
    wallet = abs(quantity) * entry * share / 1000
    price = liquidation_price(RULES.brackets, quantity, D(entry), wallet)
    if price == 0:
        return
    left = wallet + (price - entry) * quantity
    needed = maintenance(RULES.brackets, abs(quantity) * price)
    assert abs(left - needed) < D("0.000001")


def test_a_crossed_wallet_carries_all_positions_together() -> None:
    # 1,000 USDT; long 0.1 BTC at 60,000; ETH long 1 at 3,000 is 100 under water and needs
    # 2,900 x 0.4 % = 11.60. LP = (1000 - 11.6 - 100 - 6000) / (0.1 x 0.004 - 0.1).
    held = crossed(1_000)
    held.place(order("BUY", "0.100"), quote(60_000, ask=D(60_000)), NOW)
    eth = replace(quote(3_000, ask=D(3_000)), symbol=ETH)
    held.place(order("BUY", "1", symbol=ETH), eth, NOW)
    held.on_quote(replace(quote(2_900), symbol=ETH), NOW + 1)
    bitcoin = next(p for p in held.position_list() if p.symbol == BTC)
    assert round(bitcoin.liquidation_price, 2) == round(D("-5111.6") / D("-0.0996"), 2)
    # Free: the wallet less 300 and 145 of initial margin and the 100 that are lost so far.
    assert held.available == 1_000 - 300 - 145 - 100
    held.on_quote(quote(51_322), NOW + 2)
    assert held.held(BTC) != 0
    held.on_quote(quote(51_321), NOW + 3)
    assert held.held(BTC) == 0


def test_a_liquidation_takes_no_more_than_stands_for_it() -> None:
    held = crossed(1_000)
    held.set_isolated(ETH, True, NOW)
    held.place(order("BUY", "1", symbol=ETH), replace(quote(3_000), symbol=ETH), NOW)
    held.place(order("BUY", "0.200"), quote(60_000), NOW)
    [apart] = [p.isolated_wallet for p in held.position_list() if p.symbol == ETH]
    held.on_quote(quote(30_000), NOW + 1)  # through everything at once
    assert held.held(BTC) == 0 and held.held(ETH) == 1
    assert held.wallet == apart, "what stands for the isolated position is not touched"
    assert held.wallet == 1_000 + sum(f.amount for f in held.income(0))


def test_resting_orders_hold_margin_once_for_both_sides() -> None:
    held = crossed(10_000, leverage=10)
    held.place(order("BUY", price=59_000), quote(), NOW)
    assert held.available == 10_000 - 59
    held.place(order("SELL", price=61_000), quote(), NOW)
    assert held.available == 10_000 - 61
    held.place(order("BUY", price=58_000), quote(), NOW)
    assert held.available == 10_000 - 117
    held.cancel_all(BTC, held.open_orders()[0].service, NOW)
    assert held.available == 10_000


def test_orders_that_close_hold_none_and_together_close_only_once() -> None:
    held = crossed(10_000, leverage=10)
    held.place(order("BUY"), quote(60_000, ask=D(60_000)), NOW)
    held.place(order("SELL", price=61_000), quote(), NOW)
    assert held.available == 10_000 - 60
    held.place(order("SELL", price=62_000), quote(), NOW)
    assert held.available == 10_000 - 60 - 62


def test_turning_a_position_round_needs_what_its_other_side_needs() -> None:
    held = account(wallet=D(100), fees=FREE)
    held.place(order("BUY", "0.016"), quote(), NOW)
    held.place(order("SELL", "0.032"), quote(), NOW)
    assert held.held(BTC) == D("-0.016")


def test_funding_of_an_isolated_position_comes_out_of_its_margin() -> None:
    held = account(fees=FREE)
    held.place(order("SELL", "0.100"), quote(), NOW)
    [before] = held.position_list()
    held.settle_funding(BTC, D("-0.001"), D(61_000), NOW + 1)  # below zero: shorts pay
    [after] = held.position_list()
    assert before.isolated_wallet - after.isolated_wallet == D("6.1") == 10_000 - held.wallet
    assert after.liquidation_price < before.liquidation_price
    told = [e for e in held.drain() if isinstance(e, BalanceEvent)][-1]
    assert told.reason == "FUNDING_FEE" and told.positions == ((BTC, PositionSide.BOTH, D("-0.1")),)


def test_the_stream_tells_the_wallet_after_the_liquidation_fee() -> None:
    held = account()
    held.place(order("BUY", "0.100"), quote(), NOW)
    held.drain()
    held.on_quote(quote(54_200), NOW + 1)
    events = held.drain()
    assert isinstance(events[0], OrderEvent) and events[0].reason == "autoclose"
    assert [e.wallet for e in events if isinstance(e, BalanceEvent)][-1] == held.wallet
    kinds = [f.kind for f in held.income(0)]
    assert kinds[-3:] == ["COMMISSION", "INSURANCE_CLEAR", "INSURANCE_CLEAR"]


def test_a_market_that_an_account_has_nothing_in_does_nothing_to_it() -> None:
    held = account()
    held.place(order("BUY"), quote(), NOW)
    held.place(order("SELL", reduce_only=True), quote(), NOW)
    before = held.to_dict()
    held.drain()
    held.on_quote(quote(50_000), NOW + 1)
    assert held.to_dict() == before and held.drain() == []
