"""What a flat fee asks of an account: a sum, and no promise."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SubscriptionSums:
    """One month's fee against an account and how it is traded; USDT, one for one with dollars."""

    fee: Decimal
    one_r: Decimal
    """What is risked in one trade."""
    fee_share: Decimal
    """The fee over the account, a fraction."""
    fee_r: Decimal
    """The fee in multiples of the risk."""
    needed_r: Decimal
    """What each trade has to bring on average to cover the fee."""
    before: Decimal
    """A month's result at the expectancy given, before the fee."""
    after: Decimal
    least_account: Decimal | None
    """The account at which the expectancy given just covers the fee; None: none does."""


def subscription_sums(
    *, fee: Decimal, account: Decimal, risk_rate: Decimal, trades: Decimal, expectancy_r: Decimal
) -> SubscriptionSums:
    """Return the sums for a fee a month; `expectancy_r` is the reader's own mean result in R."""
    one_r = account * risk_rate
    fee_r = fee / one_r
    before = one_r * trades * expectancy_r
    return SubscriptionSums(
        fee=fee,
        one_r=one_r,
        fee_share=fee / account,
        fee_r=fee_r,
        needed_r=fee_r / trades,
        before=before,
        after=before - fee,
        least_account=fee / (risk_rate * trades * expectancy_r) if expectancy_r > 0 else None,
    )
