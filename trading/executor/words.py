"""Sentences of the journal about orders and fills."""

from decimal import Decimal
from typing import Final

from cryptosystems.kernel.decimals import plain
from trading.domain.orders import Leg, OrderState

LEGS: Final = {
    Leg.GUARD: "Guard stop",
    Leg.ENTRY: "Entry",
    Leg.STOP: "Stop",
    Leg.TP1: "TP1",
    Leg.TP2: "TP2",
    Leg.TP3: "TP3",
    Leg.CLOSE: "Close at market",
}
STATES: Final = {
    OrderState.PREPARED: "could not be sent yet; it goes again",
    OrderState.SUBMITTING: "is being sent",
    OrderState.WORKING: "rests at the exchange",
    OrderState.TRIGGERED: "has fired",
    OrderState.FILLED: "is filled",
    OrderState.CANCELLED: "is cancelled",
    OrderState.EXPIRED: "has expired",
    OrderState.REJECTED: "was refused",
    OrderState.UNKNOWN: "has no answer yet; we are checking with the exchange",
    OrderState.DROPPED: "was not sent",
}


def order_sentence(leg: Leg, state: OrderState, message: str = "") -> str:
    """Return what happened to an order, in words."""
    sentence = f"{LEGS[leg]} {STATES[state]}"
    return f"{sentence}: {message}" if message else f"{sentence}."


def fill_sentence(leg: Leg | None, quantity: Decimal, price: Decimal) -> str:
    """Return one execution in words."""
    what = LEGS[leg] if leg is not None else "Not an order of ours"
    return f"{what}: {shortest(quantity)} at {shortest(price)}."


def shortest(value: Decimal) -> str:
    """Return a number without zeros that say nothing."""
    return plain(value.normalize()) if value else "0"
