"""From a signal to the exact orders of one account, or to the reason why not."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from cryptosystems.kernel.decimals import Rounding, plain, round_to_step, round_to_tick
from cryptosystems.kernel.instruments import Side
from signals.contracts import TradableSignal
from trading.domain.denied import Denied
from trading.domain.limits import MOST_HEAT_PERCENT, MOST_RISK_PERCENT, BotLimits
from trading.domain.sizing import size_of
from trading.domain.venue import Quote, TradingRules, VenueAccount

HUNDRED: Final = Decimal(100)
LEAVES_ATR: Final = Decimal("0.5")
"""The price has left the zone when it stands this far from it, in ATR."""

__all__ = ["Denied", "PlannedTarget", "TradePlan", "make_plan"]


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """One take-profit."""

    price: Decimal
    quantity: Decimal
    r: Decimal
    """Distance from the entry in units of the stop's."""


@dataclass(frozen=True, slots=True)
class TradePlan:
    """Everything a trade needs to be carried out without asking the signal again."""

    symbol: str
    side: Side
    entry_low: Decimal
    entry_high: Decimal
    entry_price: Decimal
    """The limit of the entry order: the zone's edge farthest from the stop."""
    valid_until_ms: int
    expires_ms: int
    stop: Decimal
    targets: tuple[PlannedTarget, ...]
    quantity: Decimal
    leverage: int
    risk_amount: Decimal
    """USDT lost at the stop, before fees: one R."""
    r_distance: Decimal
    notional: Decimal
    liquidation_price: Decimal
    equity: Decimal
    reference: Decimal
    """Mark price when it was planned."""
    atr: Decimal
    tick: Decimal
    step: Decimal
    is_trailing: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it: numbers as text."""
        numbers = {name: plain(getattr(self, name)) for name in _NUMBERS}
        targets = [
            {"price": plain(t.price), "quantity": plain(t.quantity), "r": plain(t.r)}
            for t in self.targets
        ]
        return {
            "symbol": self.symbol,
            "side": self.side.value,
            "valid_until_ms": self.valid_until_ms,
            "expires_ms": self.expires_ms,
            "leverage": self.leverage,
            "is_trailing": self.is_trailing,
            "targets": targets,
            **numbers,
        }

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Self:
        """Return the plan of such a dict."""
        numbers = {name: Decimal(held[name]) for name in _NUMBERS}
        targets = tuple(
            PlannedTarget(Decimal(t["price"]), Decimal(t["quantity"]), Decimal(t["r"]))
            for t in held["targets"]
        )
        return cls(
            symbol=held["symbol"],
            side=Side(held["side"]),
            valid_until_ms=held["valid_until_ms"],
            expires_ms=held["expires_ms"],
            leverage=held["leverage"],
            is_trailing=held["is_trailing"],
            targets=targets,
            **numbers,
        )


_NUMBERS: Final = (
    "entry_low",
    "entry_high",
    "entry_price",
    "stop",
    "quantity",
    "risk_amount",
    "r_distance",
    "notional",
    "liquidation_price",
    "equity",
    "reference",
    "atr",
    "tick",
    "step",
)


def make_plan(
    signal: TradableSignal,
    limits: BotLimits,
    account: VenueAccount,
    rules: TradingRules,
    quote: Quote,
    now_ms: int,
    *,
    cap_percent: Decimal,
    open_risk: Decimal = Decimal(0),
) -> TradePlan | Denied:
    """Return the plan of a signal on one account, or why it is not taken.

    Parameters
    ----------
    cap_percent : what the ladder allows this account to risk, per cent
    open_risk : USDT at risk in what is open or being entered; positions that move together are
        counted as if they were one, so nothing is taken off for diversification
    """
    refusal = timeliness(signal, rules, quote, now_ms)
    if refusal is not None:
        return refusal
    entry, stop = _rounded(signal, rules)
    refusal = _prices(signal, entry, stop, rules, quote)
    if refusal is not None:
        return refusal
    equity = account.margin_balance
    risk = _risk(limits, equity, cap_percent, open_risk)
    if isinstance(risk, Denied):
        return risk
    size = size_of(
        side=signal.side,
        entry=entry,
        stop=stop,
        risk=risk,
        available=account.available,
        max_notional=limits.max_notional,
        max_leverage=limits.max_leverage,
        rules=rules,
        share=equity / max(1, limits.max_positions),
    )
    if isinstance(size, Denied):
        return size
    distance = abs(entry - stop)
    targets = _targets(signal, size.quantity, entry, distance, rules)
    if not targets:
        return Denied(
            "no_target",
            f"In steps of {plain(rules.tick)} no target of {signal.symbol} lies beyond the entry.",
        )
    return TradePlan(
        symbol=signal.symbol,
        side=signal.side,
        entry_low=signal.entry_low,
        entry_high=signal.entry_high,
        entry_price=entry,
        valid_until_ms=signal.valid_until_ms,
        expires_ms=signal.expires_ms,
        stop=stop,
        targets=targets,
        quantity=size.quantity,
        leverage=size.leverage,
        risk_amount=size.quantity * distance,
        r_distance=distance,
        notional=size.quantity * entry,
        liquidation_price=round_to_tick(size.liquidation, rules.tick),
        equity=equity,
        reference=quote.mark,
        atr=signal.atr,
        tick=rules.tick,
        step=rules.step,
        is_trailing=limits.is_trailing,
    )


def _rounded(signal: TradableSignal, rules: TradingRules) -> tuple[Decimal, Decimal]:
    """Return entry and stop on the tick: the stop away from the price, the entry never dearer."""
    away: Rounding = "down" if signal.side is Side.LONG else "up"
    edge = signal.entry_high if signal.side is Side.LONG else signal.entry_low
    return round_to_tick(edge, rules.tick, away), round_to_tick(signal.stop, rules.tick, away)


def _risk(
    limits: BotLimits, equity: Decimal, cap_percent: Decimal, open_risk: Decimal
) -> Decimal | Denied:
    """Return the USDT this trade may lose at its stop, within what all together may."""
    percent = min(limits.risk_percent, cap_percent, MOST_RISK_PERCENT)
    risk = min(equity * percent / HUNDRED, equity * MOST_HEAT_PERCENT / HUNDRED - open_risk)
    if risk > 0:
        return risk
    return Denied(
        "heat",
        f"Open positions already risk {open_risk:.2f} USDT; together they may risk "
        f"{MOST_HEAT_PERCENT} % of the account.",
    )


def timeliness(
    signal: TradableSignal, rules: TradingRules, quote: Quote, now_ms: int
) -> Denied | None:
    """Say why a signal is not entered any more; None while it may be."""
    if now_ms >= signal.valid_until_ms:
        return Denied("too_late", "The signal's entry time was over before it could be entered.")
    if not signal.is_open:
        return Denied("settled", "The signal was settled before it could be entered.")
    if not rules.is_trading:
        return Denied("not_trading", f"{signal.symbol} does not trade at the exchange now.")
    if is_outside(signal.side, signal.entry_low, signal.entry_high, signal.atr, quote.mark):
        return Denied(
            "outside_zone",
            f"The price ({plain(quote.mark.normalize())}) had left the entry zone "
            f"{plain(signal.entry_low.normalize())} to {plain(signal.entry_high.normalize())}; "
            "it is not chased.",
        )
    return None


def is_outside(side: Side, low: Decimal, high: Decimal, atr: Decimal, mark: Decimal) -> bool:
    """Say whether the price has left an entry zone: fallen through it, or run from it."""
    room = atr * LEAVES_ATR
    if side is Side.LONG:
        return mark < low or mark > high + room
    return mark > high or mark < low - room


def _prices(
    signal: TradableSignal, entry: Decimal, stop: Decimal, rules: TradingRules, quote: Quote
) -> Denied | None:
    """Say what is wrong with the rounded prices; None where an exchange takes them."""
    if (entry - stop) * signal.side.sign <= 0 or stop <= 0:
        return Denied(
            "stop_side", f"The stop {plain(stop)} lies on the wrong side of {plain(entry)}."
        )
    is_long = signal.side is Side.LONG
    edge = quote.mark * (rules.price_up if is_long else rules.price_down)
    if entry > edge if is_long else entry < edge:
        return Denied(
            "price_band",
            f"The exchange takes no order at {plain(entry)} while the price is "
            f"{plain(quote.mark.normalize())}.",
        )
    return None


def _targets(
    signal: TradableSignal,
    quantity: Decimal,
    entry: Decimal,
    distance: Decimal,
    rules: TradingRules,
) -> tuple[PlannedTarget, ...]:
    """Share the position out; what rounding leaves lies on the last, and none is below a lot.

    A target that a coarse tick puts at the entry, or before it, pays nothing: it is left out.
    """
    is_long = signal.side is Side.LONG
    rounded = (
        (round_to_tick(raw, rules.tick, "down" if is_long else "up"), share)
        for raw, share in signal.targets
    )
    beyond = [(price, share) for price, share in rounded if (price - entry) * signal.side.sign > 0]
    left, made = quantity, []
    for number, (price, share) in enumerate(beyond, 1):
        is_last = number == len(beyond)
        part = left if is_last else min(left, round_to_step(quantity * share, rules.step))
        if part < rules.min_quantity:
            continue
        r = ((price - entry) * signal.side.sign / distance).quantize(Decimal("0.001"))
        made.append(PlannedTarget(price, part, r))
        left -= part
    return tuple(made)
