"""Orders that we meant to send, what became of them, and what they filled."""

import uuid
from decimal import Decimal
from typing import ClassVar

from django.db import models

from cryptosystems.platform.tenancy import TenantModel
from trading.domain.fees import STABLE
from trading.domain.orders import Leg, OrderState
from trading.models.accounts import TradingAccount
from trading.models.trades import Trade


class TradeOrder(TenantModel):
    """One leg's attempt. It stands, committed, before a byte leaves."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    trade = models.ForeignKey(Trade, on_delete=models.CASCADE, related_name="orders")
    leg = models.CharField(max_length=6, choices=[(leg.value, leg.value) for leg in Leg])
    attempt = models.PositiveSmallIntegerField(default=1)
    client_id = models.CharField(max_length=36, unique=True)
    service = models.CharField(max_length=5, choices=[("order", "order"), ("algo", "algo")])
    request = models.JSONField()
    """`OrderRequest` with numbers as text: exactly what is sent."""
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in OrderState], default="prepared"
    )
    exchange_id = models.CharField(max_length=64, blank=True, default="")
    actual_order_id = models.CharField(max_length=64, blank=True, default="")
    quantity = models.DecimalField(max_digits=30, decimal_places=12, null=True)
    filled = models.DecimalField(max_digits=30, decimal_places=12, default=Decimal(0))
    average_price = models.DecimalField(max_digits=30, decimal_places=12, null=True)
    outcome = models.CharField(max_length=10, blank=True, default="")
    code = models.IntegerField(null=True)
    message = models.TextField(blank=True, default="")
    epoch = models.BigIntegerField(default=0)
    """Of the lane's lease under which it was sent."""
    asked = models.PositiveSmallIntegerField(default=0)
    """Times that we asked what became of it."""
    not_found = models.PositiveSmallIntegerField(default=0)
    seen_at = models.DateTimeField(null=True)
    """When a query or an event last showed it resting as it should."""
    cancel_asked_at = models.DateTimeField(null=True)
    prepared_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["prepared_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["trade", "leg", "attempt"], name="one_order_an_attempt"
            ),
            models.UniqueConstraint(
                fields=["trade"], condition=models.Q(leg="entry"), name="one_entry_a_trade"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state"], name="order_by_state"),
            models.Index(fields=["exchange_id"], name="order_by_exchange_id"),
        ]


class Fill(TenantModel):
    """One execution at the exchange, booked once."""

    account = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="fills")
    trade = models.ForeignKey(Trade, on_delete=models.CASCADE, null=True, related_name="fills")
    """Null: it belongs to nothing of ours; kept and shown, never dropped."""
    leg = models.CharField(
        max_length=6,
        blank=True,
        default="",
        choices=[("", "none"), *((leg.value, leg.value) for leg in Leg)],
    )
    symbol = models.CharField(max_length=32)
    exchange_trade_id = models.CharField(max_length=64)
    exchange_order_id = models.CharField(max_length=64)
    client_id = models.CharField(max_length=64, blank=True, default="")
    order_side = models.CharField(max_length=4, choices=[("BUY", "BUY"), ("SELL", "SELL")])
    price = models.DecimalField(max_digits=30, decimal_places=12)
    quantity = models.DecimalField(max_digits=30, decimal_places=12)
    fee = models.DecimalField(max_digits=24, decimal_places=8)
    fee_asset = models.CharField(max_length=16)
    fee_converted = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    """USDT that a fee in another coin was worth when it was paid; null: no such fee, or not known."""
    realised = models.DecimalField(max_digits=24, decimal_places=8)
    is_maker = models.BooleanField()
    reason = models.CharField(max_length=12, blank=True, default="")
    """autoclose, adl, settlement, manual; empty: our own order."""
    at = models.DateTimeField()

    @property
    def fee_usdt(self) -> Decimal | None:
        """Return the fee in USDT; None while what its coin was worth is not known."""
        return self.fee if self.fee_asset in STABLE else self.fee_converted

    class Meta:
        ordering: ClassVar[list[str]] = ["at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "symbol", "exchange_trade_id"], name="one_row_a_fill"
            )
        ]


class CashFlowRow(TenantModel):
    """One line of the exchange's income list."""

    account = models.ForeignKey(TradingAccount, on_delete=models.CASCADE, related_name="cash")
    trade = models.ForeignKey(Trade, on_delete=models.CASCADE, null=True, related_name="cash")
    exchange_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=32)
    symbol = models.CharField(max_length=32, blank=True, default="")
    amount = models.DecimalField(max_digits=24, decimal_places=8)
    asset = models.CharField(max_length=16)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "kind", "exchange_id"], name="one_row_a_cash_flow"
            )
        ]
