"""Plans against every kind of market, judged by the exchange's own filters and liquidation."""

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryptosystems.kernel.instruments import Bracket, Side
from cryptosystems.kernel.instruments import liquidation_price as by_floats
from tests.trading.domain.test_plan import LIMITS, money, short, signal
from tests.trading.matching.cases import BTC, NOW, RULES, order, quote
from trading.domain.denied import Denied
from trading.domain.plan import TradePlan, make_plan
from trading.domain.sizing import liquidation_at
from trading.domain.venue import OrderSide, Quote, RiskBracket, Service, TradingRules
from trading.matching.matching import MatchingAccount
from trading.matching.records import Fees, Ids

REFUSALS = {
    "too_small",
    "liquidation_too_near",
    "no_margin",
    "stop_side",
    "no_target",
    "outside_zone",
    "price_band",
}


@st.composite
def markets(draw: st.DrawFn) -> tuple[TradingRules, D]:
    """Draw (a symbol's filters, its price), as different as they are among the exchange's hundreds."""
    tick = D(1).scaleb(draw(st.integers(-6, 0)))
    price = tick * draw(st.integers(50, 2_000_000))
    # A step is worth between a tenth of a cent and a hundred dollars.
    step = D(1).scaleb(draw(st.integers(-3, 2)) - price.adjusted())
    least = step * draw(st.integers(1, 20))
    most = least * draw(st.integers(1, 100_000))
    top = draw(st.integers(2, 125))
    first = D(draw(st.integers(5_000, 500_000)))
    low, high = D("0.004"), D("0.02")
    rules = TradingRules(
        symbol=BTC,
        base_asset="BTC",
        tick=tick,
        step=step,
        min_quantity=least,
        max_quantity=most,
        market_max_quantity=max(least, most / draw(st.sampled_from([1, 2, 10])) // step * step),
        min_notional=D(draw(st.sampled_from([5, 20, 50, 100]))),
        price_up=D(draw(st.sampled_from(["1.05", "1.10", "1.15"]))),
        price_down=D(draw(st.sampled_from(["0.95", "0.90", "0.85"]))),
        market_bound=D("0.05"),
        liquidation_fee=D("0.0125"),
        brackets=(
            RiskBracket(D(0), first, top, low, D(0)),
            RiskBracket(first, first * 10, max(1, top // 4), high, first * (high - low)),
        ),
    )
    return rules, price


@st.composite
def cases(draw: st.DrawFn) -> tuple[TradingRules, Any, Quote, Any, Any, D]:
    """Draw (rules, signal, quote, limits, account, cap) around some price."""
    rules, price = draw(markets())
    is_long = draw(st.booleans())
    atr = price * draw(st.decimals("0.001", "0.05", places=4))
    width = atr * draw(st.decimals("0.05", "0.6", places=2))
    risk = atr * draw(st.decimals("0.5", "3", places=2))
    sign = 1 if is_long else -1
    near = price - sign * width  # the zone's edge at the stop's side
    # A model's prices lie on no tick.
    levels = [price + sign * risk * n * D("1.000317") for n in (1, 2, 3)]
    taken = signal(
        side=Side.LONG if is_long else Side.SHORT,
        entry_low=min(price, near),
        entry_high=max(price, near),
        stop=max(price - sign * (width + risk), rules.tick / 3),
        targets=tuple(zip(levels, (D("0.4"), D("0.3"), D("0.3")), strict=True)),
        atr=atr,
    )
    mark = price - sign * width * draw(st.decimals("-0.8", "0.99", places=2))
    limits = replace(
        LIMITS,
        risk_percent=draw(st.sampled_from([D("0.05"), D("0.50"), D("1.00")])),
        max_leverage=draw(st.integers(1, 20)),
        max_notional=D(draw(st.sampled_from([50, 5_000, 1_000_000]))),
    )
    equity = draw(st.decimals(20, 500_000, places=2))
    account = money(equity, equity * draw(st.decimals("0.05", 1, places=2)))
    cap = draw(st.sampled_from([D("0.50"), D("0.75"), D("1.00")]))
    return rules, taken, quote(mark), limits, account, cap


@settings(max_examples=300)
@given(cases())
def test_every_plan_is_taken_by_the_exchange_or_refused_by_us(
    case: tuple[TradingRules, Any, Quote, Any, Any, D],
) -> None:
    rules, taken, now, limits, account, cap = case
    found = make_plan(taken, limits, account, rules, now, NOW, cap_percent=cap)
    if isinstance(found, Denied):
        assert found.code in REFUSALS and found.sentence.endswith(".")
        return
    sign = found.side.sign
    assert found.r_distance > 0 and (found.entry_price - found.stop) * sign == found.r_distance
    assert (taken.stop - found.stop) * sign >= 0, "the stop is rounded outward"
    asked = account.margin_balance * min(limits.risk_percent, cap, D(1)) / 100
    assert found.quantity * found.r_distance <= asked * D("1.001")
    assert found.notional <= limits.max_notional and found.leverage <= limits.max_leverage
    assert found.targets and sum(t.quantity for t in found.targets) <= found.quantity
    assert all(t.r > 0 for t in found.targets)
    assert [t.r for t in found.targets] == sorted(t.r for t in found.targets)
    exchange = entered(rules, found, account.available, now)
    assert exchange.position_list()[0].quantity == found.quantity * sign


def entered(rules: TradingRules, plan: TradePlan, wallet: D, now: Quote) -> MatchingAccount:
    """Carry a plan out on an exchange of its own: guard, entry, its fill, targets; none is refused."""
    exchange = MatchingAccount({BTC: rules}, wallet=wallet, fees=Fees(), ids=Ids())
    exchange.set_isolated(BTC, True, NOW)
    if plan.leverage != 20:
        exchange.set_leverage(BTC, plan.leverage, NOW)
    way_in, way_out = (
        (OrderSide.BUY, OrderSide.SELL)
        if plan.side is Side.LONG
        else (OrderSide.SELL, OrderSide.BUY)
    )
    held = str(plan.quantity)
    guard = order(way_out.value, held, trigger_price=plan.stop, reduce_only=True)
    exchange.place_algo(replace(guard, by_mark_price=True), now, NOW)
    exchange.place(order(way_in.value, held, price=plan.entry_price), now, NOW)
    through = plan.entry_price - plan.side.sign * rules.tick
    # Traded through the limit; the mark price, by which stops fire, is still at it.
    market = replace(at(through, rules), mark=plan.entry_price)
    exchange.on_quote(market, NOW)
    for target in plan.targets:
        out = order(way_out.value, str(target.quantity), price=target.price, reduce_only=True)
        exchange.place(out, market, NOW)
    return exchange


def at(price: D, rules: TradingRules) -> Quote:
    return replace(quote(price), ask=price + rules.tick)


def test_most_drawn_markets_can_be_planned_for() -> None:
    """The property above says nothing if every plan is refused."""
    n_plans, codes = 0, set()

    @settings(max_examples=200, database=None, derandomize=True)
    @given(cases())
    def count(case: tuple[TradingRules, Any, Quote, Any, Any, D]) -> None:
        nonlocal n_plans
        rules, taken, now, limits, account, cap = case
        found = make_plan(taken, limits, account, rules, now, NOW, cap_percent=cap)
        if isinstance(found, Denied):
            codes.add(found.code)
        else:
            n_plans += 1

    count()
    assert n_plans >= 30 and "too_small" in codes, (n_plans, codes)


@pytest.mark.parametrize(
    ("taken", "rules", "code"),
    [
        (signal(stop=D(60_000)), RULES, "stop_side"),
        (signal(stop=D(60_300)), RULES, "stop_side"),
        (short(stop=D(59_900)), RULES, "stop_side"),
        (signal(targets=((D("60000.04"), D(1)),)), RULES, "no_target"),
        (signal(), replace(RULES, price_up=D("1.0005")), "price_band"),
    ],
    ids=["stop at the entry", "stop above", "short's stop below", "target at the entry", "band"],
)
def test_prices_that_no_exchange_takes_are_refused_before_it_is_asked(
    taken: Any, rules: TradingRules, code: str
) -> None:
    mark = 60_050 if taken.side is Side.SHORT else 59_950
    found = make_plan(taken, LIMITS, money(), rules, quote(mark), NOW, cap_percent=D("0.5"))
    assert isinstance(found, Denied) and found.code == code, found


def test_a_position_is_no_larger_than_one_market_order_can_close() -> None:
    thin = replace(RULES, market_max_quantity=D("0.02"))
    found = make_plan(signal(), LIMITS, money(), thin, quote(59_950), NOW, cap_percent=D("0.5"))
    assert isinstance(found, TradePlan) and found.quantity == D("0.02")


def test_a_target_that_a_coarse_tick_takes_away_leaves_its_share_to_the_rest() -> None:
    coarse = replace(RULES, tick=D(500))
    taken = signal(stop=D(59_400), targets=((D(60_400), D("0.4")), (D(61_200), D("0.6"))))
    found = make_plan(taken, LIMITS, money(), coarse, quote(59_950), NOW, cap_percent=D("0.5"))
    assert isinstance(found, TradePlan)
    assert [(t.price, t.quantity) for t in found.targets] == [(D(61_000), found.quantity)]


@pytest.mark.parametrize("number", range(200))
def test_the_stop_is_reached_long_before_the_exchange_liquidates(number: int) -> None:
    """EX-23: two hundred plans of both sides, stops from 0.1 % to 40 % away, margin scarce."""
    side = Side.LONG if number % 2 else Side.SHORT
    away = D(60) * (number % 100 + 1) ** 2 / 25 + 60
    entry = D(60_000)
    stop = entry - side.sign * away
    zone = (entry - 100, entry) if side is Side.LONG else (entry, entry + 100)
    targets = ((entry + side.sign * away * 2, D(1)),)
    taken = signal(side=side, stop=stop, entry_low=zone[0], entry_high=zone[1], targets=targets)
    found = make_plan(
        taken,
        replace(LIMITS, max_leverage=20),
        money(100_000, 100 + 40 * (number % 7)),
        RULES,
        quote(entry),
        NOW,
        cap_percent=D(1),
    )
    if isinstance(found, Denied):
        assert found.code in ("liquidation_too_near", "too_small"), found
        return
    exchange = entered(RULES, found, D(2_000), quote(entry))
    exchange.cancel_all(BTC, Service.ALGO, NOW)
    exchange.on_quote(quote(found.stop), NOW + 1)
    held = exchange.position_list()[0]
    assert abs(held.quantity) == found.quantity, "open, with no stop but the exchange's own end"
    assert held.liquidation_price is not None
    assert abs(held.liquidation_price - entry) >= 2 * found.r_distance * D("0.999")
    assert abs(held.liquidation_price - found.liquidation_price) <= entry * D("0.001")
    if held.liquidation_price > 0:
        exchange.on_quote(quote(held.liquidation_price - side.sign * 200), NOW + 2)
        assert not any(p.quantity for p in exchange.position_list()), "there it does end"


@given(
    st.integers(1, 20),
    st.decimals("0.001", 40, places=3),
    st.booleans(),
    st.decimals(10_000, 100_000, places=1),
)
def test_the_liquidation_price_is_that_of_the_kernel_but_for_the_fee(
    leverage: int, quantity: D, is_long: bool, entry: D
) -> None:
    side = Side.LONG if is_long else Side.SHORT
    floats = [
        Bracket(
            floor=float(b.floor),
            cap=float(b.cap),
            max_leverage=b.max_leverage,
            maintenance_rate=float(b.maintenance_rate),
            maintenance_amount=float(b.maintenance_amount),
        )
        for b in RULES.brackets
    ]
    exact = liquidation_at(side, entry, quantity, leverage, RULES)
    rough = by_floats(floats, side, float(entry), float(quantity), leverage)
    fee = float(entry) * 0.0005 / 0.98
    assert abs(float(exact) - rough) <= fee + float(entry) * 1e-4
    assert float(exact - entry) * side.sign <= 0
