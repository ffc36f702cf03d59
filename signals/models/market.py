"""Market rows. Times are the exchange's integer milliseconds, prices float64 as in the arrays."""

from django.db import models

from cryptosystems.kernel.origin import Origin
from cryptosystems.kernel.timeframes import Timeframe

ORIGINS = [(origin.value, origin.value) for origin in Origin]
TIMEFRAME_CHOICES = [(timeframe.value, timeframe.value) for timeframe in Timeframe]


class Instrument(models.Model):
    """A contract as the exchange last described it, for one origin."""

    origin = models.CharField(max_length=10, choices=ORIGINS)
    symbol = models.CharField(max_length=32)
    base_asset = models.CharField(max_length=24)
    tick_size = models.DecimalField(max_digits=30, decimal_places=12)
    step_size = models.DecimalField(max_digits=30, decimal_places=12)
    min_notional = models.DecimalField(max_digits=30, decimal_places=8)
    brackets = models.JSONField()
    """[[floor, cap, max leverage, maintenance rate, maintenance amount], …]"""
    funding_interval_hours = models.PositiveSmallIntegerField(default=8)
    is_trading = models.BooleanField(default=True)
    shift_ms = models.BigIntegerField(default=0)
    """Replay only: how far the recorded times were moved, in whole weeks."""
    rank = models.PositiveIntegerField(default=0)
    """Place by 24 h volume when the universe was last read; 0 is the largest."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["origin", "symbol"], name="one_instrument_per_origin")
        ]
        ordering = ["origin", "rank"]

    def __str__(self) -> str:
        return f"{self.symbol} ({self.origin})"


class Candle(models.Model):
    """A closed candle, stored once and never changed; `is_gap` marks a hole no source could fill."""

    pk = models.CompositePrimaryKey("origin", "timeframe", "symbol", "open_ms")
    origin = models.CharField(max_length=10, choices=ORIGINS)
    timeframe = models.CharField(max_length=3, choices=TIMEFRAME_CHOICES)
    symbol = models.CharField(max_length=32)
    open_ms = models.BigIntegerField()
    open = models.FloatField(null=True)
    high = models.FloatField(null=True)
    low = models.FloatField(null=True)
    close = models.FloatField(null=True)
    volume = models.FloatField(null=True)
    quote_volume = models.FloatField(null=True)
    taker_buy_volume = models.FloatField(null=True)
    n_trades = models.FloatField(null=True)
    is_gap = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_gap=True)
                | models.Q(high__gte=models.F("low"), close__isnull=False),
                name="candle_is_whole_or_a_gap",
            )
        ]


class CandleCorrection(models.Model):
    """The exchange gave another value for a candle that was closed: kept beside it, with an alarm."""

    origin = models.CharField(max_length=10, choices=ORIGINS)
    timeframe = models.CharField(max_length=3, choices=TIMEFRAME_CHOICES)
    symbol = models.CharField(max_length=32)
    open_ms = models.BigIntegerField()
    values = models.JSONField()
    seen_at = models.DateTimeField()


class ReportedLiquidation(models.Model):
    """A forced order as the exchange reported it: a lower bound of what was liquidated."""

    origin = models.CharField(max_length=10, choices=ORIGINS)
    symbol = models.CharField(max_length=32)
    at_ms = models.BigIntegerField()
    side = models.CharField(max_length=5)
    """Side of the closed position."""
    price = models.FloatField()
    quantity = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "symbol", "at_ms", "side"], name="one_liquidation_per_instant"
            )
        ]
        indexes = [models.Index(fields=["origin", "symbol", "at_ms"], name="liquidation_by_time")]
