"""Who may send: one conditional update, in the transaction that asks every limit (EX-04)."""

from dataclasses import dataclass

from cryptosystems.kernel.clock import to_datetime
from cryptosystems.platform import bell, leases
from trading.domain.client_ids import client_id
from trading.domain.orders import Leg, OrderState
from trading.executor import hooks, store, words
from trading.executor.database import fenced
from trading.executor.memory import AccountRef
from trading.executor.numbers import request_to_row
from trading.models import Trade, TradeOrder
from trading.reconciliation.guards import Guard
from trading.reconciliation.state import OrderFacts, TradeFacts
from trading.reconciliation.steps import Prepare
from trading.services import journal, permits


@dataclass(frozen=True, slots=True)
class Denial:
    """Why an order does not leave."""

    code: str
    sentence: str


def prepare(
    ref: AccountRef,
    trade: TradeFacts,
    step: Prepare,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> OrderFacts:
    """Write the row of an order before a byte of it leaves (EX-01); once, however often asked."""
    now = to_datetime(now_ms)
    name = client_id(trade.user_id, trade.account_id, trade.signal_id, step.leg, step.attempt)
    assert name == step.request.client_id
    with fenced(holding):
        row, is_new = TradeOrder.objects.for_user(ref.user_id).get_or_create(
            trade_id=trade.id,
            leg=step.leg.value,
            attempt=step.attempt,
            defaults={
                "user_id": ref.user_id,
                "client_id": name,
                "service": step.request.service.value,
                "request": request_to_row(step.request),
                "quantity": step.request.quantity,
                "prepared_at": now,
                "updated_at": now,
            },
        )
        if is_new:
            held = Trade.objects.for_user(ref.user_id).get(pk=trade.id)
            journal.note(
                held,
                f"{step.leg.value}_prepared",
                f"{words.LEGS[step.leg]} is prepared.",
                details={"why": step.why, "attempt": step.attempt, "request": row.request},
                now=now,
            )
            if step.leg is Leg.CLOSE:
                held.close_tries += 1
                held.save(update_fields=["close_tries"])
    hooks.reach("K1", step.leg)
    return store.order_facts(row)


def claim(
    ref: AccountRef,
    order: OrderFacts,
    trade: TradeFacts,
    *,
    now_ms: int,
    refused: Denial | None = None,
    holding: leases.Holding | None = None,
) -> Denial | None:
    """Take a prepared order for sending; say why not. At most one caller ever gets it.

    `refused` is what the shell knows against an entry (data too old, clock unsure, breaker open).
    """
    now = to_datetime(now_ms)
    with fenced(holding):
        if order.leg is Leg.ENTRY:
            denial = refused or _entry_denial(ref, trade, now_ms)
            if denial is not None:
                _hold_back(ref, order, trade, denial, now_ms)
                return denial
        rows = TradeOrder.objects.for_user(ref.user_id).filter(pk=order.id)
        if hooks.has(Guard.CLAIM_ONCE):
            rows = rows.filter(state=OrderState.PREPARED.value)
        claimed = rows.update(
            state=OrderState.SUBMITTING.value,
            sent_at=now,
            updated_at=now,
            asked=0,
            not_found=0,
            epoch=0 if holding is None else holding.epoch,
        )
        if not claimed:
            return Denial("claimed_already", "Another worker has sent it.")
        if order.leg is Leg.ENTRY:
            Trade.objects.for_user(ref.user_id).filter(pk=trade.id).update(
                sent_at=now, updated_at=now
            )
    hooks.reach("K2", order.leg)
    return None


def _entry_denial(ref: AccountRef, trade: TradeFacts, now_ms: int) -> Denial | None:
    if not hooks.has(Guard.SWITCHES):
        return None
    row = Trade.objects.for_user(ref.user_id).get(pk=trade.id)
    found = permits.entry_denial(row, to_datetime(now_ms))
    return None if found is None else Denial(found.code, found.sentence)


def _hold_back(
    ref: AccountRef, order: OrderFacts, trade: TradeFacts, denial: Denial, now_ms: int
) -> None:
    """The entry will not leave: say so in both rows; what was placed for it is taken away."""
    now = to_datetime(now_ms)
    TradeOrder.objects.for_user(ref.user_id).filter(
        pk=order.id, state=OrderState.PREPARED.value
    ).update(state=OrderState.DROPPED.value, message=denial.sentence, ended_at=now, updated_at=now)
    row = Trade.objects.for_user(ref.user_id).get(pk=trade.id)
    row.reason, row.sentence, row.updated_at = denial.code, denial.sentence, now
    row.save(update_fields=["reason", "sentence", "updated_at"])
    journal.note(row, "held_back", denial.sentence, details={"code": denial.code}, now=now)
    bell.ring(ref.user_id)
