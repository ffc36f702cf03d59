"""How large a position may be for what one is willing to lose."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from cryptosystems.kernel.decimals import round_to_step
from cryptosystems.kernel.instruments import Side
from trading.domain.calculators.liquidation import Liquidation, isolated_wallet, liquidation
from trading.domain.calculators.tiers import TierTable
from trading.domain.margin import most_notional
from trading.domain.sizing import stop_is_safe


@dataclass(frozen=True, slots=True)
class PositionSize:
    """The largest position that loses at most the risk when its stop fills; USDT."""

    side: Side
    risk: Decimal
    per_unit: Decimal
    """What one unit loses at the stop, both fees included."""
    quantity: Decimal
    notional: Decimal
    margin: Decimal
    loss: Decimal
    """At the stop, both fees included."""
    liquidation: Liquidation | None
    """None where the quantity is 0."""
    is_liquidated_first: bool
    """Liquidation comes before the stop."""
    is_stop_safe: bool
    """The stop lies within half the way to liquidation."""
    max_leverage: int
    """The largest whole leverage at which the stop is safe; 0: none."""

    @property
    def is_below_minimum(self) -> bool:
        return self.quantity == 0


def position_size(
    *,
    account: Decimal,
    risk_rate: Decimal,
    entry: Decimal,
    stop: Decimal,
    leverage: int,
    fee_rate: Decimal,
    table: TierTable,
) -> PositionSize:
    """Return the size for a risk of `account` x `risk_rate`, cut to the exchange's step.

    One unit loses |entry - stop| and a fee on each side, so the quantity is the risk over that.
    """
    side = Side.LONG if stop < entry else Side.SHORT
    risk = account * risk_rate
    per_unit = abs(entry - stop) + fee_rate * (entry + stop)
    quantity = round_to_step(risk / per_unit, table.step)
    notional = quantity * entry
    found = _at(table, side, entry, quantity, leverage, fee_rate) if quantity else None
    return PositionSize(
        side=side,
        risk=risk,
        per_unit=per_unit,
        quantity=quantity,
        notional=notional,
        margin=notional / leverage,
        loss=quantity * per_unit,
        liquidation=found,
        is_liquidated_first=found is not None and (found.price - stop) * side.sign >= 0,
        is_stop_safe=found is None or stop_is_safe(entry, stop, found.price),
        max_leverage=_most_leverage(table, side, entry, stop, quantity, fee_rate),
    )


def least_account(
    risk_rate: Decimal, per_unit: Decimal, entry: Decimal, table: TierTable
) -> Decimal:
    """Return the smallest account whose risk makes a position the exchange takes."""
    steps = (table.min_notional / entry / table.step).to_integral_value(ROUND_CEILING)
    return max(steps, Decimal(1)) * table.step * per_unit / risk_rate


def _at(
    table: TierTable,
    side: Side,
    entry: Decimal,
    quantity: Decimal,
    leverage: int,
    fee_rate: Decimal,
) -> Liquidation:
    wallet = isolated_wallet(quantity * entry, Decimal(leverage), fee_rate, Decimal(0))
    return liquidation(table.tiers, side, entry, quantity, wallet)


def _most_leverage(
    table: TierTable, side: Side, entry: Decimal, stop: Decimal, quantity: Decimal, fee: Decimal
) -> int:
    if not quantity:
        return 0
    for leverage in range(table.max_leverage, 0, -1):
        if quantity * entry > most_notional(table.tiers, leverage):
            continue
        price = _at(table, side, entry, quantity, leverage, fee).price
        if stop_is_safe(entry, stop, price) and (price - stop) * side.sign < 0:
            return leverage
    return 0
