"""Compares all of our rows with the provider, from the provider's side, and mends by syncing.

What a sync cannot mend (a customer of nobody with a running subscription, two running
subscriptions of one person) is listed for staff and logged as an error.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from accounts import api as accounts
from billing.contracts import DriftView
from billing.models import Customer, ProviderEvent, Subscription
from billing.providers import provider
from billing.providers.port import CustomerData, EventData, ProviderRefused
from billing.services import inbox
from billing.services.customers import adopt
from billing.services.locks import alone_or_not
from billing.services.overview import LIVE
from billing.services.sync import sync_customer
from billing.services.waking import wake

log = structlog.get_logger(__name__)

ALARM_SHARE: Final = 0.001
_EVENTS_KEPT: Final = timedelta(days=30)
_CHANGED_SINCE: Final = timedelta(hours=2)
_ON_ITS_WAY: Final = timedelta(minutes=10)
"""An event younger than this may still arrive by itself."""


def reconcile_all(now: datetime | None = None) -> list[DriftView]:
    """Compare and mend everything; return what had drifted. A second call meanwhile does nothing.

    Raises
    ------
    RetryLater
        If the provider does not answer.
    """
    now = now or timezone.now()
    with alone_or_not("reconcile") as is_mine:
        if not is_mine:
            return []
        theirs = list(provider().customers())
        known = {each.id for each in theirs}
        drifts = _gone(known, now)
        for each in theirs:
            drifts += _reconciled(each, now)
        drifts += _running_doubles(now)
        drifts += missed_events(now - _EVENTS_KEPT, now)
        _tell(drifts, max(1, len(theirs)))
        return drifts


def reconcile_changed(now: datetime | None = None) -> list[DriftView]:
    """Compare and mend those of whom something happened lately, and those we failed to fetch."""
    now = now or timezone.now()
    with alone_or_not("reconcile") as is_mine:
        if not is_mine:
            return []
        drifts = missed_events(now - _CHANGED_SINCE, now)
        ids = _customers_to_look_at(now)
        for provider_id in sorted(ids):
            drifts += _synced(provider_id, now)
        _tell(drifts, max(1, len(ids)))
        return drifts


def missed_events(since: datetime, now: datetime) -> list[DriftView]:
    """Store events that happened and never came; the sweeper works them."""
    drifts: list[DriftView] = []
    for event in provider().events_since(since):
        owner = _owner(event.customer_id)
        if owner is None or event.created_at > now - _ON_ITS_WAY:
            continue
        if not ProviderEvent.objects.filter(provider_id=event.id).exists() and inbox.store(
            event, wake, now
        ):
            drifts.append(_drift(event.customer_id, owner, event.id, "missed_event", True))
    return drifts


def _customers_to_look_at(now: datetime) -> set[str]:
    lately: Iterable[EventData] = provider().events_since(now - _CHANGED_SINCE)
    named = {event.customer_id for event in lately}
    rows = Customer.objects.across_tenants("reconcile")
    overdue = (
        Subscription.objects.across_tenants("reconcile")
        .filter(status__in=LIVE, period_ends_at__lt=now)
        .values("user_id")
    )
    return (
        set(rows.filter(provider_id__in=named).values_list("provider_id", flat=True))
        | set(rows.exclude(trouble="").values_list("provider_id", flat=True))
        | set(rows.filter(user_id__in=overdue).values_list("provider_id", flat=True))
    )


def _gone(known: set[str], now: datetime) -> list[DriftView]:
    """Mend our customers whom the provider does not have."""
    rows = Customer.objects.across_tenants("reconcile").values_list("provider_id", "user_id")
    drifts = []
    for provider_id, user_id in list(rows):
        if provider_id not in known:
            sync_customer(provider_id, now)
            is_mended = _owner(provider_id) is None
            drifts.append(_drift(provider_id, user_id, provider_id, "unknown", is_mended))
    return drifts


def _reconciled(theirs: CustomerData, now: datetime) -> list[DriftView]:
    if _owner(theirs.id) is not None:
        return _synced(theirs.id, now)
    if theirs.user_id is None or accounts.user_by_id(theirs.user_id) is None:
        return []  # of another product, or of a deleted account: a running subscription is found
    is_ours = adopt(theirs.user_id, theirs.id).provider_id == theirs.id
    drifts = [_drift(theirs.id, theirs.user_id, theirs.id, "unknown_customer", is_ours)]
    return drifts + (_synced(theirs.id, now) if is_ours else [])


def _synced(provider_id: str, now: datetime) -> list[DriftView]:
    user_id = _owner(provider_id)
    try:
        found = sync_customer(provider_id, now)
    except ProviderRefused as error:
        log.exception("customer_not_reconciled", customer=provider_id)
        return [_drift(provider_id, user_id, provider_id, error.code, False)]
    return [_drift(provider_id, user_id, each.thing, each.what, True) for each in found]


def _running_doubles(now: datetime) -> list[DriftView]:
    """List running subscriptions of nobody we know, and the second one of one person."""
    of_user: dict[UUID, list[str]] = defaultdict(list)
    drifts = []
    for each in provider().live_subscriptions():
        owner = _owner(each.customer_id)
        if owner is None:
            drifts.append(_drift(each.customer_id, None, each.id, "unknown_subscription", False))
        else:
            of_user[owner].append(each.id)
    for owner, ids in of_user.items():
        if len(ids) > 1:
            customer = Customer.objects.for_user(owner).get().provider_id
            drifts += [_drift(customer, owner, each, "two_live", False) for each in ids]
    return drifts


def _owner(provider_id: str) -> UUID | None:
    rows = Customer.objects.across_tenants("reconcile").filter(provider_id=provider_id)
    return rows.values_list("user_id", flat=True).first()


def _drift(
    customer_id: str, user_id: UUID | None, thing: str, what: str, is_mended: bool
) -> DriftView:
    return DriftView(customer_id, user_id, thing, what, is_mended)


def _tell(drifts: list[DriftView], n_customers: int) -> None:
    for each in drifts:
        tell = log.info if each.is_mended else log.error
        tell("billing_drift", customer=each.customer_id, thing=each.thing, what=each.what)
    share = len({each.customer_id for each in drifts}) / n_customers
    if share > ALARM_SHARE:
        log.error("billing_drift_alarm", share=round(share, 5), customers=n_customers)
