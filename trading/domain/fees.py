"""What a trade costs, and where it breaks even."""

from decimal import Decimal
from typing import Final

from cryptosystems.kernel.decimals import round_to_tick
from cryptosystems.kernel.instruments import Side

STABLE: Final = ("", "USDT", "USDC", "FDUSD")
"""Fees in these count as USDT (none: nothing was paid); others are converted at their price then."""


def break_even(
    side: Side, entry: Decimal, tick: Decimal, *, fee_in: Decimal, fee_out: Decimal
) -> Decimal:
    """Return the price at which a close pays both fees; rounded towards profit.

    Fees are fractions of the notional, paid on the way in and out.
    """
    if side is Side.LONG:
        return round_to_tick(entry * (1 + fee_in) / (1 - fee_out), tick, "up")
    return round_to_tick(entry * (1 - fee_in) / (1 + fee_out), tick, "down")


def in_r(amount: Decimal, risk_amount: Decimal) -> Decimal | None:
    """Return an amount of money in R; None where nothing was at risk."""
    return (amount / risk_amount).quantize(Decimal("0.001")) if risk_amount > 0 else None
