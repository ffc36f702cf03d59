"""Steps that only change rows: states, levels, marks, notes. Each is one short transaction."""

from datetime import datetime
from typing import Final

import structlog

from cryptosystems.kernel.clock import to_datetime, to_ms
from cryptosystems.platform import bell, leases
from trading.contracts import TradeState
from trading.domain.orders import Leg
from trading.executor import store, words
from trading.executor.database import fenced
from trading.executor.memory import AccountRef
from trading.models import JournalEntry, Trade, TradeOrder
from trading.reconciliation.state import OrderFacts, TradeFacts
from trading.reconciliation.steps import Become, Close, Mark, MoveStop, Tell
from trading.services import after, journal

log = structlog.get_logger(__name__)

NOT_ENTERED_WHY: Final = {
    "validity_over": ("not_filled", "The entry was not filled while the signal was valid."),
    "price_left": ("price_left", "The price left the entry zone before the entry was filled."),
    "kill_switch": ("kill_switch", "A kill switch took the entry back."),
    "bot_off": ("bot_off", "The bot was turned off before the entry was filled."),
    "by_hand": ("by_hand", "You took the entry back."),
    "stop_gone": ("stop_gone", "The stop had gone, so the entry was taken back."),
}
LEVELS: Final = {
    "break_even": "break-even",
    "plus_1r": "+1 R",
    "trailing": "one R behind the best price",
}
MOST_FAILURES: Final = 3
"""Times in a row that our own code may raise on a trade before it is parked (F-56)."""


def _row(ref: AccountRef, trade: TradeFacts) -> Trade:
    return Trade.objects.for_user(ref.user_id).get(pk=trade.id)


