"""Rows of the platform."""

from django.db import models


class Lease(models.Model):
    """A claim on work: who holds it, until when, and a token that grows with every owner."""

    name = models.CharField(max_length=100, primary_key=True)
    owner = models.CharField(max_length=100, blank=True)
    epoch = models.BigIntegerField(default=0)
    """Fencing token: a write that carries an older one is refused."""
    until_ms = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.owner or 'free'} (epoch {self.epoch})"
