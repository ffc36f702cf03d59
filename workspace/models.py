"""Rows of a workspace: each belongs to one person."""

import uuid

from django.db import models

from cryptosystems.platform.tenancy import TenantModel
from workspace.contracts import AlertKind


class DrawingSet(TenantModel):
    """What somebody has drawn on one symbol's chart."""

    symbol = models.CharField(max_length=32)
    version = models.PositiveIntegerField(default=1)
    """Grows with each change, so that two devices do not overwrite each other unseen."""
    items = models.JSONField(default=list)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "symbol"], name="one_drawing_set_a_symbol")
        ]


class Layout(TenantModel):
    """A saved arrangement of the dashboard."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=40)
    body = models.JSONField()
    is_current = models.BooleanField(default=False)
    """The one that opens on every device."""
    share_token = models.CharField(max_length=43, blank=True, default="")
    """Whoever has it may see name and body, and nothing of the person."""
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="layout_names_differ"),
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(is_current=True), name="one_current_layout"
            ),
            models.UniqueConstraint(
                fields=["share_token"],
                condition=~models.Q(share_token=""),
                name="one_layout_a_link",
            ),
        ]
        ordering = ["name"]


class WatchList(TenantModel):
    """A named list of markets."""

    name = models.CharField(max_length=40)
    place = models.PositiveSmallIntegerField(default=0)
    symbols = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="watch_list_names_differ")
        ]
        ordering = ["place", "name"]


class ChartAlert(TenantModel):
    """Something to be told of once: a price, a funding rate, a signal."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    symbol = models.CharField(max_length=32)
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in AlertKind])
    level = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    note = models.CharField(max_length=120, blank=True, default="")
    after_signal = models.BigIntegerField(null=True)
    """Number of the newest signal at the first look: only later ones count."""
    created_at = models.DateTimeField()
    fired_at = models.DateTimeField(null=True)
    fired_value = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["symbol"], condition=models.Q(fired_at=None), name="alerts_that_wait"
            )
        ]
        ordering = ["-created_at"]
