"""Mails of the life of a subscription: begun, cancelled, ended, given back. Each leaves once.

They are written by the transaction that writes the fetched state, and only about what it changed.
The letter's row decides whether a mail has left, whatever made the state be fetched again.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import api as accounts
from accounts.contracts import UserView
from billing.models import Letter, Subscription
from billing.providers.port import CustomerSnapshot, InvoiceData, SubscriptionData
from billing.services.letters import write_to
from billing.services.overview import LIVE
from billing.services.plans import is_standin, money
from billing.services.snapshot_rows import invoice_rows

_STILL_NEWS: Final = timedelta(days=3)
"""What began or ended longer ago is known by now: a row that was lost and found tells nothing."""

_TEMPLATES: Final = {
    Letter.Kind.BEGUN: "subscription_begun",
    Letter.Kind.ENDING: "subscription_ending",
    Letter.Kind.ENDED: "subscription_ended",
    Letter.Kind.REFUNDED: "refunded",
}

News = tuple[Letter.Kind, str, dict[str, Any]]
"""What to tell, about which object, and what the text needs."""


def tell(user_id: UUID, snapshot: CustomerSnapshot, changed: set[str], now: datetime) -> int:
    """Write the mails about what changed; return how many. Call it where the rows are written.

    `changed` holds the ids of the objects that differed from our rows. Who leaves today hears it
    from the deletion of the account.
    """
    user = accounts.user_by_id(user_id)
    if user is None or not user.is_active or (user.deletion_due_at or now) < now:
        return 0
    news = [*_of_subscriptions(user_id, snapshot, changed, now), *_of_refunds(snapshot, changed)]
    return sum(_once(user, *each) for each in news)


def _of_subscriptions(
    user_id: UUID, snapshot: CustomerSnapshot, changed: set[str], now: datetime
) -> Iterator[News]:
    for data in snapshot.subscriptions:
        if data.id not in changed:
            continue
        if data.ended_at is not None:
            if _is_end_news(user_id, data, snapshot, now):
                yield Letter.Kind.ENDED, data.id, {"ended_at": data.ended_at}
        elif data.status in ("active", "trialing"):
            if now - data.started_at < _STILL_NEWS:
                yield Letter.Kind.BEGUN, data.id, _price(data)
            if data.is_ending and data.period_ends_at is not None:
                # Cancelled, kept and cancelled again in one month leads to the same end.
                about = f"{data.id}:{int(data.period_ends_at.timestamp())}"
                yield Letter.Kind.ENDING, about, {"until": data.period_ends_at}


def _price(data: SubscriptionData) -> dict[str, Any]:
    return {
        "price": money(data.amount_minor),
        "currency": data.currency,
        "trial_ends_at": data.trial_ends_at if data.status == "trialing" else None,
        "next_at": data.period_ends_at,
        "is_ending": data.is_ending,
    }


def _is_end_news(
    user_id: UUID, data: SubscriptionData, snapshot: CustomerSnapshot, now: datetime
) -> bool:
    """Say whether somebody loses something: not by a first payment that never came, nor by an
    old subscription while another one runs."""
    had_begun = data.trial_ends_at is not None or any(
        each.subscription_id == data.id and each.status == "paid" for each in snapshot.invoices
    )
    is_old = data.ended_at is None or now - data.ended_at >= _STILL_NEWS
    goes_on = Subscription.objects.for_user(user_id).filter(status__in=LIVE).exists()
    return had_begun and not is_old and not goes_on


def _of_refunds(snapshot: CustomerSnapshot, changed: set[str]) -> Iterator[News]:
    rows = invoice_rows(snapshot)
    for data in snapshot.invoices:
        refunded = rows[data.id]["refunded_minor"]
        if data.id in changed and refunded > 0:
            yield Letter.Kind.REFUNDED, f"{data.id}:{refunded}", _refund(data, refunded)


def _refund(data: InvoiceData, refunded_minor: int) -> dict[str, Any]:
    return {
        "refunded": money(refunded_minor),
        "total": money(data.total_minor),
        "currency": data.currency,
        "number": data.number,
        "is_whole": refunded_minor >= data.total_minor,
    }


def _once(user: UserView, kind: Letter.Kind, about: str, context: dict[str, Any]) -> bool:
    if Letter.objects.for_user(user.id).filter(kind=kind, about=about).exists():
        return False
    try:
        with transaction.atomic():
            Letter.objects.add_for(user.id, kind=kind, about=about)
            write_to(
                user,
                _TEMPLATES[kind],
                billing_url=f"{settings.SITE_URL}/account/billing",
                is_standin=is_standin(),
                **context,
            )
    except IntegrityError:  # somebody else has told it meanwhile
        return False
    return True
