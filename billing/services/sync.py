"""Fetches the truth of one customer and writes it down whole: the only way rows change.

Each fetch takes a number before it begins, and writes only if no newer one has been written.
Whatever made an older fetch necessary had happened before the newer one asked, so the older one
is simply dropped. No lock is held while the provider is asked, and nobody waits for anybody.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import api as accounts
from billing.models import Customer, Invoice, Subscription
from billing.providers import provider
from billing.providers.port import CustomerSnapshot
from billing.services import news
from billing.services.customers import follow_address
from billing.services.snapshot_rows import Row, invoice_rows, subscription_rows
from cryptosystems.kernel.errors import CryptoSystemsError
from cryptosystems.platform import bell

log = structlog.get_logger(__name__)

_TOLD: Final = ("missing", "status", "is_ending", "is_refunded", "has_dispute")


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which our rows differ from the provider's."""

    thing: str
    """The id of the object at the provider."""
    what: str
    """The field, or `missing` or `unknown`."""


def sync_user(user_id: UUID, now: datetime | None = None) -> None:
    """Fetch the truth of a person now; nothing to do for one who never came to pay."""
    customer = Customer.objects.for_user(user_id).first()
    if customer is not None:
        sync_customer(customer.provider_id, now)


def sync_customer(provider_id: str, now: datetime | None = None) -> list[Difference]:
    """Fetch and write one customer; return what had been different.

    Where a newer fetch was faster nothing is written, and nothing is missing: it began later.

    Raises
    ------
    RetryLater
        If the provider does not answer.
    """
    customer = _begin(provider_id)
    if customer is None:
        return []
    try:
        snapshot = provider().snapshot(provider_id)
    except CryptoSystemsError as error:
        Customer.objects.for_user(customer.user_id).filter(pk=customer.pk).update(
            trouble=error.code
        )
        raise
    found = write(customer, snapshot, now or timezone.now())
    if found is None:
        return []
    follow_address(customer, snapshot.customer)
    return found


def _begin(provider_id: str) -> Customer | None:
    """Take the next fetch number by compare-and-swap."""
    rows = Customer.objects.across_tenants("sync").filter(provider_id=provider_id)
    while (customer := rows.first()) is not None:
        number = customer.fetch_number
        if rows.filter(fetch_number=number).update(fetch_number=F("fetch_number") + 1):
            customer.fetch_number = number + 1
            return customer
    return None


def write(customer: Customer, snapshot: CustomerSnapshot, now: datetime) -> list[Difference] | None:
    """Write a snapshot in one transaction; None if a newer one is written: it stays."""
    with transaction.atomic():
        is_newest = (
            Customer.objects.for_user(customer.user_id)
            .filter(pk=customer.pk, written_number__lt=customer.fetch_number)
            .update(written_number=customer.fetch_number, synced_at=now, trouble="")
        )
        if not is_newest:
            return None
        found = differences(customer.user_id, snapshot)
        differing = {each.thing for each in found}
        _store(Subscription, customer.user_id, subscription_rows(snapshot), differing)
        _store(Invoice, customer.user_id, invoice_rows(snapshot), differing)
        Subscription.objects.for_user(customer.user_id).update(fetched_at=now)
        _audit(customer.user_id, found, snapshot)
        if found:
            news.tell(customer.user_id, snapshot, differing, now)
            bell.ring(customer.user_id)
        if snapshot.customer.is_deleted:
            Customer.objects.for_user(customer.user_id).filter(pk=customer.pk).delete()
    return found


def _store(
    model: type[Subscription] | type[Invoice],
    user_id: UUID,
    rows: dict[str, Row],
    differing: set[str],
) -> None:
    # What the provider no longer has is not kept; a row that stood with another user moves.
    gone = differing - rows.keys()
    if gone:
        model.objects.for_user(user_id).filter(provider_id__in=gone).delete()
    everybody: Any = model.objects.across_tenants("sync")
    for provider_id in differing & rows.keys():
        everybody.update_or_create(
            provider_id=provider_id,
            defaults={"user_id": user_id, **rows[provider_id]},
            create_defaults={"user_id": user_id, **rows[provider_id], **_only_new(model)},
        )


def _only_new(model: type[Subscription] | type[Invoice]) -> dict[str, Any]:
    """Return what a row needs at its birth and `write` sets for all of them afterwards."""
    return {"fetched_at": timezone.now()} if model is Subscription else {}


def _audit(user_id: UUID, found: list[Difference], snapshot: CustomerSnapshot) -> None:
    told = {each.thing for each in found if each.what in _TOLD}
    for each in snapshot.subscriptions:
        if each.id in told:
            details = {"status": each.status, "is_ending": each.is_ending}
            accounts.audit("subscription_changed", subject_id=user_id, details=details)


def differences(user_id: UUID, snapshot: CustomerSnapshot) -> list[Difference]:
    """Return how our rows of a person differ from a snapshot; changes nothing."""
    held: list[tuple[Any, dict[str, Row]]] = [
        (Subscription.objects.for_user(user_id), subscription_rows(snapshot)),
        (Invoice.objects.for_user(user_id), invoice_rows(snapshot)),
    ]
    found: list[Difference] = []
    for rows, expected in held:
        ours = {row.provider_id: row for row in rows}
        found += [Difference(each, "unknown") for each in ours.keys() - expected.keys()]
        found += [Difference(each, "missing") for each in expected.keys() - ours.keys()]
        for provider_id in ours.keys() & expected.keys():
            found += [
                Difference(provider_id, field)
                for field, value in expected[provider_id].items()
                if getattr(ours[provider_id], field) != value
            ]
    return sorted(found, key=lambda each: (each.thing, each.what))
