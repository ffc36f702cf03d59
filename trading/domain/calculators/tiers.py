"""The maintenance tiers a calculator counts with, and where they are from."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from trading.domain.venue import RiskBracket

_D = Decimal
EXAMPLE_OF: Final = "BTCUSDT"
EXAMPLE_DATE: Final = date(2026, 9, 29)
EXAMPLE_TIERS: Final = (
    RiskBracket(_D(0), _D(300_000), 150, _D("0.0040"), _D(0)),
    RiskBracket(_D(300_000), _D(800_000), 100, _D("0.0050"), _D(300)),
    RiskBracket(_D(800_000), _D(3_000_000), 75, _D("0.0065"), _D(1_500)),
    RiskBracket(_D(3_000_000), _D(12_000_000), 50, _D("0.0100"), _D(12_000)),
    RiskBracket(_D(12_000_000), _D(70_000_000), 25, _D("0.0200"), _D(132_000)),
)
"""The first five tiers of BTCUSDT on Binance, as published on `EXAMPLE_DATE`."""


@dataclass(frozen=True, slots=True)
class TierTable:
    """Filters and tiers of one symbol."""

    symbol: str
    base: str
    tick: Decimal
    step: Decimal
    min_notional: Decimal
    tiers: tuple[RiskBracket, ...]
    read_at: datetime | None
    """When the exchange told its filters; None: it has not."""
    is_example: bool
    """The tiers are those of `EXAMPLE_OF`, not this symbol's: the exchange has not told them."""

    @property
    def max_leverage(self) -> int:
        return max(tier.max_leverage for tier in self.tiers)

    @property
    def max_notional(self) -> Decimal:
        return self.tiers[-1].cap


def example_table(symbol: str, base: str) -> TierTable:
    """Return the stated example, for a symbol of which nothing is known."""
    return TierTable(
        symbol=symbol,
        base=base,
        tick=_D("0.01"),
        step=_D("0.001"),
        min_notional=_D(5),
        tiers=EXAMPLE_TIERS,
        read_at=None,
        is_example=True,
    )
