"""The tiers a calculator counts with: the running exchange's, else a stated example."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.core.cache import cache

from trading.contracts import Venue
from trading.domain.calculators.tiers import EXAMPLE_TIERS, TierTable, example_table
from trading.domain.venue import RiskBracket

_MARKETS: Final = {
    "simulated": Venue.SIMULATED,
    "replay": Venue.SIMULATED,
    "binance": Venue.BINANCE,
    "demo": Venue.DEMO,
}


def market_venue() -> Venue:
    """Return the venue whose prices the product shows, and paper accounts trade at."""
    return _MARKETS[settings.MARKET]


def key_of(venue: Venue, symbol: str) -> str:
    """Return where the table of a symbol lies."""
    return f"tiers:{venue.value}:{symbol}"


def tier_table(venue: Venue, symbol: str) -> TierTable:
    """Return what the executor last read of a symbol; the example where it has read nothing."""
    row = cache.get(key_of(venue, symbol))
    if row is None:
        return example_table(symbol, symbol.removesuffix("USDT"))
    tiers = EXAMPLE_TIERS if row["tiers"] is None else tuple(_tier(*each) for each in row["tiers"])
    return TierTable(
        symbol=symbol,
        base=row["base"],
        tick=Decimal(row["tick"]),
        step=Decimal(row["step"]),
        min_notional=Decimal(row["min_notional"]),
        tiers=tiers,
        read_at=datetime.fromisoformat(row["read_at"]),
        is_example=row["tiers"] is None,
    )


def _tier(floor: str, cap: str, leverage: int, rate: str, amount: str) -> RiskBracket:
    return RiskBracket(Decimal(floor), Decimal(cap), leverage, Decimal(rate), Decimal(amount))
