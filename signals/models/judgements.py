"""What the engine thought of a symbol at a moment, kept so that the past can be asked about."""

from django.db import models

from signals.models.market import ORIGINS, TIMEFRAME_CHOICES


class Judgement(models.Model):
    """Chance, factors and gates of one symbol and timeframe as they stood; written once."""

    pk = models.CompositePrimaryKey("origin", "timeframe", "symbol", "at_ms")
    origin = models.CharField(max_length=10, choices=ORIGINS)
    timeframe = models.CharField(max_length=3, choices=TIMEFRAME_CHOICES)
    symbol = models.CharField(max_length=32)
    at_ms = models.BigIntegerField()
    is_close = models.BooleanField()
    """The first after a candle's close: kept longer than those between closes."""
    p_win = models.FloatField()
    body = models.BinaryField()
    """Compressed; `store.judgements` reads and writes it."""
