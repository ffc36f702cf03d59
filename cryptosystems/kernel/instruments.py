"""What the exchange says about an instrument, and the liquidation price that follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cryptosystems.kernel.decimals import decimals_of


class Side(StrEnum):
    """Direction of a position or a signal."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        """+1 for long, -1 for short."""
        return 1 if self is Side.LONG else -1

    @property
    def opposite(self) -> "Side":
        return Side.SHORT if self is Side.LONG else Side.LONG


@dataclass(frozen=True, slots=True)
class Bracket:
    """One leverage bracket: notional in (floor, cap], quote currency."""

    floor: float
    cap: float
    max_leverage: int
    maintenance_rate: float
    maintenance_amount: float
    """`cum` on the wire: what makes maintenance margin continuous across brackets."""


@dataclass(frozen=True, slots=True)
class InstrumentRules:
    """Filters and brackets of one symbol, as the exchange publishes them."""

    symbol: str
    base_asset: str
    tick_size: Decimal
    step_size: Decimal
    min_notional: Decimal
    brackets: tuple[Bracket, ...]
    is_trading: bool = True
    funding_interval_hours: int = 8
    onboard_ms: int = 0

    @property
    def price_decimals(self) -> int:
        return decimals_of(self.tick_size)

    @property
    def max_leverage(self) -> int:
        return max(bracket.max_leverage for bracket in self.brackets)


_ROUNDS: Final = 3


def bracket_of(brackets: Sequence[Bracket], notional: float) -> Bracket:
    """Return the bracket that holds `notional`; the last one beyond its cap."""
    for bracket in brackets:
        if notional <= bracket.cap:
            return bracket
    return brackets[-1]


def liquidation_price(
    brackets: Sequence[Bracket],
    side: Side,
    entry_price: float,
    quantity: float,
    leverage: float,
) -> float:
    """Return the mark price at which an isolated position is liquidated.

    Parameters
    ----------
    entry_price : quote per base, > 0
    quantity : base asset, > 0
    leverage : initial margin is entry_price x quantity / leverage

    The bracket is the one of the notional *at the liquidation price*, found by at most
    three rounds. Where two brackets alternate, the one whose range holds the result counts.

    Source: Binance support, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts".
    """
    if entry_price <= 0 or quantity <= 0 or leverage <= 0:
        raise ValueError(
            "entry price, quantity and leverage must be > 0, "
            f"were {entry_price}, {quantity}, {leverage}"
        )
    sign = side.sign
    wallet = entry_price * quantity / leverage
    bracket = bracket_of(brackets, entry_price * quantity)
    price = entry_price
    for _ in range(_ROUNDS):
        price = (wallet + bracket.maintenance_amount - sign * quantity * entry_price) / (
            quantity * (bracket.maintenance_rate - sign)
        )
        found = bracket_of(brackets, quantity * max(price, 0.0))
        if found is bracket:
            break
        bracket = found
    return max(price, 0.0)