def become(
    ref: AccountRef,
    trade: TradeFacts,
    step: Become,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> None:
    """Change the state of a trade; whoever ends it also tells the rest of the room."""
    now = to_datetime(now_ms)
    with fenced(holding):
        row = _row(ref, trade)
        row.state, row.updated_at = step.state.value, now
        row.reason = step.reason
        if step.sentence or not step.reason:
            row.sentence = step.sentence
        if step.state.is_final:
            row.closed_at = now
            _end_naked(row, now)
        row.save(
            update_fields=[
                *("state", "reason", "sentence", "closed_at", "updated_at"),
                *("naked_since", "longest_naked_ms"),
            ]
        )
        if step.state is not TradeState(trade.state) or step.reason:
            journal.note(
                row,
                step.state.value,
                row.sentence or _STATE_WORDS.get(step.state, ""),
                details={"reason": row.reason},
                now=now,
            )
        if step.state is TradeState.CLOSED:
            after.trade_closed(row, now)
        bell.ring(ref.user_id)


_STATE_WORDS: Final = {
    TradeState.OPEN: "The position is open.",
    TradeState.CLOSED: "Nothing of ours is open or resting any more.",
}


def close(
    ref: AccountRef,
    trade: TradeFacts,
    step: Close,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> None:
    """Begin the close loop."""
    now = to_datetime(now_ms)
    with fenced(holding):
        row = _row(ref, trade)
        row.state, row.reason, row.sentence = TradeState.CLOSING.value, step.reason, step.sentence
        row.close_since, row.updated_at = now, now
        row.save(update_fields=["state", "reason", "sentence", "close_since", "updated_at"])
        journal.note(row, "closing", step.sentence, details={"reason": step.reason}, now=now)
        bell.ring(ref.user_id)


def mark(
    ref: AccountRef,
    trade: TradeFacts,
    step: Mark,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> None:
    """Keep whether the position is covered by a stop that was seen."""
    now = to_datetime(now_ms)
    with fenced(holding):
        row = _row(ref, trade)
        if step.naked_since_ms is not None:
            row.naked_since = store.at(step.naked_since_ms)
            journal.note(row, "naked", "No confirmed stop covers the position.", now=now)
        else:
            _end_naked(row, now)
            if step.seen_ms is not None:
                row.stop_seen_at, row.stop_seen_id = store.at(step.seen_ms), step.seen_id
        row.updated_at = now
        row.save(
            update_fields=[
                *("naked_since", "longest_naked_ms", "stop_seen_at", "stop_seen_id", "updated_at"),
            ]
        )
        if trade.naked_since_ms != step.naked_since_ms or trade.stop_seen_id != row.stop_seen_id:
            bell.ring(ref.user_id)


def _end_naked(row: Trade, now: datetime) -> None:
    if row.naked_since is None:
        return
    lasted = to_ms(now) - to_ms(row.naked_since)
    row.longest_naked_ms = max(row.longest_naked_ms, lasted)
    row.naked_since = None


def move_stop(
    ref: AccountRef,
    trade: TradeFacts,
    step: MoveStop,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> None:
    """Say where the stop belongs now; the orders follow by themselves."""
    now = to_datetime(now_ms)
    with fenced(holding):
        row = _row(ref, trade)
        before = row.stop_price
        row.stop_price, row.stop_level, row.updated_at = step.price, step.level, now
        row.save(update_fields=["stop_price", "stop_level", "updated_at"])
        journal.note(
            row,
            "stop_moves",
            f"The stop moves to {LEVELS.get(step.level, step.level)}, "
            f"{words.shortest(step.price)}.",
            details={
                "from": None if before is None else words.shortest(before),
                "to": words.shortest(step.price),
                "level": step.level,
            },
            now=now,
        )
        bell.ring(ref.user_id)


def tell(
    ref: AccountRef,
    trade: TradeFacts,
    step: Tell,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> None:
    """Say something once: in the journal, as a note on the trade, and to whoever is on duty."""
    now = to_datetime(now_ms)
    with fenced(holding):
        row = _row(ref, trade)
        row.note, row.updated_at = step.sentence, now
        row.save(update_fields=["note", "updated_at"])
        journal.note(row, step.code, step.sentence, details=step.details, now=now)
        bell.ring(ref.user_id)
    if step.is_alarm:
        log.error("execution_alarm", code=step.code, trade=str(trade.id), symbol=trade.symbol)


def told(ref: AccountRef, trade: TradeFacts) -> set[str]:
    """Return the kinds of everything that the journal holds of a trade."""
    rows = JournalEntry.objects.for_user(ref.user_id).filter(trade_id=trade.id)
    return set(rows.values_list("kind", flat=True).distinct())


def set_order(
    ref: AccountRef,
    order: OrderFacts,
    after: OrderFacts,
    sentence: str,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> None:
    """Change one order by our own decision (dropped, unknown, given up)."""
    now = to_datetime(now_ms)
    with fenced(holding):
        row = TradeOrder.objects.for_user(ref.user_id).select_related("trade").get(pk=order.id)
        if row.state != order.state.value:
            return  # the exchange spoke meanwhile
        store.save_order(ref.user_id, order, after)
        journal.note(
            row.trade,
            f"{order.leg.value}_{after.state.value}",
            sentence,
            details={"leg": order.leg.value, "attempt": order.attempt},
            now=now,
        )
        bell.ring(ref.user_id)


def ask_cancel(
    ref: AccountRef,
    trade: TradeFacts,
    order: OrderFacts,
    why: str,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> None:
    """Say that an order is to be cancelled, before the call leaves: from then its end is ours."""
    now = to_datetime(now_ms)
    with fenced(holding):
        rows = TradeOrder.objects.for_user(ref.user_id).filter(pk=order.id)
        rows.update(cancel_asked_at=now)
        row = _row(ref, trade)
        if order.leg is Leg.ENTRY and trade.entered == 0 and why in NOT_ENTERED_WHY:
            row.reason, row.sentence = NOT_ENTERED_WHY[why]
            row.save(update_fields=["reason", "sentence"])
        journal.note(
            row,
            f"{order.leg.value}_cancelling",
            f"{words.LEGS[order.leg]} is cancelled.",
            details={"why": why, "attempt": order.attempt},
            now=now,
        )


def count_question(
    ref: AccountRef, order: OrderFacts, *, is_found: bool, holding: leases.Holding | None = None
) -> None:
    """Count that we asked for an order, and whether the exchange knew it."""
    with fenced(holding):
        rows = TradeOrder.objects.for_user(ref.user_id).filter(pk=order.id)
        not_found = 0 if is_found else order.not_found + 1
        rows.update(asked=min(order.asked + 1, 30_000), not_found=min(not_found, 30_000))


def count_failure(
    ref: AccountRef,
    trade: TradeFacts,
    error: str,
    *,
    now_ms: int,
    holding: leases.Holding | None = None,
) -> bool:
    """Count that our own code raised on a trade; the third time it is parked (F-56)."""
    now = to_datetime(now_ms)
    with fenced(holding):
        row = _row(ref, trade)
        row.failures += 1
        is_over = row.failures >= MOST_FAILURES
        if is_over:
            row.state = TradeState.PARKED.value
            row.note = "Our software failed on this trade. A person looks at it; its stop rests."
            journal.note(row, "parked", row.note, details={"error": error[:200]}, now=now)
            bell.ring(ref.user_id)
        row.updated_at = now
        row.save(update_fields=["failures", "state", "note", "updated_at"])
    if is_over:
        log.error("trade_parked", trade=str(trade.id), error=error[:200])
    return is_over


def forget_failures(ref: AccountRef, trade: TradeFacts) -> None:
    """A pass went well again."""
    Trade.objects.for_user(ref.user_id).filter(pk=trade.id, failures__gt=0).update(failures=0)
