"""Everything the billing page shows of one person."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from billing.contracts import BillingView, InvoiceView, SubscriptionView, TrialView
from billing.models import Customer, Invoice, Subscription, Trial
from billing.services.facts import entitlements_of
from billing.services.plans import is_standin, money, offer

LIVE: Final = ("active", "trialing", "past_due", "unpaid", "paused", "incomplete")


def billing_view(user_id: UUID, now: datetime | None = None) -> BillingView:
    """Return what we know of a person's billing; asks nobody outside."""
    entitled = entitlements_of(user_id, now)
    trial = Trial.objects.for_user(user_id).first()
    invoices = Invoice.objects.for_user(user_id).exclude(status="draft").order_by("-issued_at")
    return BillingView(
        user_id=user_id,
        entitlements=entitled,
        plan=offer(),
        trial=None if trial is None or trial.refused else trial_view(trial),
        trial_refused="" if trial is None else trial.refused,
        subscription=current_subscription(user_id),
        invoices=tuple(_invoice_view(row) for row in invoices[:100]),
        is_standin=is_standin(),
        provider_trouble=_trouble(user_id),
    )


def current_subscription(user_id: UUID) -> SubscriptionView | None:
    """Return the living subscription, else the one that ended last, else None."""
    row = newest_subscription(user_id)
    return None if row is None else subscription_view(row)


def newest_subscription(user_id: UUID) -> Subscription | None:
    """Return the row to show and act on: a living one first, the newest of them."""
    rows = Subscription.objects.for_user(user_id).order_by("-started_at")
    return min(rows, key=lambda row: row.status not in LIVE, default=None)


def subscription_view(row: Subscription) -> SubscriptionView:
    """Return a subscription as other rooms see it."""
    return SubscriptionView(
        status=row.status,
        price=money(row.amount_minor),
        currency=row.currency,
        started_at=row.started_at,
        period_ends_at=row.period_ends_at,
        is_ending=row.is_ending,
        ended_at=row.ended_at,
        past_due_since=row.past_due_since,
        action_url=row.action_url,
        has_dispute=row.has_dispute,
    )


def trial_view(row: Trial) -> TrialView:
    """Return a trial as other rooms see it."""
    return TrialView(row.started_at, row.ends_at, row.extended_by_s)


def _invoice_view(row: Invoice) -> InvoiceView:
    return InvoiceView(
        number=row.number,
        issued_at=row.issued_at,
        total=money(row.total_minor),
        tax=money(row.tax_minor),
        currency=row.currency,
        status=row.status,
        hosted_url=row.hosted_url,
        pdf_url=row.pdf_url,
    )


def _trouble(user_id: UUID) -> str:
    customer = Customer.objects.for_user(user_id).exclude(trouble="").first()
    if customer is None:
        return ""
    return _(
        "Payments do not answer right now, so this page may be a little old. "
        "Everything you may use stays as it is."
    )
