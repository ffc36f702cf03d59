"""The exchange side of a paper account: what Binance would hold, we hold in a row."""

from typing import ClassVar

from django.db import models

from cryptosystems.platform.tenancy import TenantModel
from trading.models.accounts import TradingAccount


class PaperBook(TenantModel):
    """Wallet, positions and resting orders of one paper account, as the matching wrote them."""

    account = models.OneToOneField(
        TradingAccount, on_delete=models.CASCADE, related_name="paper", primary_key=True
    )
    book = models.JSONField(default=dict)
    version = models.BigIntegerField(default=0)
    """Rises with each write; a writer that saw an older one writes nothing."""
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name: ClassVar[str] = "paper book"
