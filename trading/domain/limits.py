"""A person's limits, as numbers: the bot may do less than this, never more."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cryptosystems.kernel.instruments import Side

MOST_RISK_PERCENT: Final = Decimal("1.00")
MOST_HEAT_PERCENT: Final = Decimal("2.00")
"""Open risk of all positions together."""
MOST_LEVERAGE: Final = 20


@dataclass(frozen=True, slots=True)
class BotLimits:
    """How the bot of one account is set; percentages of the account's equity."""

    risk_percent: Decimal = Decimal("0.50")
    max_positions: int = 3
    max_leverage: int = 5
    max_trades_day: int = 10
    max_notional: Decimal = Decimal(5000)
    """Largest position, USDT."""
    daily_loss_percent: Decimal = Decimal(2)
    drawdown_percent: Decimal = Decimal(10)
    pause_after_stops: int = 3
    """Losing trades in a row; 0: never."""
    min_confidence: float = 0.0
    sides: str = "both"
    only_symbols: tuple[str, ...] = ()
    not_symbols: tuple[str, ...] = ()
    timeframes: tuple[str, ...] = ()
    is_trailing: bool = False

    def takes_side(self, side: Side) -> bool:
        return self.sides in ("both", side.value)

    def takes_symbol(self, symbol: str) -> bool:
        if self.only_symbols and symbol not in self.only_symbols:
            return False
        return symbol not in self.not_symbols
