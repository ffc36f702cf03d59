"""Ours against the venue's: what an order told by the exchange changes in our row of it.

Invariants, which the property tests hold: a replay changes nothing; filled never falls; no state
follows another that the table of `trading.domain.orders` does not list; old news never undo new.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from trading.domain import client_ids
from trading.domain.orders import OrderState, may_follow
from trading.domain.venue import Service, VenueOrder, VenueState
from trading.reconciliation.state import OrderFacts, is_resting
from trading.reconciliation.timing import READ_LAG_MS

_STATES: Final = {
    VenueState.NEW: OrderState.WORKING,
    VenueState.PARTIALLY_FILLED: OrderState.WORKING,
    VenueState.FILLED: OrderState.FILLED,
    VenueState.CANCELED: OrderState.CANCELLED,
    VenueState.EXPIRED: OrderState.EXPIRED,
    VenueState.EXPIRED_IN_MATCH: OrderState.EXPIRED,
    VenueState.REJECTED: OrderState.REJECTED,
    VenueState.TRIGGERING: OrderState.TRIGGERED,
    VenueState.TRIGGERED: OrderState.TRIGGERED,
}


def state_of(told: VenueOrder, *, is_child: bool = False) -> OrderState:
    """Return our state for the exchange's; a fired order that rests is still "triggered"."""
    if told.state is VenueState.FINISHED:
        return OrderState.FILLED if told.filled > 0 else OrderState.CANCELLED
    state = _STATES[told.state]
    return OrderState.TRIGGERED if is_child and state is OrderState.WORKING else state


def is_as_asked(order: OrderFacts, told: VenueOrder) -> bool:
    """Say whether what rests is what we asked for: symbol, side, trigger and size."""
    asked = order.request
    if (told.symbol, told.side) != (asked.symbol, asked.side):
        return False
    if told.position_side is not asked.position_side:
        return False
    if asked.trigger_price is not None and told.trigger_price != asked.trigger_price:
        return False
    if asked.close_position:
        return told.close_position
    return told.quantity == asked.quantity


def merged(order: OrderFacts, told: VenueOrder, *, at_ms: int, now_ms: int) -> OrderFacts:
    """Return the row after the exchange's word; the very same object where nothing changes.

    `at_ms` is when the word was true at the earliest: the start of a read, the time of an event.
    """
    is_conditional = order.request.service is Service.ALGO
    is_child = is_conditional and told.service is Service.ORDER
    after = state_of(told, is_child=is_child)
    changes: dict[str, object] = {}
    if after is not order.state and _is_believed(order, after, told, at_ms):
        changes["state"] = after
        changes["updated_ms"] = now_ms
        if after.may_rest:
            changes["ended_ms"] = None
        else:
            changes["ended_ms"] = now_ms
    if is_child:
        if told.exchange_id and told.exchange_id != order.actual_order_id:
            changes["actual_order_id"] = told.exchange_id
    else:
        if told.exchange_id and told.exchange_id != order.exchange_id:
            changes["exchange_id"] = told.exchange_id
        if told.actual_order_id and told.actual_order_id != order.actual_order_id:
            changes["actual_order_id"] = told.actual_order_id
    if told.filled > order.filled:
        changes["filled"] = told.filled
        changes["average_price"] = told.average_price or order.average_price
    if told.reject_reason and told.reject_reason != order.message:
        changes["message"] = told.reject_reason
    is_seen = not is_child and told.state.is_resting and is_as_asked(order, told)
    state = changes.get("state", order.state)
    if is_seen and state is OrderState.WORKING and at_ms > (order.seen_ms or 0):
        changes["seen_ms"] = at_ms
        changes["first_seen_ms"] = order.first_seen_ms or at_ms
    if state is OrderState.WORKING and order.not_found:
        changes["not_found"] = 0
    return replace(order, **changes) if changes else order  # type: ignore[arg-type]


def _is_believed(order: OrderFacts, after: OrderState, told: VenueOrder, at_ms: int) -> bool:
    if not may_follow(order.state, after):
        return False
    is_old = order.ended_ms is not None and 0 < told.updated_ms <= order.ended_ms
    if is_old and after is OrderState.TRIGGERED:
        return False  # it never finished firing and was given up: only news bring it back
    if order.ended_ms is not None and after in (OrderState.WORKING, OrderState.TRIGGERED):
        # Reads lag writes: right after a cancel an order may still be shown as resting (EX-13).
        return at_ms >= order.ended_ms + READ_LAG_MS
    return True


@dataclass(frozen=True, slots=True)
class OpenOrders:
    """A list of resting orders, sorted by whose they are."""

    ours: tuple[tuple[OrderFacts, VenueOrder], ...]
    missing: tuple[OrderFacts, ...]
    """Should rest by our rows, and the list does not have them: to be asked for one by one."""
    strangers: tuple[VenueOrder, ...]
    """Our prefix and no row: from a time that a restore has lost."""
    others: tuple[VenueOrder, ...]
    """The person's own; never touched."""


def sort_open(
    orders: Iterable[OrderFacts], told: Iterable[VenueOrder], *, read_ms: int
) -> OpenOrders:
    """Compare our rows with the orders that rest, as one read found them."""
    by_id = {order.client_id: order for order in orders}
    by_child = {order.actual_order_id: order for order in orders if order.actual_order_id}
    ours, strangers, others = [], [], []
    found = set()
    for one in told:
        row = by_id.get(one.client_id)
        if row is None and one.service is Service.ORDER:
            row = by_child.get(one.exchange_id)
        if row is not None:
            ours.append((row, one))
            found.add(row.client_id)
        elif client_ids.is_ours(one.client_id) and is_resting(one):
            strangers.append(one)
        else:
            others.append(one)
    missing = tuple(
        order
        for order in by_id.values()
        if order.client_id not in found
        and order.state is OrderState.WORKING
        and read_ms >= (order.answered_ms or order.updated_ms) + READ_LAG_MS
    )
    return OpenOrders(tuple(ours), missing, tuple(strangers), tuple(others))
