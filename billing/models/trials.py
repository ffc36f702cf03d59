"""Trials: ours alone, without a card and without anything at the payment provider."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from cryptosystems.platform.tenancy import TenantModel


class Trial(TenantModel):
    """The one trial of one user: 168 hours from the confirmed address."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    """Fixed at the start; only an extension by staff moves it."""
    extended_by_s = models.PositiveIntegerField(default=0)
    refused = models.CharField(max_length=40, blank=True)
    """Why this person gets none (`mailbox_had_one`, `disposable_address`); empty: it was given."""
    reminded_at = models.DateTimeField(null=True)
    told_end_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"until {self.ends_at:%Y-%m-%d %H:%M}" if not self.refused else self.refused


class TrialClaim(models.Model):
    """A mailbox that has had its trial, as a keyed hash: it outlives the account."""

    mailbox = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.mailbox[:12]


class Grant(TenantModel):
    """Access or time given by staff, with a reason; above 30 days a second person agrees."""

    class Kind(models.TextChoices):
        """What is given."""

        TRIAL_EXTENSION = "trial_extension"
        FULL_ACCESS = "full_access"
        KEEP_AFTER_REFUND = "keep_after_refund"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    reason = models.CharField(max_length=300)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    given_by = models.UUIDField()
    confirmed_by = models.UUIDField(null=True)
    needs_second_person = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} until {self.ends_at:%Y-%m-%d}"
