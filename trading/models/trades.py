"""What we do about a signal on one account, and the journal of it."""

import uuid
from decimal import Decimal
from typing import ClassVar

from django.db import models

from cryptosystems.platform.tenancy import TenantModel
from trading.contracts import TradeState
from trading.models.accounts import VENUES, TradingAccount

ZERO = Decimal(0)


class Trade(TenantModel):
    """One signal on one account: at most one row, at most one entry."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="trades")
    signal_id = models.UUIDField()
    signal_number = models.BigIntegerField()
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=5, choices=[("long", "long"), ("short", "short")])
    timeframe = models.CharField(max_length=3)
    confidence = models.FloatField()
    model_version = models.CharField(max_length=64)
    origin = models.CharField(max_length=10)
    """Of the signal."""
    venue = models.CharField(max_length=10, choices=VENUES)
    """Of the account, kept with the row: a paper trade stays one."""
    how = models.CharField(max_length=7, choices=[("bot", "bot"), ("by_hand", "by_hand")])
    state = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in TradeState], default="chosen"
    )
    reason = models.CharField(max_length=40, blank=True, default="")
    """Why skipped, not entered, or how it ended: stop, break_even, targets, time, by_hand, …"""
    sentence = models.TextField(blank=True, default="")
    signal = models.JSONField(default=dict)
    """The signal as it was taken (door shape): an edit of it moves nothing here."""
    plan = models.JSONField(default=dict)
    """`TradePlan` with numbers as text; empty before it was planned."""
    max_quantity = models.DecimalField(max_digits=30, decimal_places=12, default=ZERO)
    """Of the plan: our close never takes more than we opened."""
    stop_price = models.DecimalField(max_digits=30, decimal_places=12, null=True)
    """Where the stop belongs now."""
    stop_level = models.CharField(max_length=12, blank=True, default="initial")
    stop_seen_at = models.DateTimeField(null=True)
    """When the exchange last confirmed a stop that covers the position."""
    stop_seen_id = models.CharField(max_length=64, blank=True, default="")
    naked_since = models.DateTimeField(null=True)
    """Since when a position is open without a confirmed stop."""
    longest_naked_ms = models.BigIntegerField(default=0)
    close_since = models.DateTimeField(null=True)
    close_tries = models.PositiveIntegerField(default=0)
    entry_price = models.DecimalField(max_digits=30, decimal_places=12, null=True)
    """Average of the entry's fills."""
    exit_price = models.DecimalField(max_digits=30, decimal_places=12, null=True)
    filled = models.DecimalField(max_digits=30, decimal_places=12, default=ZERO)
    """Entered, base."""
    open_quantity = models.DecimalField(max_digits=30, decimal_places=12, default=ZERO)
    """Still open by our fills, base, ≥ 0."""
    targets_hit = models.PositiveSmallIntegerField(default=0)
    realised = models.DecimalField(max_digits=24, decimal_places=8, default=ZERO)
    """USDT, before fees and funding."""
    fees = models.DecimalField(max_digits=24, decimal_places=8, default=ZERO)
    """USDT, paid (positive)."""
    funding = models.DecimalField(max_digits=24, decimal_places=8, default=ZERO)
    """USDT, received (positive) or paid (negative)."""
    risk_amount = models.DecimalField(max_digits=24, decimal_places=8, default=ZERO)
    """USDT lost if the planned stop is hit: one R of this trade."""
    note = models.TextField(blank=True, default="")
    failures = models.PositiveSmallIntegerField(default=0)
    """Times in a row that our own code raised on it."""
    offer_until = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    close_asked_at = models.DateTimeField(null=True)
    """The person asked to close it by hand."""
    decided_at = models.DateTimeField()
    """When the row was made."""
    sent_at = models.DateTimeField(null=True)
    """When the entry left."""
    opened_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-decided_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "signal_id"], name="one_trade_a_signal_and_account"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state"], name="trade_by_state"),
            models.Index(fields=["account", "-decided_at"], name="trade_by_account"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.symbol} ({self.venue}, {self.state})"


class JournalEntry(TenantModel):
    """One thing that happened: append-only, without secrets. A trade can be told from it."""

    account = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="journal")
    trade_id = models.UUIDField(null=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    """Stable: planned, skipped, prepared, submitting, accepted, unknown, fill, stop_seen, …"""
    sentence = models.TextField(blank=True, default="")
    details = models.JSONField(default=dict)
    actor = models.CharField(max_length=12, default="executor")
    """executor, user, staff or exchange"""
    release = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["trade_id", "id"], name="journal_by_trade"),
            models.Index(fields=["account", "kind", "-at"], name="journal_by_kind"),
        ]
