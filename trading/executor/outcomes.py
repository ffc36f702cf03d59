"""How a call ended becomes the state of its order (reliability rules 2.2)."""

from dataclasses import replace
from typing import Final

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.platform import bell, leases
from trading.domain.orders import Leg, OrderState, may_follow
from trading.domain.venue import Outcome, OutcomeClass
from trading.executor import hooks, store, words
from trading.executor.database import fenced
from trading.executor.memory import AccountRef
from trading.models import TradeOrder
from trading.reconciliation.diff import merged
from trading.reconciliation.state import OrderFacts
from trading.services import journal

KEY_CODES: Final = (-2014, -2015, -1022)
"""The exchange refuses the key itself."""
_AGAIN_MS: Final = 1_000


def after_outcome(order: OrderFacts, outcome: Outcome, now_ms: int) -> OrderFacts:
    """Return the row after the end of its call; pure.

    A reply proves that a stop was taken, not that it rests: `seen_ms` stays as it was (EX-09).
    """
    answered = replace(order, answered_ms=now_ms, code=outcome.code, message=outcome.message)
    if outcome.kind is OutcomeClass.ACCEPTED and outcome.order is not None:
        told = merged(answered, outcome.order, at_ms=now_ms, now_ms=now_ms)
        return replace(told, seen_ms=order.seen_ms, first_seen_ms=order.first_seen_ms)
    state = {
        OutcomeClass.REJECTED: OrderState.REJECTED,
        OutcomeClass.NOT_SENT: OrderState.PREPARED,
    }.get(outcome.kind, OrderState.UNKNOWN)
    if state is OrderState.PREPARED and order.state is not OrderState.SUBMITTING:
        state = OrderState.CANCELLED  # a late word: it was surely not worked
    if not may_follow(order.state, state):
        return order
    ended = now_ms if state in (OrderState.REJECTED, OrderState.CANCELLED) else None
    return replace(answered, state=state, ended_ms=ended, updated_ms=now_ms)


def record(
    ref: AccountRef,
    order: OrderFacts,
    outcome: Outcome,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> OrderFacts:
    """Write how the call of an order ended; a late word corrects, and never undoes newer news."""
    hooks.reach("K10" if order.leg is Leg.CLOSE else "K4", order.leg)
    now = to_datetime(now_ms)
    with fenced(holding):
        row = TradeOrder.objects.for_user(ref.user_id).select_related("trade").get(pk=order.id)
        before = store.order_facts(row)
        after = after_outcome(before, outcome, now_ms)
        if after is before:
            return before
        store.save_order(ref.user_id, before, after, outcome=outcome.kind.value)
        if after.state is not before.state:
            journal.note(
                row.trade,
                f"{order.leg.value}_{outcome.kind.value}",
                words.order_sentence(order.leg, after.state, outcome.message),
                details={
                    "leg": order.leg.value,
                    "outcome": outcome.kind.value,
                    "code": outcome.code,
                    "status": outcome.status,
                    "exchange_id": after.exchange_id,
                },
                now=now,
            )
            bell.ring(ref.user_id)
        if after.state is OrderState.FILLED:
            store.total_up(row.trade, now)
    if order.leg is Leg.ENTRY:
        hooks.reach("K5")
    if order.leg is Leg.TP1 and after.state is OrderState.WORKING:
        hooks.reach("K8")
    return after


def pause_ms(outcome: Outcome) -> int:
    """Return how long an order that was not sent has to wait."""
    if outcome.retry_after_s is None:
        return _AGAIN_MS
    return max(_AGAIN_MS, int(outcome.retry_after_s * 1_000))
