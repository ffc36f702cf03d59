"""The one customer at the provider of one user."""

from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from accounts import api as accounts
from accounts.contracts import UserView
from billing.models import Customer
from billing.providers import provider
from billing.providers.port import CustomerData, ProviderFault
from cryptosystems.kernel.errors import CryptoSystemsError

log = structlog.get_logger(__name__)


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


def follow_address(customer: Customer, theirs: CustomerData) -> bool:
    """Let the provider write to the address of the account; say whether it had another one.

    Nothing hangs on it: where the provider does not take it, the next fetch tries again, at the
    latest the one of the night.
    """
    user = accounts.user_by_id(customer.user_id)
    if user is None or theirs.is_deleted or theirs.email.lower() == user.email.lower():
        return False
    try:
        # The fetch number makes the key: from one address to another and back are two acts.
        key = f"email:{customer.provider_id}:{customer.fetch_number}"
        provider().set_email(customer.provider_id, user.email, key=key)
    except CryptoSystemsError as error:
        log.warning("address_not_followed", customer=customer.provider_id, error=error.code)
        return False
    log.info("address_followed", customer=customer.provider_id)
    return True


def _create(user: UserView, after: str) -> CustomerData:
    key = f"cust:{user.id}:after:{after}" if after else f"cust:{user.id}"
    try:
        return provider().create_customer(user.id, user.email, key=key)
    except ProviderFault:
        # The failure is repeated to the same key for a day; it may have happened all the same.
        return provider().find_customer(user.id, user.email) or provider().create_customer(
            user.id, user.email, key=f"{key}:2"
        )
