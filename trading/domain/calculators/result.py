"""What a closed position brings."""

from dataclasses import dataclass
from decimal import Decimal

from cryptosystems.kernel.instruments import Side


@dataclass(frozen=True, slots=True)
class Result:
    """Profit or loss of one position; USDT."""

    notional: Decimal
    margin: Decimal
    gross: Decimal
    entry_fee: Decimal
    exit_fee: Decimal
    funding: Decimal
    net: Decimal
    return_on_margin: Decimal
    """The net result over the initial margin, a fraction."""
    move: Decimal
    """Exit over entry, minus 1."""
    break_even: Decimal
    """The exit price at which fees and funding are just covered."""


def position_result(
    *,
    side: Side,
    entry: Decimal,
    exit_price: Decimal,
    quantity: Decimal,
    leverage: Decimal,
    entry_fee_rate: Decimal,
    exit_fee_rate: Decimal,
    funding: Decimal = Decimal(0),
) -> Result:
    """Return what closing at `exit_price` brings; `funding` is what was paid on the way.

    Gross is s·q·(exit - entry); each fee is its rate times the notional at that price.

    Source: Binance support, "How to Calculate Profit and Loss for Futures Contracts".
    """
    sign = side.sign
    notional = quantity * entry
    margin = notional / leverage
    gross = sign * quantity * (exit_price - entry)
    entry_fee = notional * entry_fee_rate
    exit_fee = quantity * exit_price * exit_fee_rate
    net = gross - entry_fee - exit_fee - funding
    even = (sign * notional + entry_fee + funding) / (quantity * (sign - exit_fee_rate))
    return Result(
        notional=notional,
        margin=margin,
        gross=gross,
        entry_fee=entry_fee,
        exit_fee=exit_fee,
        funding=funding,
        net=net,
        return_on_margin=net / margin,
        move=exit_price / entry - 1,
        break_even=max(even, Decimal(0)),
    )
