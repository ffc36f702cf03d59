"""Isolated and crossed margin, exact.

Source: Binance support, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts";
`leverageBracket` of the API.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from trading.domain.venue import RiskBracket

_ROUNDS: Final = 8


def bracket_of(brackets: Sequence[RiskBracket], notional: Decimal) -> RiskBracket:
    """Return the bracket that holds `notional`; the last one beyond its cap."""
    for bracket in brackets:
        if notional <= bracket.cap:
            return bracket
    return brackets[-1]


def maintenance(brackets: Sequence[RiskBracket], notional: Decimal) -> Decimal:
    """Return the maintenance margin of a notional ≥ 0."""
    bracket = bracket_of(brackets, notional)
    return notional * bracket.maintenance_rate - bracket.maintenance_amount


def most_notional(brackets: Sequence[RiskBracket], leverage: int) -> Decimal:
    """Return the largest notional that may be held at this leverage."""
    caps = [bracket.cap for bracket in brackets if bracket.max_leverage >= leverage]
    return max(caps, default=Decimal(0))


def liquidation_price(
    brackets: Sequence[RiskBracket], quantity: Decimal, entry: Decimal, wallet: Decimal
) -> Decimal:
    """Return the mark price at which a position is liquidated; 0 where there is none.

    `quantity` is signed, `wallet` the margin that stands for this position alone. The bracket is
    the one of the notional at the liquidation price.
    """
    if not quantity:
        return Decimal(0)
    side = 1 if quantity > 0 else -1
    size = abs(quantity)
    bracket = bracket_of(brackets, size * entry)
    price = entry
    for _ in range(_ROUNDS):
        price = (wallet + bracket.maintenance_amount - side * size * entry) / (
            size * bracket.maintenance_rate - side * size
        )
        found = bracket_of(brackets, size * max(price, Decimal(0)))
        if found is bracket:
            break
        bracket = found
    return max(price, Decimal(0))
