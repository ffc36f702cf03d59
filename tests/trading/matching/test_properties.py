"""Whatever comes, in whichever mode: money, positions and orders stay consistent."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.matching.cases import BTC, NOW, RULES, account, order, quote
from trading.domain.venue import (
    AlgoEvent,
    BalanceEvent,
    OrderEvent,
    OrderKind,
    PositionSide,
    Quote,
    Service,
    VenueFill,
    VenueState,
)
from trading.matching.matching import MatchingAccount
from trading.matching.records import ZERO, Ids, Order
from trading.matching.refused import Refused

START = D(10_000)
Act = tuple[str, str, int, int]
KINDS = (
    "market",
    "limit",
    "post",
    "reduce",
    "reduce_limit",
    "stop",
    "stop_all",
    "profit_all",
    "open_stop",
    "move",
    "move",
    "jump",
    "wick",
    "cancel",
    "cancel_algos",
    "funding",
    "adl",
    "leverage",
    "margin",
)
acts = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 60),
        st.integers(-900, 900),
    ),
    max_size=25,
)


class Market:
    """One account and a thin market that tests move."""

    def __init__(self, held: MatchingAccount) -> None:
        self.held = held
        self.price = D(60_000)
        self.now = NOW

    def quote(self, wick: int = 0) -> Quote:
        at, tick = self.price, D("0.1")
        bids = tuple((at - tick * n, D("0.015") * (n + 1)) for n in range(4))
        asks = tuple((at + tick * (n + 1), D("0.015") * (n + 1)) for n in range(4))
        low, high = at + min(wick, 0), at + max(wick, 0)
        return replace(
            quote(at), bids=bids, asks=asks, low=low, high=high, mark_low=low, mark_high=high
        )

    def play(self, plan: Sequence[Act]) -> None:
        for act in plan:
            self.now += 1
            before = self.held.to_dict()
            try:
                self._do(*act)
            except Refused:
                after = self.held.to_dict()
                unchanged = {k: after[k] == v for k, v in before.items() if k != "marks"}
                assert all(unchanged.values()), (act, unchanged)

    def _do(self, kind: str, side: str, size: int, shift: int) -> None:
        held, now = self.held, self.now
        quantity = f"{D(size) / 1000}"
        level = self.price + shift
        name = f"{kind}-{now}"
        closing = kind.startswith(("reduce", "stop", "profit"))
        if held.is_hedged:
            opens_long = (side == "BUY") != closing
            sides = {"position_side": PositionSide.LONG if opens_long else PositionSide.SHORT}
            reduces = {}
        else:
            sides, reduces = {}, {"reduce_only": True}
        if kind == "market":
            held.place(order(side, quantity, client_id=name, **sides), self.quote(), now)
        elif kind in ("limit", "post"):
            tif = "GTC" if kind == "limit" else "GTX"
            asked = order(side, quantity, price=level, client_id=name, time_in_force=tif, **sides)
            held.place(asked, self.quote(), now)
        elif kind == "reduce":
            held.place(order(side, quantity, client_id=name, **reduces, **sides), self.quote(), now)
        elif kind == "reduce_limit":
            asked = order(side, quantity, price=level, client_id=name, **reduces, **sides)
            held.place(asked, self.quote(), now)
        elif kind in ("stop", "open_stop"):
            more = reduces if kind == "stop" else {}
            asked = order(side, quantity, trigger_price=level, client_id=name, **more, **sides)
            held.place_algo(asked, self.quote(), now)
        elif kind in ("stop_all", "profit_all"):
            asked = order(
                side, None, trigger_price=level, client_id=name, close_position=True, **sides
            )
            if kind == "profit_all":
                asked = replace(asked, kind=OrderKind.TAKE_PROFIT_MARKET)
            held.place_algo(asked, self.quote(), now)
        elif kind in ("move", "jump"):
            self.price += shift * (10 if kind == "jump" else 1)
            self.price = max(self.price, D(20_000))
            held.on_quote(self.quote(), now)
        elif kind == "wick":
            held.on_quote(self.quote(shift * 4), now)
        elif kind == "cancel":
            held.cancel_all(BTC, Service.ORDER, now)
        elif kind == "cancel_algos":
            held.cancel_all(BTC, Service.ALGO, now)
        elif kind == "funding":
            held.settle_funding(BTC, D(shift) / 100_000, self.price, now)
        elif kind == "adl":
            held.adl(BTC, D(quantity), self.price, now)
        elif kind == "leverage":
            held.set_leverage(BTC, size, now)
        else:
            some = PositionSide.LONG if held.is_hedged else PositionSide.BOTH
            held.add_margin(BTC, some, D(shift), now)


def made(is_isolated: bool, is_hedged: bool, leverage: int) -> MatchingAccount:
    """Return an empty account in this mode."""
    held = account(wallet=START)
    if not is_isolated:
        held.set_isolated(BTC, False, NOW)
    if is_hedged:
        held.set_hedged(True)
    held.set_leverage(BTC, leverage, NOW)
    held.drain()
    return held


def every_order(held: MatchingAccount) -> list[Order]:
    rest = [
        o for group in (held.orders, held.algos) for kept in group.values() for o in kept.values()
    ]
    return [*rest, *held.ended.values()]


def check(held: MatchingAccount, fills: Sequence[tuple[OrderEvent, VenueFill]]) -> None:
    """Say that nothing contradicts anything."""
    assert held.wallet == START + sum(f.amount for f in held.income(0))
    paid = sum(f.amount for f in held.income(0) if f.kind == "COMMISSION")
    assert -paid == sum(t.fee for t in held.fills(BTC, 0))
    at: dict[PositionSide, D] = defaultdict(D)
    for event, fill in fills:
        before = at[fill.position_side]
        after = before + (fill.quantity if fill.side == "BUY" else -fill.quantity)
        at[fill.position_side] = after
        if event.order.reduce_only:
            assert abs(after) < abs(before) and after * before >= 0, "reduces, never turns round"
        if fill.position_side is PositionSide.LONG:
            assert after >= 0
        if fill.position_side is PositionSide.SHORT:
            assert after <= 0
    for (_, side), position in held.positions.items():
        assert position.quantity == at[side]
        assert position.isolated_wallet >= 0
        assert bool(position.entry) == bool(position.quantity)
        if not position.quantity or not held.setting(BTC).is_isolated:
            assert position.isolated_wallet == 0
    by_order: dict[str, D] = defaultdict(D)
    for fill in held.fills(BTC, 0):
        by_order[fill.order_id] += fill.quantity
    for one in every_order(held):
        if one.service is Service.ORDER:
            assert one.filled == by_order[str(one.id)] <= one.quantity
        elif one.actual_order_id:
            assert one.filled == by_order[str(one.actual_order_id)]
        assert one.is_open == (one.id not in held.ended)
    locked = sum(p.isolated_wallet for p in held.positions.values())
    assert locked <= held.wallet or held.income(0)[-1].kind == "FUNDING_FEE", "no margin twice"
    assert all(held.orders.values()) and all(held.algos.values()), "no empty drawers"
    assert 0 <= held.available <= max(held.wallet, ZERO)


def told_fills(held: MatchingAccount) -> list[tuple[OrderEvent, VenueFill]]:
    return [(e, e.fill) for e in held.drain() if isinstance(e, OrderEvent) and e.fill]


@pytest.mark.parametrize("is_hedged", [False, True], ids=["one-way", "hedge"])
@pytest.mark.parametrize("is_isolated", [True, False], ids=["isolated", "crossed"])
@settings(max_examples=80, deadline=None)
@given(plan=acts, leverage=st.sampled_from([3, 20, 100]))
def test_money_positions_and_orders_agree(
    is_isolated: bool, is_hedged: bool, plan: list[Act], leverage: int
) -> None:
    held = made(is_isolated, is_hedged, leverage)
    Market(held).play(plan)
    check(held, told_fills(held))


@pytest.mark.parametrize("is_hedged", [False, True], ids=["one-way", "hedge"])
@settings(max_examples=80, deadline=None)
@given(before=acts, after=acts, is_isolated=st.booleans())
def test_an_account_goes_on_from_its_json(
    is_hedged: bool, before: list[Act], after: list[Act], is_isolated: bool
) -> None:
    held = made(is_isolated, is_hedged, 20)
    market = Market(held)
    market.play(before)
    held.drain()
    kept = json.loads(json.dumps(held.to_dict()))
    twin = Market(MatchingAccount.from_dict(kept, {BTC: RULES}, Ids(**asdict(held.ids))))
    assert twin.held.to_dict() == held.to_dict()
    twin.price, twin.now = market.price, market.now
    market.play(after)
    twin.play(after)
    assert twin.held.to_dict() == held.to_dict()
    assert twin.held.drain() == held.drain()


@settings(max_examples=60, deadline=None)
@given(plan=acts, is_isolated=st.booleans())
def test_whoever_only_listens_knows_wallet_positions_and_open_orders(
    plan: list[Act], is_isolated: bool
) -> None:
    held = made(is_isolated, False, 20)
    wallet, quantity = START, ZERO
    open_orders: set[str] = set()
    market = Market(held)
    for act in plan:
        market.play([act])
        for event in held.drain():
            if isinstance(event, BalanceEvent):
                assert event.wallet is not None
                wallet = event.wallet
                quantity = {n: q for n, _, q in event.positions}.get(BTC, quantity)
            elif isinstance(event, OrderEvent | AlgoEvent):
                is_open = event.order.state.is_resting or event.order.state in (
                    VenueState.TRIGGERING,
                    VenueState.TRIGGERED,
                )
                change = open_orders.add if is_open else open_orders.discard
                change(event.order.exchange_id)
        assert (wallet, quantity) == (held.wallet, held.held(BTC))
        assert open_orders == {o.exchange_id for o in held.open_orders()}
