"""What stops trading, and where execution stands."""

from typing import ClassVar

from django.db import models

from trading.contracts import StopMode


class KillSwitch(models.Model):
    """A thrown switch for one user, symbol or model version. The platform's own are in
    `cryptosystems.platform.switches`, where clearing takes two people."""

    scope = models.CharField(max_length=8, choices=[(s, s) for s in ("user", "symbol", "model")])
    key = models.CharField(max_length=64)
    """A user's id, a symbol or a model version."""
    mode = models.CharField(max_length=10, choices=[(m.value, m.value) for m in StopMode])
    reason = models.TextField()
    thrown_at = models.DateTimeField()
    thrown_by = models.UUIDField(null=True)
    """Null: the platform itself, or the person it belongs to."""
    cleared_at = models.DateTimeField(null=True)
    cleared_by = models.UUIDField(null=True)
    clear_asked_by = models.UUIDField(null=True)
    clear_asked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["scope", "key"],
                condition=models.Q(cleared_at=None),
                name="one_switch_in_force",
            )
        ]


class ExecutorCursor(models.Model):
    """How far the signals have been given to the lanes."""

    name = models.CharField(max_length=32, primary_key=True)
    number = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField()


class ExecutorWord(models.Model):
    """What each executor process last said of itself."""

    process = models.CharField(max_length=64, primary_key=True)
    release = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    said_at = models.DateTimeField()
    figures = models.JSONField(default=dict)
