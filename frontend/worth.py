"""Is a flat fee worth it: the twin of the sums in `static/frontend/js/plans.js`.

One table of cases tests both (`tests/frontend/worth_cases.json`).
"""

from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from frontend.context import Measured, WorthRow

ACCOUNTS: Final = tuple(Decimal(n) for n in (500, 1000, 2500, 5000, 10_000, 25_000, 50_000))
DEFAULT_ACCOUNT: Final = Decimal(5000)
DEFAULT_RISK: Final = Decimal("0.5")
DEFAULT_TRADES: Final = 40
ASSUMED_RETURN: Final = Decimal("0.02")
ASSUMED_SHARE: Final = Decimal("0.20")


def row(fee: Decimal, account: Decimal, risk_percent: Decimal, trades: int) -> WorthRow:
    """Return the sums for one account: the risk of a trade, and what each has to bring."""
    one_r = account * risk_percent / 100
    fee_r = fee / one_r
    return WorthRow(account, fee / account, one_r, fee_r, fee_r / trades, "")


def verdict_code(needed_r: Decimal, record: Measured) -> str:
    """Say how the needed result stands to the measured one.

    few: fewer settled signals than a rate needs. above: even the low end of the interval covers
    the fee. likely: the mean does, the low end does not. unlikely: only the high end does.
    below: not even that.
    """
    if not record.is_enough or record.mean_r is None or record.mean_r_interval is None:
        return "few"
    low, high = record.mean_r_interval
    needed = float(needed_r)
    if needed <= low:
        return "above"
    if needed <= record.mean_r:
        return "likely"
    return "unlikely" if needed <= high else "below"


def verdicts() -> dict[str, str]:
    """Return the sentence of each code."""
    return {
        "few": _("Too few signals have settled to tell whether that is covered."),
        "above": _(
            "The measured result is above that, even at the low end of its interval. "
            "It was so in the past; it need not stay so."
        ),
        "likely": _(
            "The measured result is above that, but its interval reaches below. "
            "It could go either way."
        ),
        "unlikely": _(
            "The measured result is below that, though its interval reaches it. "
            "On these figures the fee would more likely cost you than pay."
        ),
        "below": _(
            "That is more than we have measured. On these figures, stay with the free demo."
        ),
    }


def words() -> dict[str, str]:
    """Return the word for each code in the table."""
    return {
        "few": _("too few to tell"),
        "above": _("covered"),
        "likely": _("either way"),
        "unlikely": _("more likely not"),
        "below": _("no"),
    }


def percentage_fee(account: Decimal, monthly: Decimal, share: Decimal) -> Decimal:
    """Return what a share of profit costs in a month with this return; nothing without profit."""
    return max(Decimal(0), account * monthly * share)
