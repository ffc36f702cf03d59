"""Legs of a trade and the life of an order: one table says what may follow what."""

from enum import StrEnum
from typing import Final


class Leg(StrEnum):
    """What an order is for."""

    GUARD = "guard"
    """Reduce-only stop by quantity: accepted while flat, so it stands before the entry; and the
    bridge while the stop is moved."""
    ENTRY = "entry"
    STOP = "stop"
    """Close-position stop: its size follows the position."""
    TP1 = "tp1"
    TP2 = "tp2"
    TP3 = "tp3"
    CLOSE = "close"

    @property
    def is_protection(self) -> bool:
        return self in (Leg.GUARD, Leg.STOP)

    @property
    def is_target(self) -> bool:
        return self in (Leg.TP1, Leg.TP2, Leg.TP3)


TARGETS: Final = (Leg.TP1, Leg.TP2, Leg.TP3)


class OrderState(StrEnum):
    """States of one order of ours."""

    PREPARED = "prepared"
    """A committed row; nothing has been sent."""
    SUBMITTING = "submitting"
    """Claimed; bytes may have left."""
    UNKNOWN = "unknown"
    """No answer that can be believed: asked for, never sent again."""
    WORKING = "working"
    TRIGGERED = "triggered"
    """A conditional order has fired; its child fills under another id."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    DROPPED = "dropped"
    """Prepared and never sent: what it was for has gone."""

    @property
    def is_final(self) -> bool:
        return not NEXT[self]

    @property
    def may_rest(self) -> bool:
        """Say whether it may stand at the exchange."""
        return self in (
            OrderState.SUBMITTING,
            OrderState.UNKNOWN,
            OrderState.WORKING,
            OrderState.TRIGGERED,
        )


_S = OrderState
NEXT: Final[dict[OrderState, frozenset[OrderState]]] = {
    _S.PREPARED: frozenset({_S.SUBMITTING, _S.DROPPED}),
    # Back to PREPARED only where the call has surely not been worked (NOT_SENT).
    _S.SUBMITTING: frozenset(
        {
            _S.PREPARED,
            _S.UNKNOWN,
            _S.WORKING,
            _S.TRIGGERED,
            _S.FILLED,
            _S.CANCELLED,
            _S.EXPIRED,
            _S.REJECTED,
        }
    ),
    _S.UNKNOWN: frozenset(
        {_S.WORKING, _S.TRIGGERED, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED}
    ),
    _S.WORKING: frozenset({_S.TRIGGERED, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED}),
    _S.TRIGGERED: frozenset({_S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED}),
    _S.FILLED: frozenset(),
    # A cancel may cross a fill, and "not found" may be wrong: the exchange's word corrects ours.
    _S.CANCELLED: frozenset({_S.WORKING, _S.TRIGGERED, _S.FILLED}),
    _S.EXPIRED: frozenset({_S.WORKING, _S.TRIGGERED, _S.FILLED}),
    _S.REJECTED: frozenset({_S.WORKING, _S.TRIGGERED, _S.FILLED}),
    _S.DROPPED: frozenset(),
}


def may_follow(before: OrderState, after: OrderState) -> bool:
    """Say whether an order may go from one state to another."""
    return after in NEXT[before]
