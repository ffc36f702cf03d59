"""Signals, what became of them, and the chain that makes both tamper-evident."""

import uuid

from django.db import models

from signals.models.market import ORIGINS, TIMEFRAME_CHOICES

SIDES = [("long", "long"), ("short", "short")]


class Signal(models.Model):
    """A signal as it was issued. Never changed afterwards: what happens to it is a `SignalState`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(unique=True)
    """Position in the chain: counts every signal of every origin."""
    origin = models.CharField(max_length=10, choices=ORIGINS)
    symbol = models.CharField(max_length=32)
    timeframe = models.CharField(max_length=3, choices=TIMEFRAME_CHOICES)
    side = models.CharField(max_length=5, choices=SIDES)
    trigger = models.CharField(
        max_length=8, choices=[(t, t) for t in ("close", "interim", "urgent")]
    )
    issued_at = models.DateTimeField()
    entry_low = models.DecimalField(max_digits=30, decimal_places=12)
    entry_high = models.DecimalField(max_digits=30, decimal_places=12)
    reference_entry = models.DecimalField(max_digits=30, decimal_places=12)
    """Middle of the zone: one R is its distance from the stop."""
    valid_until = models.DateTimeField()
    stop = models.DecimalField(max_digits=30, decimal_places=12)
    targets = models.JSONField()
    """[{"price": text, "share": 0.4, "r": 1.0, "p": 0.58}, …], nearest first."""
    reward_risk = models.FloatField()
    expires_at = models.DateTimeField()
    confidence = models.FloatField()
    """Calibrated probability of a win, given entry."""
    p_low = models.FloatField()
    p_high = models.FloatField()
    break_even = models.FloatField()
    base_rate = models.FloatField()
    """How often random entries with the same plan win."""
    strength = models.FloatField()
    """Expected net R of the ladder, from the lower end of the interval."""
    strength_low = models.FloatField()
    strength_high = models.FloatField()
    model_version = models.CharField(max_length=64)
    reasons = models.JSONField()
    other = models.JSONField()
    invalidation = models.TextField()
    details = models.JSONField()
    """Cost assumptions, ATR, leverage bound, tick and step: what the page shows beside the plan."""
    snapshot = models.TextField()
    """The setup the builder saw, as canonical JSON: from it the signal can be recomputed."""
    hash = models.CharField(max_length=64, unique=True)
    previous_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-number"]
        indexes = [
            models.Index(fields=["origin", "-issued_at"], name="signal_by_time"),
            models.Index(fields=["origin", "symbol", "-issued_at"], name="signal_by_symbol"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(entry_low__lt=models.F("entry_high")),
                name="entry_zone_has_width",
            ),
            models.CheckConstraint(
                condition=models.Q(side="long", stop__lt=models.F("entry_low"))
                | models.Q(side="short", stop__gt=models.F("entry_high")),
                name="stop_is_on_the_losing_side",
            ),
            models.CheckConstraint(
                condition=models.Q(reward_risk__gte=1.8, reward_risk__lte=2.5),
                name="reward_risk_in_range",
            ),
            models.UniqueConstraint(
                fields=["origin", "symbol", "timeframe", "side", "issued_at"],
                name="one_signal_per_setup",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.symbol} {self.timeframe} ({self.origin})"


class SignalState(models.Model):
    """Where an issued signal stands now."""

    OPEN = ("waiting", "in_zone", "filled", "tp1", "tp2")
    SETTLED = ("won", "lost", "breakeven", "timed_out", "not_entered", "void")

    signal = models.OneToOneField(
        Signal, on_delete=models.CASCADE, primary_key=True, related_name="current"
    )
    state = models.CharField(max_length=12, choices=[(s, s) for s in OPEN + SETTLED])
    is_open = models.BooleanField(default=True)
    fill_price = models.FloatField(null=True)
    filled_at = models.DateTimeField(null=True)
    targets_hit = models.PositiveSmallIntegerField(default=0)
    running = models.JSONField(default=dict)
    """The settlement machine's own state, so that a restart goes on where it stood."""
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["is_open"], name="open_signals")]


class Settlement(models.Model):
    """How a signal ended under the published rule."""

    signal = models.OneToOneField(
        Signal, on_delete=models.CASCADE, primary_key=True, related_name="settlement"
    )
    result = models.CharField(max_length=12, choices=[(s, s) for s in SignalState.SETTLED])
    net_r = models.FloatField(null=True)
    """Result in R after fees, slippage and funding; null where nothing was entered."""
    gross_r = models.FloatField(null=True)
    closed_at = models.DateTimeField()
    rule_version = models.PositiveSmallIntegerField()
    evidence = models.JSONField()
    """The candles that decided it."""
    hash = models.CharField(max_length=64, unique=True)
    previous_hash = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["-closed_at"], name="settlement_by_time")]


class ChainEntry(models.Model):
    """One link: the canonical JSON of a signal or settlement and its predecessor's hash."""

    sequence = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=10, choices=[(k, k) for k in ("signal", "settlement")])
    signal_id = models.UUIDField()
    payload = models.TextField()
    previous_hash = models.CharField(max_length=64, unique=True)
    """Unique, so that two writers can never both follow the same link."""
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "signal_id"], name="one_link_per_event")
        ]


class RejectedSetup(models.Model):
    """Shadow ledger: a setup that a gate turned down, and what would have become of it."""

    origin = models.CharField(max_length=10, choices=ORIGINS)
    symbol = models.CharField(max_length=32)
    timeframe = models.CharField(max_length=3, choices=TIMEFRAME_CHOICES)
    side = models.CharField(max_length=5, choices=SIDES)
    at = models.DateTimeField()
    trigger = models.CharField(max_length=8)
    gate = models.CharField(max_length=32)
    """The first gate that said no."""
    p_win = models.FloatField()
    strength = models.FloatField()
    plan = models.JSONField(null=True)
    model_version = models.CharField(max_length=64)
    result = models.CharField(max_length=12, blank=True, default="")
    net_r = models.FloatField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "symbol", "timeframe", "side", "at"],
                name="one_rejection_per_setup",
            )
        ]
        indexes = [
            models.Index(fields=["origin", "symbol", "-at"], name="rejection_by_symbol"),
        ]


class OutboxEntry(models.Model):
    """A frame that must not be lost: committed with its cause, then delivered in order."""

    sequence = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=64)
    data = models.TextField()
    """The frame's `data` as JSON text."""
    at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["sequence"]
        indexes = [
            models.Index(fields=["topic", "sequence"], name="outbox_by_topic"),
            models.Index(fields=["delivered_at"], name="outbox_undelivered"),
        ]
