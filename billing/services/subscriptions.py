"""Ending a subscription with its period, going on after all, and ending it with the account."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from accounts import api as accounts
from billing.contracts import SubscriptionView
from billing.models import Customer, Subscription
from billing.providers import provider
from billing.services.locks import alone
from billing.services.overview import LIVE, newest_subscription, subscription_view
from billing.services.sync import sync_customer
from cryptosystems.kernel.errors import NotAllowed

_ENDED: Final = ("canceled", "incomplete_expired")


def cancel_subscription(user_id: UUID, now: datetime | None = None) -> SubscriptionView:
    """Let the subscription end with the period that is paid for."""
    return _set_ending(user_id, True, "subscription_cancelled", now)


def reactivate_subscription(user_id: UUID, now: datetime | None = None) -> SubscriptionView:
    """Take a cancellation back while the period still runs."""
    return _set_ending(user_id, False, "subscription_reactivated", now)


def _set_ending(
    user_id: UUID, is_ending: bool, action: str, now: datetime | None
) -> SubscriptionView:
    with alone(f"checkout:{user_id}"):
        customer, row = _fresh(user_id, now)
        if row.is_ending != is_ending:
            # The fetch number makes the key: cancel, go on, cancel again are three acts.
            number = Customer.objects.for_user(user_id).values_list("fetch_number", flat=True)
            provider().set_ending(
                row.provider_id,
                is_ending,
                key=f"ending:{row.provider_id}:{is_ending}:{number.get()}",
            )
            accounts.audit(action, subject_id=user_id, actor_id=user_id, actor_kind="user")
            sync_customer(customer.provider_id, now)
            row.refresh_from_db()
        return subscription_view(row)


def _fresh(user_id: UUID, now: datetime | None) -> tuple[Customer, Subscription]:
    customer = Customer.objects.for_user(user_id).first()
    if customer is not None:
        sync_customer(customer.provider_id, now)
    row = newest_subscription(user_id)
    if customer is None or row is None or row.status not in LIVE:
        raise NotAllowed(_("There is no running subscription."), code="no_subscription")
    return customer, row


def close_for_deletion(user_id: UUID, now: datetime | None = None) -> None:
    """End every subscription at once, before an account is deleted.

    Invoices stay at the provider, as the law wants; our rows go with the account.

    Raises
    ------
    RetryLater
        If the provider does not answer: the account stays until it does.
    """
    with alone(f"checkout:{user_id}"):
        customer = Customer.objects.for_user(user_id).first()
        if customer is None:
            return
        # Asked anew: one that we have not heard of yet would go on being paid for ever.
        for each in provider().snapshot(customer.provider_id).subscriptions:
            if each.status not in _ENDED:
                provider().cancel_now(each.id, key=f"close:{each.id}")
                accounts.audit("subscription_closed", subject_id=user_id)
        sync_customer(customer.provider_id, now)
