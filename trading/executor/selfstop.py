"""The platform stops its own entries when something is wrong with it (EX-26).

Each trigger throws the switch once and says itself in the console; two people clear it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Count, F, Q

from accounts import api as accounts
from cryptosystems.platform import switches
from trading.domain.orders import Leg, OrderState
from trading.models import ExecutorWord, Trade, TradeOrder

log = structlog.get_logger(__name__)

SWITCH: Final = "trading_entries"
WINDOW: Final = timedelta(minutes=1)
LEAST_UNKNOWN: Final = 5
MOST_UNKNOWN_SHARE: Final = 0.01
LEAST_MISMATCHES: Final = 3
MOST_MISMATCH_SHARE: Final = 0.005
MOST_ORDERS: Final = 60
"""Of one trade, closes apart; a plan with every move of its stop needs about twenty."""
ALIVE: Final = timedelta(seconds=15)
_UNKNOWN_CLASSES: Final = ("unknown", "already")


@dataclass(frozen=True, slots=True)
class LaneFigures:
    """What the lanes of this process say about themselves."""

    n_lanes: int = 0
    n_mismatched: int = 0
    is_clock_sure: bool = True
    is_exchange_away: bool = False
    """Known, and a switch of its own: what follows from it asks for no second one (EX-32)."""
    exchange_back_at: datetime | None = None


def reasons(figures: LaneFigures, now: datetime) -> list[str]:
    """Return every trigger that holds now, as a sentence."""
    found = [_mismatches(figures), _runaway(now), _doubled(now)]
    if not figures.is_exchange_away:
        found.append(_unknown(now, figures.exchange_back_at))
    if not figures.is_clock_sure and not figures.is_exchange_away:
        found.append("The clock is unsure: signed calls may be refused or late.")
    return [sentence for sentence in found if sentence]


def _unknown(now: datetime, since: datetime | None) -> str:
    begin = now - WINDOW if since is None else max(now - WINDOW, since)
    sent = TradeOrder.objects.across_tenants("self-stop").filter(sent_at__gte=begin)
    counted = sent.aggregate(
        n=Count("pk"), unknown=Count("pk", filter=Q(outcome__in=_UNKNOWN_CLASSES))
    )
    n, unknown = counted["n"], counted["unknown"]
    if unknown >= LEAST_UNKNOWN and unknown > MOST_UNKNOWN_SHARE * n:
        return f"{unknown} of {n} orders of the last minute have no answer that can be believed."
    return ""


def _mismatches(figures: LaneFigures) -> str:
    n = figures.n_mismatched
    if n >= LEAST_MISMATCHES and n > MOST_MISMATCH_SHARE * figures.n_lanes:
        return f"The books of {n} of {figures.n_lanes} accounts differed from the exchange."
    return ""


def _runaway(now: datetime) -> str:
    trades = Trade.objects.across_tenants("self-stop").filter(updated_at__gte=now - WINDOW)
    if trades.filter(filled__gt=F("max_quantity") * 3, max_quantity__gt=0).exists():
        return "A trade was filled for more than three times its plan."
    orders = TradeOrder.objects.across_tenants("self-stop").filter(
        prepared_at__gte=now - timedelta(hours=1)
    )
    per_trade = orders.exclude(leg=Leg.CLOSE.value).values("trade_id").annotate(n=Count("pk"))
    if per_trade.filter(n__gt=MOST_ORDERS).exists():
        return f"One trade has made more than {MOST_ORDERS} orders within an hour."
    return ""


def _doubled(now: datetime) -> str:
    """Return whether one signal entered twice on one account; the rows forbid it, so look anyway."""
    entries = TradeOrder.objects.across_tenants("self-stop").filter(
        leg=Leg.ENTRY.value, sent_at__gte=now - WINDOW
    )
    sent = entries.exclude(state=OrderState.DROPPED.value)
    doubled = sent.values("trade__account_id", "trade__signal_id").annotate(n=Count("pk"))
    return "One signal entered twice on one account." if doubled.filter(n__gt=1).exists() else ""


def look(figures: LaneFigures, now: datetime) -> str:
    """Throw the platform's switch if anything asks for it; return why, empty where nothing does."""
    found = reasons(figures, now)
    if not found or switches.is_on(SWITCH):
        return ""
    sentence = " ".join(found)[:290]
    with transaction.atomic():
        switches.throw(SWITCH, sentence, None, now)
        accounts.audit(
            "switch_thrown", subject_id=None, details={"switch": SWITCH, "reason": sentence}
        )
    log.error("execution_alarm", code="self_stop", reason=sentence)
    return sentence


def other_release(process: str, release: str, started_at: datetime, now: datetime) -> bool:
    """Say whether an executor of another release was here first and still speaks (F-58)."""
    others = ExecutorWord.objects.exclude(process=process).filter(
        said_at__gte=now - ALIVE, started_at__lt=started_at
    )
    return others.exclude(release=release).exists()
