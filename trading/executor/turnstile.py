"""How many lanes enter at once: the others wait their turn, so that nobody waits behind a crowd.

A signal that a thousand accounts take would otherwise put a thousand jobs before every next one,
a stop's and a close's among them. Exits never come here. A turn ends with the entry, and where
nothing has moved for a while: who waits for an exchange that hangs is in nobody's way.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from trading.domain.orders import Leg, OrderState
from trading.reconciliation.state import TradeFacts
from trading.reconciliation.steps import Decision, Plan, Prepare, Send, Urgency

AT_ONCE: Final = 16
IDLE_S: Final = 1.0
"""A turn in which nothing was done for so long is over."""

_CAN_WAIT: Final = (Urgency.TIDY, Urgency.TARGET)

Wake = Callable[[], None]


@dataclass(slots=True)
class Turnstile:
    """Turns of one process. Entries go before everything else that waits (targets)."""

    at_once: int = AT_ONCE
    clock: Callable[[], float] = monotonic
    _inside: dict[Hashable, float] = field(default_factory=dict)
    """When each that has its turn was last seen to do something."""
    _entries: "OrderedDict[Hashable, Wake]" = field(default_factory=OrderedDict)
    _others: "OrderedDict[Hashable, Wake]" = field(default_factory=OrderedDict)

    def may_pass(self, who: Hashable, wake: Wake, *, is_entry: bool) -> bool:
        """Say whether it is this one's turn; if not, `wake` is called once it is."""
        if not is_entry and self._entries:
            self._inside.pop(who, None)  # its own entry has left; others' still wait
        if who not in self._inside:
            queue = self._entries if is_entry else self._others
            queue.setdefault(who, wake)
            self._call(but=who)
        if who in self._inside:
            self._inside[who] = self.clock()
            return True
        return False

    def moves(self, who: Hashable) -> None:
        """This one does something."""
        if who in self._inside:
            self._inside[who] = self.clock()

    def leave(self, who: Hashable) -> None:
        """Its turn is over, or it waits no longer."""
        self._entries.pop(who, None)
        self._others.pop(who, None)
        if self._inside.pop(who, None) is not None:
            self._call()

    def look(self) -> None:
        """End turns in which nothing moves."""
        now = self.clock()
        for who, moved in list(self._inside.items()):
            if now - moved >= IDLE_S:
                del self._inside[who]
        self._call()

    def _call(self, but: Hashable = None) -> None:
        """Give free turns to those who wait; entries first, each in the order of coming."""
        while len(self._inside) < self.at_once:
            queue = self._entries or self._others
            if not queue:
                return
            who, wake = queue.popitem(last=False)
            self._inside[who] = self.clock()
            if who != but:
                wake()


def turn_of(trade: TradeFacts, decision: Decision) -> bool | None:
    """Say whether a step waits for a turn: True with the entries, False behind them, None: never.

    Behind the entries wait targets, and the stop that takes the place of one that was seen before
    the entry left and covers the whole position.
    """
    if isinstance(decision.step, Plan):
        return True
    if not isinstance(decision.step, (Prepare, Send)):
        return None
    if decision.urgency in _CAN_WAIT:
        return False
    return False if decision.urgency is Urgency.PROTECT and _is_covered(trade) else None


def _is_covered(trade: TradeFacts) -> bool:
    guard = trade.last(Leg.GUARD)
    return (
        guard is not None
        and guard.state is OrderState.WORKING
        and guard.seen_ms is not None
        and not guard.not_found
        and (guard.request.quantity or 0) >= trade.open_quantity
    )
