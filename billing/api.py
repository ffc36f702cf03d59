"""The door of the billing room."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from billing.contracts import BillingView, Entitlements, Feature, InvoiceView, PlanView, State
from billing.models import Invoice, Trial
from cryptosystems.kernel.errors import NotAllowed


def entitlements_for(user_id: UUID | None, now: datetime | None = None) -> Entitlements:
    """Return what somebody may use now; None is a visitor."""
    now = now or timezone.now()
    trial = None if user_id is None else Trial.objects.for_user(user_id).first()
    if trial is None:
        return Entitlements(State.DEMO, frozenset(), None, "demo", "You look at the demo.")
    if trial.ends_at > now:
        open_now = frozenset(Feature)
        return Entitlements(State.TRIAL, open_now, trial.ends_at, "trial_running", "In trial.")
    kept = frozenset({Feature.MANAGE_POSITIONS})
    return Entitlements(State.ENDED, kept, None, "trial_over", "Your trial is over.")


def require(user_id: UUID, feature: Feature, now: datetime | None = None) -> Entitlements:
    """Return the entitlements, or raise what says why the feature is closed."""
    found = entitlements_for(user_id, now)
    if not found.allows(feature):
        raise NotAllowed(found.sentence, code="not_entitled")
    return found


def billing_view(user_id: UUID) -> BillingView:
    """Return everything the billing page shows of one person."""
    rows = Invoice.objects.for_user(user_id).order_by("-issued_at")
    invoices = tuple(
        InvoiceView(
            number=row.number,
            issued_at=row.issued_at,
            total=Decimal(row.total_minor).scaleb(-2),
            tax=Decimal(row.tax_minor).scaleb(-2),
            currency=row.currency,
            status=row.status,
            hosted_url=row.hosted_url,
            pdf_url=row.pdf_url,
        )
        for row in rows
    )
    return BillingView(
        user_id=user_id,
        entitlements=entitlements_for(user_id),
        plan=PlanView("pro", "Pro", Decimal("59.99"), "usd", "month", 168),
        trial=None,
        trial_refused="",
        subscription=None,
        invoices=invoices,
        is_standin=False,
        provider_trouble="",
    )
