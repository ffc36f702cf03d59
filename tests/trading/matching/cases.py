"""A symbol, a market and an account at 60,000, to be changed by tests."""

from dataclasses import replace
from decimal import Decimal as D
from itertools import count
from typing import Any

from trading.domain.venue import (
    OrderKind,
    OrderRequest,
    OrderSide,
    Quote,
    RiskBracket,
    TradingRules,
)
from trading.matching.matching import MatchingAccount
from trading.matching.records import Fees, Ids

BTC = "BTCUSDT"
NOW = 1_764_028_800_000
RULES = TradingRules(
    symbol=BTC,
    base_asset="BTC",
    tick=D("0.1"),
    step=D("0.001"),
    min_quantity=D("0.001"),
    max_quantity=D(1000),
    market_max_quantity=D(120),
    min_notional=D(100),
    price_up=D("1.05"),
    price_down=D("0.95"),
    market_bound=D("0.05"),
    liquidation_fee=D("0.0125"),
    brackets=(
        RiskBracket(D(0), D(300_000), 125, D("0.004"), D(0)),
        RiskBracket(D(300_000), D(3_000_000), 50, D("0.01"), D(1800)),
    ),
)
_ids = count(1)


def account(**changes: Any) -> MatchingAccount:
    """Return an account with 10,000 USDT that trades BTC isolated at 10x."""
    values: dict[str, Any] = {"wallet": D(10_000), "fees": Fees(), "ids": Ids()}
    made = MatchingAccount({BTC: RULES}, **{**values, **changes})
    made.set_isolated(BTC, True, NOW)
    made.set_leverage(BTC, 10, NOW)
    made.drain()
    return made


def quote(price: Any = 60_000, **changes: Any) -> Quote:
    """Return a market at this price, a tick wide, of endless depth."""
    at = D(str(price))
    held = Quote(BTC, at, at + D("0.1"), at, at, at, at, NOW)
    return replace(held, **changes)


def order(side: str, quantity: Any = "0.010", **changes: Any) -> OrderRequest:
    """Return a market order; with `price` a limit, with `trigger_price` a stop."""
    kind = OrderKind.MARKET
    if "price" in changes:
        kind, changes["time_in_force"] = OrderKind.LIMIT, changes.get("time_in_force", "GTC")
    if "trigger_price" in changes:
        kind = OrderKind.STOP_MARKET
    for name in ("price", "trigger_price"):
        if name in changes:
            changes[name] = D(str(changes[name]))
    return replace(
        OrderRequest(
            client_id=f"t-{next(_ids)}",
            symbol=BTC,
            side=OrderSide(side),
            kind=kind,
            quantity=None if quantity is None else D(quantity),
        ),
        **changes,
    )
