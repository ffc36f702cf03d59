"""Which models were trained, how they scored, and which one speaks."""

from django.db import models

from signals.models.market import ORIGINS


class ModelVersion(models.Model):
    """A trained artifact with its out-of-sample scores."""

    CANDIDATE, ACTIVE, RETIRED = "candidate", "active", "retired"

    version = models.CharField(max_length=64, unique=True)
    origin = models.CharField(max_length=10, choices=ORIGINS)
    """The market it was trained on; a model never scores another origin's market."""
    artifact = models.CharField(max_length=255)
    """File name below the model directory."""
    checksum = models.CharField(max_length=64)
    catalogue_hash = models.CharField(max_length=64)
    trained_at = models.DateTimeField()
    data_from = models.DateTimeField()
    data_until = models.DateTimeField()
    report = models.JSONField()
    status = models.CharField(
        max_length=10,
        choices=[(s, s) for s in (CANDIDATE, ACTIVE, RETIRED)],
        default=CANDIDATE,
    )
    promoted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["origin"],
                condition=models.Q(status="active"),
                name="one_active_model_per_origin",
            )
        ]
        ordering = ["-trained_at"]

    def __str__(self) -> str:
        return f"{self.version} ({self.status})"
