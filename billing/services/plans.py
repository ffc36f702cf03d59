"""What is sold: one plan at one flat price."""

from decimal import Decimal
from typing import Final

from django.conf import settings

from billing.contracts import PlanView
from billing.domain.periods import TRIAL_HOURS
from billing.models import Plan

SLUG: Final = "all-access"
NAME: Final = "CryptoSystems"
AMOUNT_MINOR: Final = 5999
CURRENCY: Final = "usd"
INTERVAL: Final = "month"


def offer() -> PlanView:
    """Return what is offered now.

    The price is known before the provider has confirmed its price object: no other is sold.
    """
    row = Plan.objects.filter(slug=SLUG, is_offered=True).first()
    amount = AMOUNT_MINOR if row is None else row.amount_minor
    return PlanView(
        slug=SLUG,
        name=NAME if row is None else row.name,
        price=money(amount),
        currency=CURRENCY if row is None else row.currency,
        interval=INTERVAL if row is None else row.interval,
        trial_hours=TRIAL_HOURS,
    )


def is_standin() -> bool:
    """Say whether payments are played by the local stand-in."""
    return settings.STRIPE_SECRET_KEY.startswith("sk_standin")


def money(minor: int) -> Decimal:
    """Return an amount in whole units of a currency with two decimals."""
    return Decimal(minor).scaleb(-2)
