"""What holding a position costs or earns in funding."""

from dataclasses import dataclass
from decimal import Decimal

from cryptosystems.kernel.instruments import Side


@dataclass(frozen=True, slots=True)
class FundingCost:
    """Funding of a position that is held at an unchanged rate and price; USDT, above 0 is paid."""

    notional: Decimal
    each: Decimal
    n_payments: int
    total: Decimal
    a_day: Decimal
    a_year_rate: Decimal
    """The rate of a year of such payments, not compounded; a fraction, above 0 is paid."""


def payments_within(hours: Decimal, interval_hours: int, until_next: Decimal | None) -> int:
    """Return how many payments fall due while a position is held.

    `until_next` is the time to the next one in hours; None: a whole interval.
    """
    first = Decimal(interval_hours) if until_next is None else until_next
    return 0 if hours < first else 1 + int((hours - first) // interval_hours)


def funding_cost(
    *,
    side: Side,
    notional: Decimal,
    rate: Decimal,
    interval_hours: int,
    hours: Decimal,
    until_next: Decimal | None = None,
) -> FundingCost:
    """Return what is paid in `hours`: each payment is notional at the mark price x rate.

    Longs pay shorts where the rate is above 0, and shorts pay longs below.

    Source: Binance support, "Introduction to Binance Futures Funding Rates".
    """
    each = side.sign * notional * rate
    n_payments = payments_within(hours, interval_hours, until_next)
    a_day = Decimal(24) / interval_hours
    return FundingCost(
        notional=notional,
        each=each,
        n_payments=n_payments,
        total=each * n_payments,
        a_day=each * a_day,
        a_year_rate=side.sign * rate * a_day * 365,
    )
