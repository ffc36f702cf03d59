"""To the provider's pages and back: checkout and portal. Coming back grants nothing."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import api as accounts
from accounts.contracts import UserView
from billing.domain.periods import carried_over_trial
from billing.models import Checkout, Customer, Plan, Subscription, Trial
from billing.providers import provider
from billing.providers.port import CheckoutData, CheckoutOrder, ProviderFault
from billing.services.customers import customer_of
from billing.services.locks import alone
from billing.services.overview import LIVE
from billing.services.plans import SLUG, ensure_offer
from billing.services.sync import sync_customer
from cryptosystems.kernel.errors import InvalidInput, NotAllowed, RetryLater
from cryptosystems.platform import switches

MOST_AN_HOUR: Final = 5
_HOUR: Final = timedelta(hours=1)
_REUSED_FOR: Final = timedelta(minutes=30)
"""How long a second click finds the same page; the provider keeps it open for a day."""


def start_checkout(
    user_id: UUID,
    *,
    plan_slug: str,
    success_url: str,
    cancel_url: str,
    now: datetime | None = None,
) -> str:
    """Return where to pay: the checkout, or the portal while a subscription lives.

    Raises
    ------
    InvalidInput
        If there is no such plan.
    NotAllowed
        If the address is not confirmed yet, or staff closed checkout (`checkout_closed`).
    RetryLater
        After five checkouts within an hour, with the wait; or if the provider is silent.
    """
    now = now or timezone.now()
    user = _buyer(user_id)
    if plan_slug != SLUG:
        raise InvalidInput(_("There is one plan: %(slug)s.") % {"slug": SLUG})
    closed = why_closed()
    if closed and not _is_living(user_id):  # who pays already is led to the portal, as ever
        raise NotAllowed(closed, code="checkout_closed")
    with alone(f"checkout:{user_id}"):
        plan = ensure_offer()
        customer = customer_of(user)
        sync_customer(customer.provider_id, now)
        if not Customer.objects.for_user(user_id).exists():  # it was deleted over there
            customer = customer_of(user, after=customer.provider_id)
        if _is_living(user_id):
            return _portal(customer, cancel_url, now)
        if closed:
            raise NotAllowed(closed, code="checkout_closed")
        trial_ends_at = honoured_trial(user_id, now)
        digest = hashlib.sha256(f"{success_url}\n{cancel_url}".encode()).hexdigest()
        wanted = {
            "provider_price_id": plan.provider_price_id,
            "trial_ends_at": trial_ends_at,
            "return_urls": digest,
        }
        return _open_again(user_id, wanted, now) or _open(
            user, customer, plan, wanted, success_url, cancel_url, now
        )


def why_closed() -> str:
    """Return why nobody can subscribe now, in words for the person; empty: everybody can."""
    if switches.is_on("checkout"):
        return ""
    return _(
        "New subscriptions are closed for the moment. What you have goes on as it is. "
        "Come back later."
    )


def open_portal(user_id: UUID, *, return_url: str, now: datetime | None = None) -> str:
    """Return the address of the provider's page for cards, invoices and cancelling.

    Raises
    ------
    NotAllowed
        If the person never came to pay: there is nothing to show.
    """
    customer = Customer.objects.for_user(user_id).first()
    if customer is None:
        raise NotAllowed(
            _("There is nothing to manage yet: subscribe first."), code="no_subscription"
        )
    return _portal(customer, return_url, now or timezone.now())


def honoured_trial(user_id: UUID, now: datetime) -> datetime | None:
    """Return until when somebody who buys now pays nothing; None: billed at once."""
    trial = Trial.objects.for_user(user_id).filter(refused="").first()
    has_bought = Subscription.objects.for_user(user_id).exists()
    if trial is None or has_bought:
        return None
    return carried_over_trial(trial.ends_at, now)


def prune(now: datetime | None = None, keep_days: int = 7) -> int:
    """Forget visits whose pages are closed for long."""
    limit = (now or timezone.now()) - timedelta(days=keep_days)
    rows = Checkout.objects.across_tenants("prune old checkouts").filter(created_at__lt=limit)
    return rows.delete()[0]


def _is_living(user_id: UUID) -> bool:
    return Subscription.objects.for_user(user_id).filter(status__in=LIVE).exists()


def _buyer(user_id: UUID) -> UserView:
    user = accounts.user_by_id(user_id)
    if user is None or not user.is_active:
        raise NotAllowed(_("This account cannot subscribe."), code="no_account")
    if user.verified_at is None:
        raise NotAllowed(
            _("Confirm your e-mail address first, then subscribe."), code="not_verified"
        )
    return user


def _open_again(user_id: UUID, wanted: Mapping[str, Any], now: datetime) -> str:
    """Return the page that an earlier click opened, if it still waits; else nothing."""
    rows = Checkout.objects.for_user(user_id).filter(
        **wanted, created_at__gt=now - _REUSED_FOR, expires_at__gt=now
    )
    row = rows.exclude(provider_id="").order_by("-created_at").first()
    if row is None or not provider().checkout(row.provider_id).is_open:
        return ""
    return row.url


def _open(
    user: UserView,
    customer: Customer,
    plan: Plan,
    wanted: Mapping[str, Any],
    success_url: str,
    cancel_url: str,
    now: datetime,
) -> str:
    row = _unanswered(user.id, wanted, now)
    if row is None:
        _check_rate(user.id, now)
        _close_others(user.id, now)
        row = Checkout.objects.add_for(user.id, created_at=now, **wanted)
    order = CheckoutOrder(
        customer_id=customer.provider_id,
        user_id=user.id,
        price_id=plan.provider_price_id,
        success_url=success_url,
        cancel_url=cancel_url,
        trial_ends_at=row.trial_ends_at,
        with_tax=settings.STRIPE_TAX,
    )
    made = _created(order, f"checkout:{row.id}")
    Checkout.objects.for_user(user.id).filter(pk=row.pk).update(
        provider_id=made.id, url=made.url, expires_at=made.expires_at
    )
    return made.url


def _unanswered(user_id: UUID, wanted: Mapping[str, Any], now: datetime) -> Checkout | None:
    """Return an earlier click whose answer never came: its key finds what it may have made."""
    rows = Checkout.objects.for_user(user_id).filter(
        **wanted, provider_id="", created_at__gt=now - _REUSED_FOR
    )
    return rows.order_by("-created_at").first()


def _close_others(user_id: UUID, now: datetime) -> None:
    """Close pages that still wait, so that no two of them can be paid."""
    waiting = Checkout.objects.for_user(user_id).filter(expires_at__gt=now)
    for row in waiting.exclude(provider_id=""):
        provider().expire_checkout(row.provider_id, key=f"expire:{row.id}")
        Checkout.objects.for_user(user_id).filter(pk=row.pk).update(expires_at=now)


def _created(order: CheckoutOrder, key: str) -> CheckoutData:
    try:
        return provider().create_checkout(order, key=key)
    except ProviderFault:
        # A page that nobody was sent to costs nothing: another one under another key is safe.
        return provider().create_checkout(order, key=f"{key}:2")


def _check_rate(user_id: UUID, now: datetime) -> None:
    recent = Checkout.objects.for_user(user_id).filter(created_at__gt=now - _HOUR)
    times = list(recent.order_by("created_at").values_list("created_at", flat=True))
    if len(times) < MOST_AN_HOUR:
        return
    wait_s = (times[-MOST_AN_HOUR] + _HOUR - now).total_seconds()
    minutes = max(1, -(-int(wait_s) // 60))
    raise RetryLater(
        ngettext(
            "Too many payment pages were opened. Try again in %(n)d minute.",
            "Too many payment pages were opened. Try again in %(n)d minutes.",
            minutes,
        )
        % {"n": minutes},
        after_s=wait_s,
    )


def _portal(customer: Customer, return_url: str, now: datetime) -> str:
    # The page's address lives for minutes, so the act is "this person, this page, this minute".
    place = hashlib.sha256(return_url.encode()).hexdigest()[:16]
    key = f"portal:{customer.provider_id}:{place}:{int(now.timestamp()) // 60}"
    return provider().portal_url(customer.provider_id, return_url, key=key)
