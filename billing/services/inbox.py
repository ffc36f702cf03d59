"""The inbox of signed events: stored at once, worked once, by whoever claims them first.

An event is only a hint that something about a customer changed. Nothing in it is believed: the
customer is fetched anew.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import api as accounts
from billing.models import Customer, ProviderEvent
from billing.providers import provider
from billing.providers.port import EventData
from billing.services.sync import sync_customer
from cryptosystems.kernel.errors import CryptoSystemsError, NotAllowed, RetryLater

log = structlog.get_logger(__name__)

MOST_ATTEMPTS: Final = 8
_PAUSES_S: Final = (30, 60, 120, 300, 900, 3_600, 7_200, 14_400)
_BATCH: Final = 200
_LONGEST_ID: Final = 64


def store(event: EventData, wake: Callable[[int], None], now: datetime | None = None) -> bool:
    """Store an event and wake a worker after the commit; False if it is there already."""
    try:
        with transaction.atomic():
            row = ProviderEvent.objects.create(
                provider_id=event.id,
                type=event.type[:80],
                customer_id=event.customer_id[:_LONGEST_ID],
                created_at=event.created_at,
                received_at=now or timezone.now(),
                next_try_at=now or timezone.now(),
                # What identifies people stays with the provider.
                payload={
                    "object": event.object_type,
                    "id": event.object_id,
                    "charge": event.charge_id,
                },
            )
            transaction.on_commit(lambda: wake(row.pk))
    except IntegrityError:
        return False
    return True


class Outcome(Enum):
    """What became of an attempt to work an event."""

    WORKED = auto()
    PARKED = auto()
    NOT_MINE = auto()
    """It is not due, done already, or another worker has it."""
    FAILED = auto()
    SILENT = auto()
    """The provider does not answer."""


def work(pk: int, now: datetime | None = None) -> Outcome:
    """Work one event if it is due and nobody else has it."""
    now = now or timezone.now()
    row = ProviderEvent.objects.filter(
        pk=pk, state=ProviderEvent.State.WAITING, next_try_at__lte=now
    ).first()
    if row is None or not claim(row, now):
        return Outcome.NOT_MINE
    try:
        customer_id = _customer_of(row)
        if not _is_ours(customer_id):
            _end(row, ProviderEvent.State.PARKED, now, _why_parked(customer_id))
            return Outcome.PARKED
        sync_customer(customer_id, now)
    except CryptoSystemsError as error:
        _failed(row, f"{error.code}: {error}", now)
        return Outcome.SILENT if isinstance(error, RetryLater) else Outcome.FAILED
    except Exception as error:  # a shape we do not know must not stop the ones behind it
        log.exception("event_broke", row=row.pk)
        _failed(row, type(error).__name__, now)
        return Outcome.FAILED
    _end(row, ProviderEvent.State.DONE, now, "", customer_id)
    return Outcome.WORKED


def sweep(now: datetime | None = None) -> int:
    """Work what is due and no worker was woken for; return how many were worked or parked.

    It stops where the provider is silent: the others would only wait for it one by one.
    """
    now = now or timezone.now()
    due = ProviderEvent.objects.filter(state=ProviderEvent.State.WAITING, next_try_at__lte=now)
    pks = list(due.order_by("next_try_at", "pk").values_list("pk", flat=True)[:_BATCH])
    done = 0
    for pk in pks:
        outcome = work(pk, now)
        if outcome is Outcome.SILENT:
            break
        done += outcome in (Outcome.WORKED, Outcome.PARKED)
    return done


def prune(now: datetime | None = None, keep_days: int = 90) -> int:
    """Forget events that were worked long ago; what is parked or failed stays for a person."""
    limit = (now or timezone.now()) - timedelta(days=keep_days)
    done = ProviderEvent.objects.filter(state=ProviderEvent.State.DONE, received_at__lt=limit)
    return done.delete()[0]


def replay(pk: int, *, staff_id: UUID, wake: Callable[[int], None]) -> None:
    """Let an event be worked once more.

    Raises
    ------
    NotAllowed
        If it is waiting anyway, or does not exist.
    """
    with transaction.atomic():
        again = (
            ProviderEvent.objects.filter(pk=pk)
            .exclude(state=ProviderEvent.State.WAITING)
            .update(
                state=ProviderEvent.State.WAITING, attempts=0, next_try_at=timezone.now(), note=""
            )
        )
        if not again:
            raise NotAllowed("There is no such event, or it waits already.", code="not_replayable")
        accounts.audit(
            "event_replayed",
            subject_id=None,
            actor_id=staff_id,
            actor_kind="staff",
            details={"event": pk},
        )
        transaction.on_commit(lambda: wake(pk))


def claim(row: ProviderEvent, now: datetime) -> bool:
    """Take the event by compare-and-swap; a worker that dies lets go after the pause."""
    pause = timedelta(seconds=_PAUSES_S[min(row.attempts, len(_PAUSES_S) - 1)])
    claimed = ProviderEvent.objects.filter(
        pk=row.pk,
        state=ProviderEvent.State.WAITING,
        attempts=row.attempts,
        next_try_at=row.next_try_at,
    ).update(attempts=row.attempts + 1, next_try_at=now + pause)
    row.attempts += 1
    return bool(claimed)


def _customer_of(row: ProviderEvent) -> str:
    if row.customer_id or not row.payload.get("charge"):
        return row.customer_id
    # Refunds and disputes name the charge only.
    return provider().customer_of_charge(row.payload["charge"])


def _is_ours(customer_id: str) -> bool:
    rows = Customer.objects.across_tenants("events name customers")
    return bool(customer_id) and rows.filter(provider_id=customer_id).exists()


def _why_parked(customer_id: str) -> str:
    return f"no user of ours is {customer_id}" if customer_id else "it names no customer"


def _end(
    row: ProviderEvent, state: ProviderEvent.State, now: datetime, note: str, customer: str = ""
) -> None:
    ProviderEvent.objects.filter(pk=row.pk, attempts=row.attempts).update(
        state=state, done_at=now, note=note[:300], customer_id=customer or row.customer_id
    )


def _failed(row: ProviderEvent, note: str, now: datetime) -> None:
    is_last = row.attempts >= MOST_ATTEMPTS
    ProviderEvent.objects.filter(pk=row.pk, attempts=row.attempts).update(
        note=note[:300],
        **({"state": ProviderEvent.State.FAILED, "done_at": now} if is_last else {}),
    )
    log.warning("event_not_worked", row=row.pk, attempts=row.attempts, note=note[:60])
