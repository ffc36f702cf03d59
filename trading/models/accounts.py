"""Accounts at exchanges, their keys, and how the bot of each is set."""

import uuid
from decimal import Decimal
from typing import ClassVar

from django.db import models

from cryptosystems.platform.tenancy import TenantModel
from trading.contracts import AccountState, BotMode, Venue

VENUES = [(venue.value, venue.value) for venue in Venue]


class TradingAccount(TenantModel):
    """One account at one venue. The secret in it opens only in the executor."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    venue = models.CharField(max_length=10, choices=VENUES)
    label = models.CharField(max_length=60)
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in AccountState], default="draft"
    )
    code = models.CharField(max_length=40, blank=True, default="")
    sentence = models.TextField(blank=True, default="")
    key_kind = models.CharField(
        max_length=8,
        blank=True,
        default="",
        choices=[("", "none"), ("ed25519", "ed25519"), ("hmac", "hmac")],
    )
    api_key = models.CharField(max_length=128, blank=True, default="")
    """The exchange's name of the key. Not a secret, yet shown by its tail only."""
    public_key = models.TextField(blank=True, default="")
    sealed_secret = models.TextField(blank=True, default="")
    """PKCS #8 of Ed25519, or the HMAC secret, sealed to user, record and field."""
    uid_index = models.CharField(max_length=64, blank=True, default="")
    """Keyed hash of the exchange's uid: one exchange account belongs to one tenant. Held from the
    first connection until the key is revoked, whatever the state."""
    rights = models.JSONField(default=dict)
    is_ip_restricted = models.BooleanField(null=True)
    key_expires_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(venue="paper"),
                name="one_paper_account_a_user",
            ),
            models.UniqueConstraint(
                fields=["venue", "uid_index"],
                condition=~models.Q(uid_index=""),
                name="one_tenant_an_exchange_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.label}"


class KeyCheck(TenantModel):
    """One line of the permission test; the executor writes what it found."""

    account = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="checks")
    name = models.CharField(max_length=20)
    state = models.CharField(
        max_length=8,
        choices=[(s, s) for s in ("not_run", "running", "passed", "failed")],
        default="not_run",
    )
    code = models.CharField(max_length=40, blank=True, default="")
    sentence = models.TextField(blank=True, default="")
    took_ms = models.PositiveIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "name"], name="one_line_a_check")
        ]


class SecretOpening(models.Model):
    """The ledger of every secret that was opened: by which process, for what. Never deleted."""

    at = models.DateTimeField()
    account_id = models.UUIDField()
    user_id = models.UUIDField()
    process = models.CharField(max_length=64)
    purpose = models.CharField(max_length=24)
    """sign, rotate or check"""

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar = [models.Index(fields=["account_id", "at"], name="opening_by_account")]


class BotSettings(TenantModel):
    """How the bot of one account is set. The bot may do less than this, never more."""

    account = models.OneToOneField(
        TradingAccount, on_delete=models.CASCADE, related_name="bot", primary_key=True
    )
    mode = models.CharField(
        max_length=10, choices=[(m.value, m.value) for m in BotMode], default="off"
    )
    is_automatic = models.BooleanField(default=False)
    """The bot takes signals by itself; paper trades by hand need no bot."""
    risk_percent = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal("0.50"))
    max_positions = models.PositiveSmallIntegerField(default=3)
    max_leverage = models.PositiveSmallIntegerField(default=5)
    max_trades_day = models.PositiveSmallIntegerField(default=10)
    max_notional = models.DecimalField(max_digits=14, decimal_places=2, default=Decimal("5000"))
    """Largest position, USDT: what a thief could open with one order, too."""
    daily_loss_percent = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal("2"))
    drawdown_percent = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal("10"))
    pause_after_stops = models.PositiveSmallIntegerField(default=3)
    on_daily_loss = models.CharField(
        max_length=8, choices=[("hold", "hold"), ("flatten", "flatten")], default="hold"
    )
    is_approved_by_hand = models.BooleanField(default=False)
    offer_s = models.PositiveSmallIntegerField(default=90)
    min_confidence = models.FloatField(default=0.0)
    """0..1"""
    sides = models.CharField(
        max_length=5,
        choices=[("both", "both"), ("long", "long"), ("short", "short")],
        default="both",
    )
    only_symbols = models.JSONField(default=list)
    """Empty: every symbol but those of `not_symbols`."""
    not_symbols = models.JSONField(default=list)
    timeframes = models.JSONField(default=list)
    """Empty: all."""
    is_trailing = models.BooleanField(default=False)
    """After TP2 the stop follows the price at 1 R."""
    paused_until = models.DateTimeField(null=True)
    pause_code = models.CharField(max_length=40, blank=True, default="")
    """daily_loss, drawdown, losing_streak, …; a drawdown pause ends only by hand."""
    pause_sentence = models.TextField(blank=True, default="")
    peak_equity = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    """Highest equity since the last reset, for the drawdown breaker."""
    equity = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    """As the executor last read it; USDT."""
    unrealised = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0))
    """Open result of the account, as read with the equity; USDT."""
    equity_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
