"""New signals become chosen trades, in the order of their numbers, each once (F-01, F-59).

The cursor moves in the transaction that writes the trades, so a crash between them cannot be. The
first start begins behind the newest signal: what was issued before is nobody's trade.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from signals.api import newest_number, signals_after
from trading.contracts import TradeState
from trading.executor import hooks
from trading.models import ExecutorCursor, Trade
from trading.services import follow

CURSOR: Final = "signals"
BATCH: Final = 20


def hand_out(now: datetime) -> list[tuple[UUID, UUID]]:
    """Give waiting signals to the bots; return (user, account) of every trade that was made."""
    made: list[tuple[UUID, UUID]] = []
    cursor, _ = ExecutorCursor.objects.get_or_create(
        name=CURSOR, defaults={"number": newest_number(), "updated_at": now}
    )
    number = cursor.number
    for signal in signals_after(number, BATCH):
        hooks.reach("K0")
        with transaction.atomic():
            moved = ExecutorCursor.objects.filter(name=CURSOR, number=number).update(
                number=signal.number, updated_at=now
            )
            if not moved:
                return made  # another process was first
            chosen = follow.choose_for_bots(signal, now)
        number = signal.number
        rows = Trade.objects.across_tenants("fan-out: whose lanes are woken").filter(
            account_id__in=chosen, signal_id=signal.id, state=TradeState.CHOSEN.value
        )
        made.extend(rows.values_list("user_id", "account_id"))
    return made
