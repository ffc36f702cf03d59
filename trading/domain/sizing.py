"""How much: from the money at risk and the distance of the stop, within every limit."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from cryptosystems.kernel.decimals import round_to_step
from cryptosystems.kernel.instruments import Side
from trading.domain.denied import Denied
from trading.domain.margin import liquidation_price, most_notional
from trading.domain.venue import TradingRules

TAKER: Final = Decimal("0.0005")
MARGIN_SHARE: Final = Decimal("0.90")
"""Of what is available; the rest carries fees and the price's way to the fill."""
STOP_SHARE: Final = Decimal("0.50")
"""The stop lies within this share of the way to liquidation."""


@dataclass(frozen=True, slots=True)
class Size:
    """A quantity that every limit allows, and the leverage it is held at."""

    quantity: Decimal
    leverage: int
    liquidation: Decimal


def size_of(
    *,
    side: Side,
    entry: Decimal,
    stop: Decimal,
    risk: Decimal,
    available: Decimal,
    max_notional: Decimal,
    max_leverage: int,
    rules: TradingRules,
    share: Decimal | None = None,
) -> Size | Denied:
    """Return the largest size that risks at most `risk` USDT, or why there is none.

    The leverage is the smallest whole number whose margin fits into `share` (what one of the
    account's positions may take; None: all that is available), so that the first trade leaves room
    for the others. It changes nothing about the risk, and keeps liquidation far away. Where the
    stop would lie beyond half the way to liquidation, the size shrinks until a smaller leverage
    carries it.
    """
    # What opens as one limit order has to close as one market order when its stop fires.
    most = min(rules.max_quantity, rules.market_max_quantity)
    wanted = min(risk / abs(entry - stop), max_notional / entry, most)
    margin = available * MARGIN_SHARE
    if margin <= 0:
        return Denied("no_margin", "Nothing is available on the account for a new position.")
    whole = round_to_step(wanted, rules.step)
    if whole < rules.min_quantity or whole * entry < rules.min_notional:
        return _too_small(wanted * entry, entry, rules, risk)
    ceiling = min(max_leverage, max((b.max_leverage for b in rules.brackets), default=1))
    found: Size | None = None
    fair = margin if share is None else min(margin, share * MARGIN_SHARE)
    for leverage in range(_least_leverage(wanted * entry, fair, ceiling), 0, -1):
        carried = min(wanted, margin * leverage / entry)
        carried = min(carried, most_notional(rules.brackets, leverage) / entry)
        quantity = round_to_step(carried, rules.step)
        if quantity <= 0:
            break
        price = liquidation_at(side, entry, quantity, leverage, rules)
        if stop_is_safe(entry, stop, price):
            found = Size(quantity, leverage, price)
            break
    if found is None:
        return Denied(
            "liquidation_too_near",
            "At no leverage would the stop lie within half the way to liquidation.",
        )
    return _large_enough(found, entry, rules, risk)


def _least_leverage(notional: Decimal, margin: Decimal, ceiling: int) -> int:
    if margin <= 0:
        return ceiling
    needed = (notional / margin).to_integral_value(ROUND_CEILING)
    return max(1, min(ceiling, int(needed)))


def liquidation_at(
    side: Side, entry: Decimal, quantity: Decimal, leverage: int, rules: TradingRules
) -> Decimal:
    """Return the liquidation price of an isolated position, its opening fee paid."""
    notional = quantity * entry
    wallet = notional / leverage - notional * TAKER
    return liquidation_price(rules.brackets, side.sign * quantity, entry, wallet)


def stop_is_safe(entry: Decimal, stop: Decimal, liquidation: Decimal) -> bool:
    """Say whether the stop lies within half the way from entry to liquidation."""
    return abs(entry - stop) <= STOP_SHARE * abs(entry - liquidation)


def _large_enough(size: Size, entry: Decimal, rules: TradingRules, risk: Decimal) -> Size | Denied:
    notional = size.quantity * entry
    if size.quantity < rules.min_quantity or notional < rules.min_notional:
        return _too_small(notional, entry, rules, risk)
    return size


def _too_small(notional: Decimal, entry: Decimal, rules: TradingRules, risk: Decimal) -> Denied:
    least = max(rules.min_notional, rules.min_quantity * entry)
    return Denied(
        "too_small",
        f"{risk:.2f} USDT of risk make a position of {notional:.2f} USDT here; the exchange takes "
        f"none below {least:.2f} USDT.",
    )
