"""What is sold."""

from django.db import models


class Plan(models.Model):
    """One plan; a change of price is a new row, so that a running subscription keeps its own."""

    slug = models.SlugField(max_length=32)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=60)
    amount_minor = models.PositiveIntegerField()
    """Price in the currency's smallest unit: 5999 is $59.99."""
    currency = models.CharField(max_length=3, default="usd")
    interval = models.CharField(max_length=8, default="month")
    provider_price_id = models.CharField(max_length=64, unique=True)
    """The price object at Stripe that this row stands for."""
    is_offered = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="one_plan_a_version"),
            models.UniqueConstraint(
                fields=["slug"], condition=models.Q(is_offered=True), name="one_offer_a_plan"
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.name}, {self.amount_minor / 100:.2f} {self.currency.upper()} a {self.interval}"
        )
