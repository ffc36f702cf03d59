"""Rows of billing."""

from billing.models.events import ProviderEvent
from billing.models.plans import Plan
from billing.models.subscriptions import Checkout, Customer, Invoice, Subscription
from billing.models.trials import Grant, Trial, TrialClaim

__all__ = [
    "Checkout",
    "Customer",
    "Grant",
    "Invoice",
    "Plan",
    "ProviderEvent",
    "Subscription",
    "Trial",
    "TrialClaim",
]
