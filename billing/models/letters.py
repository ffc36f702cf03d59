"""Which mails about a subscription have left."""

from django.db import models
from django.utils import timezone

from cryptosystems.platform.tenancy import TenantModel


class Letter(TenantModel):
    """One mail that left, and about what: the row is unique, so the mail leaves once.

    It stands apart from the snapshots: those are dropped and written anew as the provider says.
    """

    class Kind(models.TextChoices):
        """What it tells."""

        BEGUN = "begun"
        ENDING = "ending"
        ENDED = "ended"
        REFUNDED = "refunded"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    about = models.CharField(max_length=120)
    """The object at the provider, and where it may happen to it again, which time."""
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "about"], name="one_letter_about_it")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"
