"""The one customer at the provider of one user."""

from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.contracts import UserView
from billing.models import Customer
from billing.providers import provider
from billing.providers.port import CustomerData, ProviderFault


def customer_of(user: UserView, *, after: str = "") -> Customer:
    """Return the customer of a user, made now if there is none.

    `after` names one that the provider has deleted: its key would only bring it back.
    Call it while holding the user's lock: the provider's key makes it once even so, but only for
    a day.
    """
    held = Customer.objects.for_user(user.id).first()
    if held is not None:
        return held
    found = provider().find_customer(user.id, user.email) or _create(user, after)
    return adopt(user.id, found.id)


def adopt(user_id: UUID, provider_id: str) -> Customer:
    """Write down which customer a user is; the row that another writer made first stands."""
    try:
        with transaction.atomic():
            return Customer.objects.add_for(user_id, provider_id=provider_id)
    except IntegrityError:
        return Customer.objects.for_user(user_id).get()


def _create(user: UserView, after: str) -> CustomerData:
    key = f"cust:{user.id}:after:{after}" if after else f"cust:{user.id}"
    try:
        return provider().create_customer(user.id, user.email, key=key)
    except ProviderFault:
        # The failure is repeated to the same key for a day; it may have happened all the same.
        return provider().find_customer(user.id, user.email) or provider().create_customer(
            user.id, user.email, key=f"{key}:2"
        )
