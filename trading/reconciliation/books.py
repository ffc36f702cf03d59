"""What fills come to: how much is open, at which prices, what it earned. Order does not matter."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cryptosystems.kernel.instruments import Side
from trading.domain.orders import Leg
from trading.domain.venue import OrderSide, opening

ZERO: Final = Decimal(0)
_UNIT: Final = Decimal("0.00000001")
_PRICE: Final = Decimal("0.000000000001")


@dataclass(frozen=True, slots=True)
class BookedFill:
    """One fill of a trade."""

    leg: Leg | None
    """None: not an order of ours (by hand, liquidation, ADL, settlement)."""
    side: OrderSide
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    realised: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class Totals:
    """A trade by its fills; quantities in base, money in USDT."""

    entered: Decimal = ZERO
    left: Decimal = ZERO
    """Closed again, of ours."""
    entry_price: Decimal | None = None
    exit_price: Decimal | None = None
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    first_ms: int | None = None
    last_ms: int | None = None

    @property
    def open_quantity(self) -> Decimal:
        return self.entered - self.left


def total(side: Side, fills: Iterable[BookedFill]) -> Totals:
    """Add up the fills of one trade.

    What the person added by hand is theirs: what leaves by hand takes that first, and of a stop
    that closed everything only our share is ours.
    """
    entries: list[BookedFill] = []
    exits: list[BookedFill] = []
    added = ZERO
    all_fills = sorted(fills, key=lambda fill: fill.at_ms)
    for fill in all_fills:
        if fill.side is not opening(side):
            exits.append(fill)
        elif fill.leg is Leg.ENTRY:
            entries.append(fill)
        else:
            added += fill.quantity
    entered = sum((fill.quantity for fill in entries), ZERO)
    gone_by_hand = sum((fill.quantity for fill in exits if fill.leg is None), ZERO)
    gone = sum((fill.quantity for fill in exits if fill.leg is not None), ZERO)
    everything = gone + gone_by_hand
    left = min(entered, gone + max(ZERO, gone_by_hand - added))
    share = left / everything if everything > 0 else ZERO
    ours = [*entries, *exits]
    fees = sum((fill.fee for fill in entries), ZERO)
    fees += share * sum((fill.fee for fill in exits), ZERO)
    realised = share * sum((fill.realised for fill in exits), ZERO)
    return Totals(
        entered=entered,
        left=left,
        entry_price=_average(entries),
        exit_price=_average(exits),
        realised=realised.quantize(_UNIT),
        fees=fees.quantize(_UNIT),
        first_ms=min((fill.at_ms for fill in entries), default=None),
        last_ms=max((fill.at_ms for fill in ours), default=None),
    )


def _average(fills: list[BookedFill]) -> Decimal | None:
    quantity = sum((fill.quantity for fill in fills), ZERO)
    if quantity == 0:
        return None
    return (sum((fill.price * fill.quantity for fill in fills), ZERO) / quantity).quantize(_PRICE)
