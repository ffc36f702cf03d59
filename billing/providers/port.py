"""What billing needs of a payment provider, in our own words.

Every call that writes takes an idempotency key: repeated with the same key it happens once.

Raises, from every call
-----------------------
RetryLater
    The provider does not answer, or is too busy; for a write with a key, try the same again.
ProviderFault
    The provider answered with a failure of its own (a 5xx). It may repeat that answer to the same
    key for a day: look whether it happened, then use another key.
ProviderRefused
    The provider understood and said no: trying again will not help.
NeedsOperator
    The key or the account is wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from cryptosystems.kernel.errors import CryptoSystemsError, RetryLater


class ProviderFault(RetryLater):
    """The provider answered with a failure of its own."""

    code = "provider_fault"


class ProviderRefused(CryptoSystemsError):
    """The provider said no for good; `reason` is its stable code."""

    code = "provider_refused"

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PriceData:
    """A price object."""

    id: str
    amount_minor: int
    currency: str
    interval: str
    interval_count: int
    is_active: bool
    product_name: str


@dataclass(frozen=True, slots=True)
class CustomerData:
    """A customer."""

    id: str
    email: str
    user_id: UUID | None
    """Our user, from the metadata we set; None: it is not one of ours."""
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class SubscriptionData:
    """A subscription now."""

    id: str
    customer_id: str
    price_id: str
    status: str
    amount_minor: int
    currency: str
    started_at: datetime
    period_ends_at: datetime | None
    is_ending: bool
    ended_at: datetime | None
    trial_ends_at: datetime | None = None
    """Until when our trial was carried over, if it was."""


@dataclass(frozen=True, slots=True)
class InvoiceData:
    """An invoice now."""

    id: str
    subscription_id: str
    number: str
    status: str
    issued_at: datetime
    due_at: datetime
    """When it was to be paid: the moment it was finalised, where payment is automatic."""
    paid_at: datetime | None
    total_minor: int
    tax_minor: int
    currency: str
    hosted_url: str
    pdf_url: str
    payment_ids: tuple[str, ...]
    """Charges and payment intents that paid it or tried to."""


@dataclass(frozen=True, slots=True)
class ChargeData:
    """A charge now, with what went back of it and who disputes it."""

    id: str
    payment_intent_id: str
    amount_minor: int
    refunded_minor: int
    """All that was given back so far, as one figure: never summed by us."""
    dispute_statuses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerSnapshot:
    """Everything about one customer, fetched anew."""

    customer: CustomerData
    subscriptions: tuple[SubscriptionData, ...]
    invoices: tuple[InvoiceData, ...]
    charges: tuple[ChargeData, ...]


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """What a checkout is opened for."""

    customer_id: str
    user_id: UUID
    price_id: str
    success_url: str
    cancel_url: str
    trial_ends_at: datetime | None
    """Until when nothing is billed; None: billed at once."""
    with_tax: bool


@dataclass(frozen=True, slots=True)
class CheckoutData:
    """A visit to the provider's checkout page."""

    id: str
    url: str
    is_open: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EventData:
    """A signed event, reduced to what it hints at: no names, no addresses, no amounts."""

    id: str
    type: str
    created_at: datetime
    is_live: bool
    object_type: str
    object_id: str
    customer_id: str
    """Empty where the object names none; a charge may lead to one."""
    charge_id: str


class PaymentProvider(Protocol):
    """A payment provider."""

    def price(self, price_id: str) -> PriceData:
        """Return a price object."""
        ...

    def find_customer(self, user_id: UUID, email: str) -> CustomerData | None:
        """Return the living customer that was made for this user, if there is one."""
        ...

    def create_customer(self, user_id: UUID, email: str, *, key: str) -> CustomerData:
        """Make a customer that carries the user's id."""
        ...

    def set_email(self, customer_id: str, email: str, *, key: str) -> None:
        """Let receipts and reminders of the provider go to another address."""
        ...

    def snapshot(self, customer_id: str) -> CustomerSnapshot:
        """Fetch everything about a customer; a deleted or unknown one has nothing."""
        ...

    def create_checkout(self, order: CheckoutOrder, *, key: str) -> CheckoutData:
        """Open a checkout."""
        ...

    def checkout(self, checkout_id: str) -> CheckoutData:
        """Return a checkout as it is now."""
        ...

    def expire_checkout(self, checkout_id: str, *, key: str) -> None:
        """Close a checkout that nobody has finished; one that is closed is no error."""
        ...

    def portal_url(self, customer_id: str, return_url: str, *, key: str) -> str:
        """Return the address of the provider's page for cards, invoices and cancelling."""
        ...

    def set_ending(self, subscription_id: str, is_ending: bool, *, key: str) -> None:
        """Let a subscription end with its period, or go on after all."""
        ...

    def cancel_now(self, subscription_id: str, *, key: str) -> None:
        """End a subscription at once; one that has ended already is no error."""
        ...

    def customer_of_charge(self, charge_id: str) -> str:
        """Return whose charge it is; empty: nobody's."""
        ...

    def customers(self) -> Iterator[CustomerData]:
        """Go through all living customers."""
        ...

    def live_subscriptions(self) -> Iterator[SubscriptionData]:
        """Go through all subscriptions that have not ended."""
        ...

    def events_since(self, since: datetime) -> Iterator[EventData]:
        """Go through the events since then, the newest first; the provider keeps 30 days."""
        ...
