"""Rows of billing."""

from billing.models.events import ProviderEvent
from billing.models.letters import Letter
from billing.models.plans import Plan
from billing.models.subscriptions import Checkout, Customer, Invoice, Subscription
from billing.models.trials import Grant, Trial, TrialClaim

__all__ = [
    "Checkout",
    "Customer",
    "Grant",
    "Invoice",
    "Letter",
    "Plan",
    "ProviderEvent",
    "Subscription",
    "Trial",
    "TrialClaim",
]
