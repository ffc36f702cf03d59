"""The door of the billing room: who may use what, and everything that has to do with paying."""

from datetime import datetime
from uuid import UUID

from billing.contracts import BillingView, Entitlements, Feature, PlanView
from billing.services import facts, overview, plans
from cryptosystems.kernel.errors import NotAllowed


def entitlements_for(user_id: UUID | None, now: datetime | None = None) -> Entitlements:
    """Return what a person may use now, and why; None is a visitor, who has the demo."""
    return facts.entitlements_of(user_id, now)


def require(user_id: UUID | None, feature: Feature, now: datetime | None = None) -> Entitlements:
    """Return the entitlements if they open the feature.

    Raises
    ------
    NotAllowed
        With code `not_entitled` and the sentence that says why and what opens it.
    """
    held = entitlements_for(user_id, now)
    if not held.allows(feature):
        raise NotAllowed(held.sentence, code="not_entitled")
    return held


def offer() -> PlanView:
    """Return what is sold."""
    return plans.offer()


def billing_view(user_id: UUID) -> BillingView:
    """Return everything the billing page shows; asks nobody outside."""
    return overview.billing_view(user_id)


def is_standin() -> bool:
    """Say whether payments are played by a local stand-in, so that no money moves."""
    return plans.is_standin()
