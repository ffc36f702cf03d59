"""The inbox of the payment provider: stored first, worked once."""

from django.db import models
from django.utils import timezone


class ProviderEvent(models.Model):
    """One signed event. It is only a hint: the objects it names are fetched anew."""

    class State(models.TextChoices):
        """How far it has come."""

        WAITING = "waiting"
        DONE = "done"
        PARKED = "parked"
        """It does not concern anybody we know, or cannot be read: kept for a person to look at."""
        FAILED = "failed"
        """Tried until the limit; the sweeper and staff can try it again."""

    provider_id = models.CharField(max_length=64, unique=True)
    type = models.CharField(max_length=80)
    customer_id = models.CharField(max_length=64, blank=True, db_index=True)
    created_at = models.DateTimeField()
    """When it happened, by Stripe's clock; never used for order."""
    received_at = models.DateTimeField(default=timezone.now, editable=False)
    payload = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "next_try_at"])]

    def __str__(self) -> str:
        return f"{self.type} {self.provider_id}"
