"""Limits in money, in plain sentences: what a setting would mean for this account."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.domain.limits import MOST_RISK_PERCENT, BotLimits

_STREAK: Final = 10
_CENT: Final = Decimal("0.01")
_KEPT: Final = Decimal("0.0055")
"""Maintenance margin of the large symbols and the fee in, fractions: what liquidation comes earlier by."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Figures in USDT, and the sentences that carry them."""

    equity: Decimal
    risk_percent: Decimal
    """What will be used: the smallest of the person's, the ladder's and the product's."""
    risk_amount: Decimal
    ten_losses_percent: Decimal
    daily_stop: Decimal
    liquidation_percent: Decimal
    """How far from the entry the nearest liquidation lies, at the largest leverage."""
    sentences: tuple[str, ...]


def preview(
    limits: BotLimits, equity: Decimal, cap_percent: Decimal, *, lost_today: Decimal, n_open: int
) -> Preview:
    """Return what these limits mean with this equity."""
    percent = min(limits.risk_percent, cap_percent, MOST_RISK_PERCENT)
    risk = (equity * percent / 100).quantize(_CENT)
    kept = (1 - percent / 100) ** _STREAK
    ten = ((1 - kept) * 100).quantize(Decimal("0.1"))
    daily = (equity * limits.daily_loss_percent / 100).quantize(_CENT)
    left = max(Decimal(0), daily - max(Decimal(0), lost_today)).quantize(_CENT)
    nearest = ((Decimal(1) / limits.max_leverage - _KEPT) * 100).quantize(Decimal("0.1"))
    sentences = [
        f"With {equity:,.2f} USDT and {percent} % you risk {risk:,.2f} USDT a trade, plus fees.",
        f"{_STREAK} losses in a row would cost about {ten} % of the account.",
        f"New entries stop today after a loss of {daily:,.2f} USDT; {left:,.2f} USDT are left "
        "until then.",
        f"No position is larger than {limits.max_notional:,.2f} USDT.",
        f"At your largest leverage, {limits.max_leverage}x, the nearest liquidation lies about "
        f"{nearest} % from the entry. A stop reaches at most half as far, or less leverage is used.",
        f"{n_open} of at most {limits.max_positions} positions are open.",
    ]
    if percent < limits.risk_percent:
        sentences.insert(
            1, f"You asked for {limits.risk_percent} %; your cap of {percent} % counts."
        )
    return Preview(equity, percent, risk, ten, daily, nearest, tuple(sentences))
