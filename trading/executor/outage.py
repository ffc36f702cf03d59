"""The platform's own switch while the exchange is away, and the way back (EX-32).

It is thrown with the reason when one executor that speaks sees the exchange away, and cleared by
the platform when none does any more: no person has judged it, so none has to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

import structlog
from django.db import transaction

from accounts import api as accounts
from cryptosystems.platform import switches
from trading.contracts import Venue
from trading.executor.lane import Lane
from trading.models import ExecutorWord
from trading.services.stops import EXCHANGE

log = structlog.get_logger(__name__)

ALIVE: Final = timedelta(seconds=15)
SETTLED: Final = timedelta(seconds=30)
"""A process that has just begun has seen too little to say that the exchange serves."""
RETURNED: Final = "the exchange serves again"
RECONCILE_WEIGHT: Final = 130
"""What comparing one account costs of the request weight of a minute."""
ROOM: Final = 1_680
AT_ONCE: Final = 6
"""Accounts that may be compared in the first moment; half the room of a minute."""
LEAST_GAP_MS: Final = 250
MOST_SPREAD_MS: Final = 240_000
"""Of up to about a thousand accounts; what has no room then waits for the budget."""
_MINUTE_MS: Final = 60_000


@dataclass(slots=True)
class Outages:
    """Which venues this process saw away, and when the last of them came back."""

    away: frozenset[str] = frozenset()
    back_at: datetime | None = None

    def take(self, told: Mapping[str, Any], now: datetime) -> frozenset[str]:
        """Take what the venues say of themselves; return those that have come back."""
        names = (venue.value for venue in Venue)
        away = frozenset(name for name in names if told.get(name, {}).get("away"))
        back = self.away - away
        self.away = away
        if back:
            self.back_at = now
        return back


def keep_switch(told: Mapping[str, Any], started_at: datetime, now: datetime) -> None:
    """Throw the switch where an executor sees the exchange of the market away; else clear it.

    It is cleared by a process that runs for a while and has had an answer of the exchange lately.
    """
    words = ExecutorWord.objects.filter(said_at__gte=now - ALIVE).values_list("figures", flat=True)
    away = next((str(one["away"]) for one in (told, *words) if one.get("away")), "")
    may_clear = bool(told.get("serves")) and now - started_at >= SETTLED
    with transaction.atomic():
        if away:
            if switches.throw(EXCHANGE, away, None, now):
                _audit("switch_thrown", away)
                log.error("execution_alarm", code="exchange_away", reason=away)
        elif may_clear and switches.clear_itself(EXCHANGE, now):
            _audit("switch_cleared", RETURNED)
            log.warning("exchange_returned")


def _audit(action: str, reason: str) -> None:
    accounts.audit(action, subject_id=None, details={"switch": EXCHANGE, "reason": reason})


def reconcile_all(lanes: Iterable[Lane], random: Random) -> None:
    """Have every lane compare its account again, those that hold something first, in turn.

    All at once they would wait for each other's request weight, exits among them.
    """
    shuffled = list(lanes)
    random.shuffle(shuffled)
    shuffled.sort(key=lambda lane: not lane.trades)
    gap_ms = _MINUTE_MS * RECONCILE_WEIGHT / ROOM
    gap_ms = max(LEAST_GAP_MS, min(gap_ms, MOST_SPREAD_MS / max(1, len(shuffled))))
    for place, lane in enumerate(shuffled):
        wait_ms = max(place * LEAST_GAP_MS, int((place - AT_ONCE) * gap_ms))
        lane.reconciler.ask(RETURNED, at_ms=lane.now_ms() + wait_ms)
        lane.wake.set()
