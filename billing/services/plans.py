"""What is sold: one plan at one flat price."""

from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from billing.contracts import PlanView
from billing.domain.periods import TRIAL_HOURS
from billing.models import Plan
from billing.providers import provider
from billing.providers.port import PriceData
from cryptosystems.kernel.errors import NeedsOperator

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


def ensure_offer() -> Plan:
    """Return the plan that is sold, read from the provider's price object the first time.

    A new STRIPE_PRICE_ID becomes a new version; running subscriptions keep their own price.

    Raises
    ------
    NeedsOperator
        If the price object is not the price that is published.
    """
    price_id = settings.STRIPE_PRICE_ID
    if not price_id:
        raise NeedsOperator("Payments are not set up: set STRIPE_PRICE_ID to the price object.")
    held = Plan.objects.filter(provider_price_id=price_id, is_offered=True).first()
    if held is not None:
        return held
    found = provider().price(price_id)
    _check(found)
    with transaction.atomic():
        Plan.objects.filter(slug=SLUG, is_offered=True).exclude(provider_price_id=price_id).update(
            is_offered=False
        )
        newest = Plan.objects.filter(slug=SLUG).aggregate(newest=Max("version"))["newest"] or 0
        row, is_new = Plan.objects.get_or_create(
            provider_price_id=price_id,
            defaults={
                "slug": SLUG,
                "version": newest + 1,
                "name": NAME,
                "amount_minor": found.amount_minor,
                "currency": found.currency,
                "interval": found.interval,
            },
        )
        if not is_new and not row.is_offered:
            row.is_offered = True
            row.save(update_fields=["is_offered"])
    return row


def examine_price(within_s: float) -> PriceData:
    """Ask the provider for the price object and return it if it is the published one.

    Raises
    ------
    NeedsOperator
        If it is not, or nothing is set up.
    RetryLater
        If the provider does not answer within that time.
    """
    if not settings.STRIPE_PRICE_ID:
        raise NeedsOperator("Payments are not set up: set STRIPE_SECRET_KEY and STRIPE_PRICE_ID.")
    found = provider(within_s).price(settings.STRIPE_PRICE_ID)
    _check(found)
    return found


def _check(found: PriceData) -> None:
    came = (found.amount_minor, found.currency, found.interval, found.interval_count)
    if came != (AMOUNT_MINOR, CURRENCY, INTERVAL, 1) or not found.is_active:
        raise NeedsOperator(
            f"STRIPE_PRICE_ID must be an active price of {AMOUNT_MINOR} {CURRENCY} a {INTERVAL}; "
            f"{found.id} is {found.amount_minor} {found.currency} each {found.interval_count} "
            f"{found.interval or 'time'}{'' if found.is_active else ', and not active'}."
        )
