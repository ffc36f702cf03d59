"""Collects what is known of a person, and asks the domain what it opens."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext

from accounts import api as accounts
from accounts.contracts import UserView
from billing.contracts import Entitlements
from billing.domain.entitlements import (
    Facts,
    GrantFact,
    GrantKind,
    Standing,
    SubscriptionFact,
    TrialFact,
    entitlements,
    weigh,
)
from billing.domain.sentences import SENTENCES
from billing.models import Grant, Invoice, Subscription, Trial
from billing.services.trials import trial_of

_WEIGHED = tuple(kind.value for kind in GrantKind)
_PAID = ("paid", "refunded")


def entitlements_of(user_id: UUID | None, now: datetime | None = None) -> Entitlements:
    """Return what a person (None: a visitor) may use, its sentence in their language and zone."""
    now = now or timezone.now()
    user = None if user_id is None else accounts.user_by_id(user_id)
    facts = Facts(is_visitor=True) if user is None else facts_of(user, now)
    found = entitlements(facts, now)
    won, *others = weigh(facts, now)
    zone = ZoneInfo(user.time_zone) if user else ZoneInfo("UTC")
    return replace(
        found, sentence=say(won, zone), others=tuple(say(other, zone) for other in others)
    )


def facts_of(user: UserView, now: datetime) -> Facts:
    """Return all that is weighed about a person; makes the trial if it is due."""
    subscriptions = list(Subscription.objects.for_user(user.id))
    return build_facts(
        user,
        trial=trial_of(user),
        grants=Grant.objects.for_user(user.id),
        subscriptions=subscriptions,
        has_paid=bool(subscriptions) and payments(Invoice.objects.for_user(user.id)).exists(),
    )


def build_facts(
    user: UserView,
    *,
    trial: Trial | None,
    grants: Iterable[Grant],
    subscriptions: Iterable[Subscription],
    has_paid: bool,
) -> Facts:
    """Return the facts of a person from rows that were read already."""
    return Facts(
        is_staff=user.is_staff,
        is_active=user.is_active,
        is_verified=user.verified_at is not None,
        has_paid=has_paid,
        trial=_trial_fact(trial),
        grants=tuple(_grant_fact(grant) for grant in grants if _counts(grant)),
        subscriptions=tuple(_subscription_fact(row) for row in subscriptions),
    )


def payments(invoices: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """Return those invoices for which money was taken, whatever became of it."""
    return invoices.filter(status__in=_PAID, total_minor__gt=0)


def say(standing: Standing, zone: ZoneInfo) -> str:
    """Return a reason in the active language, its times in the person's zone."""
    return gettext(SENTENCES[standing.code]) % {
        "until": written_date(standing.until, zone),
        "since": written_date(standing.since, zone),
    }


def written_date(at: datetime | None, zone: ZoneInfo) -> str:
    """Return date, time and zone for a sentence; empty for None."""
    if at is None:
        return ""
    return formats.date_format(at.astimezone(zone), "j F Y, H:i") + f" ({zone.key})"


def _counts(row: Grant) -> bool:
    is_agreed = row.confirmed_by is not None or not row.needs_second_person
    return row.kind in _WEIGHED and row.withdrawn_at is None and is_agreed


def _grant_fact(row: Grant) -> GrantFact:
    return GrantFact(GrantKind(row.kind), row.starts_at, row.ends_at)


def _trial_fact(row: Trial | None) -> TrialFact | None:
    return None if row is None else TrialFact(row.started_at, row.ends_at, row.refused)


def _subscription_fact(row: Subscription) -> SubscriptionFact:
    return SubscriptionFact(
        status=row.status,
        period_ends_at=row.period_ends_at,
        is_ending=row.is_ending,
        ended_at=row.ended_at,
        trial_ends_at=row.trial_ends_at,
        past_due_since=row.past_due_since,
        is_refunded=row.is_refunded,
        has_dispute=row.has_dispute,
    )
