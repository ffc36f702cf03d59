"""The rules that may say no to an entry: small, pure, one reason each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from cryptosystems.kernel.instruments import Side
from trading.contracts import AccountState, BotMode, StopMode
from trading.domain.denied import Denied
from trading.domain.limits import BotLimits

REST: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Candidate:
    """The trade that would be entered."""

    symbol: str
    side: Side
    timeframe: str
    confidence: float
    by_hand: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything the rules look at, read in one transaction."""

    now: datetime
    account_state: AccountState
    is_paper: bool
    mode: BotMode
    is_automatic: bool
    is_entitled: bool
    entitlement_sentence: str
    switch: StopMode | None
    """The strongest kill switch in force for this trade."""
    rested_since: datetime | None
    """When password or second factor last changed."""
    paused_until: datetime | None
    pause_code: str
    pause_sentence: str
    equity: Decimal | None
    lost_today: Decimal
    """USDT lost since 00:00 UTC, open results, fees and funding among it; negative: won."""
    day_base: Decimal
    """What the loss of the day is measured by: what the account had before it, USDT."""
    n_open: int
    """Trades of the account that are entering, open or closing, this one left out."""
    n_today: int
    """Trades entered since 00:00 UTC."""
    open_symbols: frozenset[str]


Rule = Callable[[Candidate, Standing, BotLimits], Denied | None]


def switches(trade: Candidate, s: Standing, limits: BotLimits) -> Denied | None:
    """A kill switch is thrown."""
    if s.switch is None:
        return None
    return Denied("switch", "Trading is stopped for this market or account; nothing is opened.")


def entitlement(trade: Candidate, s: Standing, limits: BotLimits) -> Denied | None:
    """Trial or subscription has to be running."""
    return None if s.is_entitled else Denied("not_entitled", s.entitlement_sentence)


def connected(trade: Candidate, s: Standing, limits: BotLimits) -> Denied | None:
    """The account has to be connected."""
    if s.account_state is AccountState.CONNECTED:
        return None
    return Denied("not_connected", "The exchange account is not connected; its key page says why.")


def mode(trade: Candidate, s: Standing, limits: BotLimits) -> Denied | None:
    """The bot has to be on, unless the person follows by hand."""
    if trade.by_hand:
        return None
    if s.mode is not BotMode.TRADING:
        return Denied("mode", "The bot takes no new entries: it is set to exits only or off.")
    if not s.is_automatic:
        return Denied("not_automatic", "The bot was switched off before this signal was entered.")
    return None


def rested(trade: Candidate, s: Standing, limits: BotLimits) -> Denied | None:
    """A day passes after a change of password or second factor."""
    if s.is_paper or s.rested_since is None or s.now - s.rested_since >= REST:
        return None
    return Denied(
        "resting",
        "Password or second factor was changed less than a day ago; entries open again on "
        f"{s.rested_since + REST:%Y-%m-%d %H:%M} UTC.",
    )


def paused(trade: Candidate, s: Standing, limits: BotLimits) -> Denied | None:
    """A breaker has paused entries."""
    if not s.pause_code or (s.paused_until is not None and s.now >= s.paused_until):
        return None
    return Denied(s.pause_code, s.pause_sentence)


def daily_loss(trade: Candidate, s: Standing, limits: BotLimits) -> Denied | None:
    """The loss of the day has not reached its limit."""
    if s.equity is None or s.lost_today <= 0:
        return None
    limit = s.day_base * limits.daily_loss_percent / 100
    if s.lost_today < limit:
        return None
    return Denied(
        "daily_loss",
        f"Today's loss of {s.lost_today:.2f} USDT has reached the limit of {limit:.2f} USDT.",
    )


def positions(trade: Candidate, s: Standing, limits: BotLimits) -> Denied | None:
    """No more positions at once than allowed, and one a symbol."""
    if trade.symbol in s.open_symbols:
        return Denied("symbol_open", f"A position in {trade.symbol} is open or being entered.")
    if s.n_open >= limits.max_positions:
        return Denied(
            "max_positions", f"{s.n_open} positions are open; your limit is {limits.max_positions}."
        )
    return None


def trades_a_day(trade: Candidate, s: Standing, limits: BotLimits) -> Denied | None:
    """No more trades a day than allowed; by hand the person decides."""
    if trade.by_hand or s.n_today < limits.max_trades_day:
        return None
    return Denied(
        "max_trades",
        f"{s.n_today} trades were entered today; your limit is {limits.max_trades_day}.",
    )


def wanted(trade: Candidate, limits: BotLimits) -> Denied | None:
    """Return why the person's own filters leave a signal out; None where they do not."""
    if trade.by_hand:
        return None
    if trade.confidence < limits.min_confidence:
        return Denied(
            "confidence",
            f"Confidence {trade.confidence:.0%} is below your smallest, {limits.min_confidence:.0%}.",
        )
    if not limits.takes_side(trade.side):
        return Denied("side", f"You take {limits.sides} signals only.")
    if not limits.takes_symbol(trade.symbol):
        return Denied("symbol", f"{trade.symbol} is not among the markets you trade.")
    if limits.timeframes and trade.timeframe not in limits.timeframes:
        return Denied("timeframe", f"You do not take signals of {trade.timeframe}.")
    return None


RULES: Final[tuple[Rule, ...]] = (
    switches,
    entitlement,
    connected,
    mode,
    rested,
    paused,
    daily_loss,
    positions,
    trades_a_day,
)


def first_denial(trade: Candidate, standing: Standing, limits: BotLimits) -> Denied | None:
    """Return the first rule's no, in the order above; None if all agree."""
    found = wanted(trade, limits)
    if found is not None:
        return found
    for rule in RULES:
        denied = rule(trade, standing, limits)
        if denied is not None:
            return denied
    return None
