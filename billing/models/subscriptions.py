"""What the payment provider told us when we last asked: snapshots, never our own opinion."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from cryptosystems.platform.tenancy import TenantModel


class Customer(TenantModel):
    """The one customer at Stripe of one user.

    When the user goes, the row goes; invoices that the law wants kept stay at Stripe.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    provider_id = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    synced_at = models.DateTimeField(null=True)
    """When the snapshots below were last fetched whole."""
    fetch_number = models.BigIntegerField(default=0)
    """Grows with each fetch that begins."""
    written_number = models.BigIntegerField(default=0)
    """Of the newest fetch that was written; one with an older number may not write any more."""
    trouble = models.CharField(max_length=200, blank=True)
    """What the last fetch met; empty: it went well."""

    def __str__(self) -> str:
        return self.provider_id


class Checkout(TenantModel):
    """One visit to the provider's checkout: what a second click finds, and what limits them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider_price_id = models.CharField(max_length=64)
    trial_ends_at = models.DateTimeField(null=True)
    """The end of trial that was honoured; None: billed at once."""
    return_urls = models.CharField(max_length=64)
    """A digest of where it goes back to: other addresses make another visit."""
    provider_id = models.CharField(max_length=100, blank=True)
    """Empty until the provider has answered."""
    url = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.provider_id or str(self.id)


class Subscription(TenantModel):
    """One subscription as Stripe had it at the last fetch."""

    provider_id = models.CharField(max_length=64, unique=True)
    provider_price_id = models.CharField(max_length=64)
    status = models.CharField(max_length=24)
    amount_minor = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    started_at = models.DateTimeField()
    period_ends_at = models.DateTimeField(null=True)
    is_ending = models.BooleanField(default=False)
    """Cancelled, and runs to the end of its period."""
    ended_at = models.DateTimeField(null=True)
    trial_ends_at = models.DateTimeField(null=True)
    """Until when our trial was carried over into it; null: it was billed at once."""
    past_due_since = models.DateTimeField(null=True)
    """When the oldest unpaid invoice was due."""
    is_refunded = models.BooleanField(default=False)
    """The newest paid invoice was refunded in full, and staff did not say otherwise."""
    has_dispute = models.BooleanField(default=False)
    """A chargeback is open or lost."""
    action_url = models.URLField(max_length=500, blank=True)
    fetched_at = models.DateTimeField()
    dunned_for = models.DateTimeField(null=True)
    """The `past_due_since` that our mails so far were about; ours, no fetch touches it."""
    dunning_sent = models.PositiveSmallIntegerField(default=0)
    """How many mails have left about it."""

    def __str__(self) -> str:
        return f"{self.provider_id}: {self.status}"


class Invoice(TenantModel):
    """One invoice as Stripe had it at the last fetch."""

    provider_id = models.CharField(max_length=64, unique=True)
    number = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=24)
    issued_at = models.DateTimeField()
    total_minor = models.IntegerField()
    tax_minor = models.IntegerField(default=0)
    refunded_minor = models.IntegerField(default=0)
    currency = models.CharField(max_length=3)
    hosted_url = models.URLField(max_length=500, blank=True)
    pdf_url = models.URLField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.number or self.provider_id
