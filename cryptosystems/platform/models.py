"""Rows of the platform."""

import uuid

from django.db import models
from django.utils import timezone


class Lease(models.Model):
    """A claim on work: who holds it, until when, and a token that grows with every owner."""

    name = models.CharField(max_length=100, primary_key=True)
    owner = models.CharField(max_length=100, blank=True)
    epoch = models.BigIntegerField(default=0)
    """Fencing token: a write that carries an older one is refused."""
    until_ms = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.owner or 'free'} (epoch {self.epoch})"


class OutgoingMail(models.Model):
    """A mail that must not be lost: a row first, sent by a worker, its text dropped afterwards."""

    to = models.EmailField(max_length=320)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    html = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["sent_at", "given_up_at", "next_try_at"])]

    def __str__(self) -> str:
        return f"{self.subject} ({'sent' if self.sent_at else 'waiting'})"


class Switch(models.Model):
    """Something staff can turn on and off without a release.

    A feature switch is plain. A kill switch is thrown by one person and cleared by two: the
    first asks, another one agrees.
    """

    class Kind(models.TextChoices):
        """What the switch does when it is on."""

        FEATURE = "feature"
        KILL = "kill"

    name = models.SlugField(max_length=40, primary_key=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    is_on = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.UUIDField(null=True)
    clear_asked_by = models.UUIDField(null=True)
    clear_asked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name}: {'on' if self.is_on else 'off'}"


class Announcement(models.Model):
    """A sentence that staff put on every page for a time."""

    class Level(models.TextChoices):
        """How it is drawn."""

        INFO = "info"
        WARN = "warn"
        BAD = "bad"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    text = models.CharField(max_length=300)
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.text[:60]
