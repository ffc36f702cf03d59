"""Figures for the staff console."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts import api as accounts
from accounts.contracts import UserView
from billing.contracts import Revenue, State
from billing.domain.entitlements import entitlements
from billing.domain.periods import GRACE
from billing.models import Grant, Invoice, Subscription, Trial
from billing.services.facts import build_facts, payments
from billing.services.plans import CURRENCY, money

_WHY = "the staff console"
_MONTH = timedelta(days=30)


def people_by_state(now: datetime | None = None) -> dict[State, int]:
    """Return how many people with a confirmed address stand in each state."""
    now = now or timezone.now()
    counted: Counter[State] = Counter(dict.fromkeys(State, 0))
    after: tuple[datetime, UUID] | None = None
    while people := accounts.verified_after(after):
        last = people[-1]
        after = (last.verified_at or last.joined_at, last.id)
        counted.update(_states(people, now))
    return dict(counted)


def _states(people: list[UserView], now: datetime) -> list[State]:
    """Weigh a page of people with four queries."""
    ids = [user.id for user in people]
    trials = {row.user_id: row for row in _rows(Trial, ids)}
    grants = _by_user(_rows(Grant, ids))
    subscriptions = _by_user(_rows(Subscription, ids))
    paid = set(payments(_rows(Invoice, ids)).values_list("user_id", flat=True))
    return [
        entitlements(
            build_facts(
                user,
                trial=trials.get(user.id),
                grants=grants[user.id],
                subscriptions=subscriptions[user.id],
                has_paid=user.id in paid,
            ),
            now,
        ).state
        for user in people
    ]


def _rows(model: Any, ids: list[UUID]) -> Any:
    return model.objects.across_tenants(_WHY).filter(user_id__in=ids)


def _by_user(rows: Iterable[Any]) -> defaultdict[UUID, list[Any]]:
    sorted_out: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        sorted_out[row.user_id].append(row)
    return sorted_out


def trials_ending(within_h: int = 48, now: datetime | None = None) -> list[tuple[UUID, datetime]]:
    """Return whose trial ends soon, the nearest first."""
    now = now or timezone.now()
    rows = Trial.objects.across_tenants(_WHY).filter(
        refused="", ends_at__gt=now, ends_at__lte=now + timedelta(hours=within_h)
    )
    return list(rows.order_by("ends_at").values_list("user_id", "ends_at"))


def revenue(now: datetime | None = None) -> Revenue:
    """Return what comes in a month, and who came and went in the last 30 days."""
    now = now or timezone.now()
    rows = Subscription.objects.across_tenants(_WHY)
    in_grace = Q(status="past_due", past_due_since__gt=now - GRACE)
    paying = rows.filter(Q(status="active", is_refunded=False) | in_grace)
    amounts = paying.values_list("amount_minor", flat=True)
    start = now - _MONTH
    # A subscription that ended unpaid was never a payer who left.
    payers = payments(Invoice.objects.across_tenants(_WHY)).values("user_id")
    lost = rows.filter(ended_at__gt=start, ended_at__lte=now, user_id__in=payers)
    before = rows.filter(started_at__lte=start, user_id__in=payers).filter(
        Q(ended_at=None) | Q(ended_at__gt=start)
    )
    n_before = before.count()
    n_left = lost.filter(started_at__lte=start).count()
    return Revenue(
        n_paying=paying.values("user_id").distinct().count(),
        mrr=sum((money(amount) for amount in amounts), Decimal("0.00")),
        currency=CURRENCY,
        n_new_30d=paying.filter(started_at__gt=start).count(),
        n_lost_30d=lost.count(),
        churn_30d=n_left / n_before if n_before else None,
    )
