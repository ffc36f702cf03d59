"""How automation opens and how its risk grows: by what was done, never by asking."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

NEEDED_ON_PAPER: Final = 10
"""Followed paper trades that were entered and have ended, before a bot can be switched on."""
CAPS: Final = (Decimal("0.50"), Decimal("0.75"), Decimal("1.00"))
"""Risk a trade, per cent of equity, by level."""
NEEDED: Final = (20, 30)
"""Closed trades of the bot without a breach that lead to the next level."""


class Event(StrEnum):
    """What the ladder counts, in order of time."""

    CLOSED = "closed"
    BREACH = "breach"
    """A daily-loss or drawdown halt, or a stop that the person took away."""


@dataclass(frozen=True, slots=True)
class Rung:
    """Where somebody stands."""

    level: int
    count: int
    """Closed trades since the last change of level or breach."""

    @property
    def cap_percent(self) -> Decimal:
        return CAPS[self.level]

    @property
    def sentence(self) -> str:
        """Return what comes next, in words."""
        if self.level == len(NEEDED):
            return f"Your cap is {self.cap_percent} %, the highest there is."
        left = NEEDED[self.level] - self.count
        trades = "trade" if left == 1 else "trades"
        return (
            f"Your cap is {self.cap_percent} %. After {left} more closed {trades} of the bot "
            f"without a breach it is {CAPS[self.level + 1]} %."
        )


def climb(events: Iterable[Event]) -> Rung:
    """Return where these events lead, from the lowest level."""
    level = count = 0
    for event in events:
        if event is Event.BREACH:
            level, count = max(0, level - 1), 0
            continue
        count += 1
        if level < len(NEEDED) and count >= NEEDED[level]:
            level, count = level + 1, 0
    return Rung(level, count)


def automation_opens(n_paper: int) -> str:
    """Return what is missing before a bot can be switched on; empty once nothing is."""
    left = NEEDED_ON_PAPER - n_paper
    if left <= 0:
        return ""
    trades = "paper trade" if left == 1 else "paper trades"
    return (
        f"Automation opens after {NEEDED_ON_PAPER} followed paper trades that were entered and "
        f"have ended. You have {n_paper}; {left} more {trades} to go."
    )


def quiz_opens() -> str:
    """Return what is asked of somebody who has not passed the quiz."""
    return (
        "Pass the quiz first: a few questions on stops, leverage, keys and paper trading. It "
        "stands before the first trade with real money."
    )
