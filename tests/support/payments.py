"""A payment provider in memory: it keeps objects, obeys keys, and tells what happened.

It says nothing by itself: a test takes what `events` holds and delivers it in any order, any
number of times. For words over a wire there is the stand-in, which runs as a server.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from billing.providers.port import (
    ChargeData,
    CheckoutData,
    CheckoutOrder,
    CustomerData,
    CustomerSnapshot,
    EventData,
    InvoiceData,
    PriceData,
    SubscriptionData,
)

Made = TypeVar("Made")
PRICE = "price_standin_monthly"
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
MONTH = timedelta(days=30)


@dataclass
class Payments:
    """The provider's side of everything; `at` is its clock."""

    at: datetime = NOON
    prices: dict[str, PriceData] = field(
        default_factory=lambda: {
            PRICE: PriceData(PRICE, 5999, "usd", "month", 1, True, "All access")
        }
    )
    people: dict[str, CustomerData] = field(default_factory=dict)
    subscriptions: dict[str, SubscriptionData] = field(default_factory=dict)
    invoices: dict[str, tuple[str, InvoiceData]] = field(default_factory=dict)
    charges: dict[str, tuple[str, ChargeData]] = field(default_factory=dict)
    checkouts: dict[str, tuple[CheckoutOrder, CheckoutData]] = field(default_factory=dict)
    events: list[EventData] = field(default_factory=list)
    trouble: Exception | None = None
    """Raised by every call while it is set: the provider is down."""
    calls: list[str] = field(default_factory=list)
    before_answer: Callable[[str], None] | None = None
    """Called after a snapshot was read and before it is given: a place to make a fetch slow."""
    _keys: dict[str, Any] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # --- what the provider does for us ------------------------------------------------------

    def price(self, price_id: str) -> PriceData:
        self._called("price")
        return self.prices[price_id]

    def find_customer(self, user_id: UUID, email: str) -> CustomerData | None:
        self._called("find_customer")
        return next((each for each in self.people.values() if each.user_id == user_id), None)

    def create_customer(self, user_id: UUID, email: str, *, key: str) -> CustomerData:
        self._called("create_customer")
        return self._once(key, lambda: self.add_customer(user_id, email))

    def set_email(self, customer_id: str, email: str, *, key: str) -> None:
        self._called("set_email")

        def change() -> None:
            self.people[customer_id] = replace(self.people[customer_id], email=email)
            self.tell("customer.updated", "customer", customer_id, customer_id)

        self._once(key, change)

    def snapshot(self, customer_id: str) -> CustomerSnapshot:
        self._called("snapshot")
        with self._lock:
            found = self._snapshot(customer_id)
        if self.before_answer is not None:
            self.before_answer(customer_id)
        return found

    def _snapshot(self, customer_id: str) -> CustomerSnapshot:
        if customer_id not in self.people:
            return CustomerSnapshot(CustomerData(customer_id, "", None, True), (), (), ())
        return CustomerSnapshot(
            self.people[customer_id],
            tuple(s for s in self.subscriptions.values() if s.customer_id == customer_id),
            tuple(i for owner, i in self.invoices.values() if owner == customer_id),
            tuple(c for owner, c in self.charges.values() if owner == customer_id),
        )

    def create_checkout(self, order: CheckoutOrder, *, key: str) -> CheckoutData:
        self._called("create_checkout")

        def make() -> CheckoutData:
            made = CheckoutData(
                self._id("cs"),
                f"https://pay.test/{self._id('page')}",
                True,
                self.at + timedelta(days=1),
            )
            self.checkouts[made.id] = (order, made)
            return made

        return self._once(key, make)

    def checkout(self, checkout_id: str) -> CheckoutData:
        self._called("checkout")
        return self.checkouts[checkout_id][1]

    def expire_checkout(self, checkout_id: str, *, key: str) -> None:
        self._called("expire_checkout")
        order, data = self.checkouts[checkout_id]
        self.checkouts[checkout_id] = (order, replace(data, is_open=False))

    def portal_url(self, customer_id: str, return_url: str, *, key: str) -> str:
        self._called("portal_url")
        return f"https://portal.test/{customer_id}"

    def set_ending(self, subscription_id: str, is_ending: bool, *, key: str) -> None:
        self._called("set_ending")
        self._once(
            key,
            lambda: self.change(
                subscription_id, "customer.subscription.updated", is_ending=is_ending
            ),
        )

    def cancel_now(self, subscription_id: str, *, key: str) -> None:
        self._called("cancel_now")
        self._once(key, lambda: self.end(subscription_id))

    def customer_of_charge(self, charge_id: str) -> str:
        self._called("customer_of_charge")
        return self.charges[charge_id][0] if charge_id in self.charges else ""

    def customers(self) -> Iterator[CustomerData]:
        self._called("customers")
        yield from list(self.people.values())

    def live_subscriptions(self) -> Iterator[SubscriptionData]:
        self._called("live_subscriptions")
        ended = ("canceled", "incomplete_expired")
        yield from [each for each in self.subscriptions.values() if each.status not in ended]

    def events_since(self, since: datetime) -> Iterator[EventData]:
        self._called("events_since")
        yield from [each for each in reversed(self.events) if each.created_at >= since]

    # --- what happens on its side -----------------------------------------------------------

    def add_customer(self, user_id: UUID | None, email: str = "") -> CustomerData:
        """Make a customer."""
        made = CustomerData(self._id("cus"), email, user_id)
        self.people[made.id] = made
        self.tell("customer.created", "customer", made.id, made.id)
        return made

    def subscribe(self, customer_id: str, status: str = "active", **more: Any) -> SubscriptionData:
        """Let somebody finish a checkout: a subscription with its first invoice paid."""
        made = SubscriptionData(
            id=self._id("sub"),
            customer_id=customer_id,
            price_id=PRICE,
            status=status,
            amount_minor=5999,
            currency="usd",
            started_at=self.at,
            period_ends_at=self.at + MONTH,
            is_ending=False,
            ended_at=None,
        )
        made = replace(made, **more)
        self.subscriptions[made.id] = made
        self.tell("customer.subscription.created", "subscription", made.id, customer_id)
        if status == "active":
            self.bill(made.id)
        return made

    def pay(self, checkout_id: str) -> SubscriptionData:
        """Let somebody pay on a checkout page."""
        order, data = self.checkouts[checkout_id]
        self.checkouts[checkout_id] = (order, replace(data, is_open=False))
        self.tell("checkout.session.completed", "checkout.session", data.id, order.customer_id)
        if order.trial_ends_at is None:
            return self.subscribe(order.customer_id)
        end = order.trial_ends_at
        return self.subscribe(order.customer_id, "trialing", period_ends_at=end, trial_ends_at=end)

    def bill(self, subscription_id: str, *, is_paid: bool = True) -> InvoiceData:
        """Make an invoice and take, or fail to take, the money."""
        subscription = self.subscriptions[subscription_id]
        charge = ChargeData(self._id("ch"), self._id("pi"), subscription.amount_minor, 0, ())
        made = InvoiceData(
            id=self._id("in"),
            subscription_id=subscription_id,
            number=f"CS-{len(self.invoices) + 1:04}",
            status="paid" if is_paid else "open",
            issued_at=self.at,
            due_at=self.at,
            paid_at=self.at if is_paid else None,
            total_minor=subscription.amount_minor,
            tax_minor=0,
            currency="usd",
            hosted_url=f"https://pay.test/{self._id('invoice')}",
            pdf_url="https://pay.test/invoice.pdf",
            payment_ids=(charge.payment_intent_id,),
        )
        self.invoices[made.id] = (subscription.customer_id, made)
        if is_paid:
            self.charges[charge.id] = (subscription.customer_id, charge)
        kind = "invoice.paid" if is_paid else "invoice.payment_failed"
        self.tell(kind, "invoice", made.id, subscription.customer_id)
        return made

    def fail_payment(self, subscription_id: str) -> InvoiceData:
        """Let a renewal fail."""
        made = self.bill(subscription_id, is_paid=False)
        self.change(subscription_id, "customer.subscription.updated", status="past_due")
        return made

    def recover(self, subscription_id: str, invoice_id: str) -> None:
        """Let a failed renewal be paid after all."""
        owner, data = self.invoices[invoice_id]
        self.invoices[invoice_id] = (owner, replace(data, status="paid", paid_at=self.at))
        self.tell("invoice.paid", "invoice", invoice_id, owner)
        self.change(subscription_id, "customer.subscription.updated", status="active")

    def refund(self, invoice_id: str, minor: int) -> None:
        """Give money back; the charge shows the sum of all of it."""
        charge_id, owner, charge = self._charge_of(invoice_id)
        given = replace(charge, refunded_minor=charge.refunded_minor + minor)
        self.charges[charge_id] = (owner, given)
        self.tell("charge.refunded", "charge", charge_id, owner)

    def dispute(self, invoice_id: str, status: str) -> None:
        """Let the bank open a dispute, or settle it."""
        charge_id, owner, charge = self._charge_of(invoice_id)
        self.charges[charge_id] = (owner, replace(charge, dispute_statuses=(status,)))
        self.tell("charge.dispute.updated", "dispute", self._id("dp"), "", charge_id)

    def end(self, subscription_id: str) -> None:
        """End a subscription now."""
        self.change(
            subscription_id, "customer.subscription.deleted", status="canceled", ended_at=self.at
        )

    def change(self, subscription_id: str, event: str, **changes: Any) -> None:
        """Change a subscription and tell of it."""
        with self._lock:
            changed = replace(self.subscriptions[subscription_id], **changes)
            self.subscriptions[subscription_id] = changed
        self.tell(event, "subscription", subscription_id, changed.customer_id)

    def tell(self, kind: str, object_type: str, id_: str, customer: str, charge: str = "") -> None:
        """Write an event down."""
        self.events.append(
            EventData(self._id("evt"), kind, self.at, False, object_type, id_, customer, charge)
        )

    def _charge_of(self, invoice_id: str) -> tuple[str, str, ChargeData]:
        wanted = self.invoices[invoice_id][1].payment_ids
        for charge_id, (owner, charge) in self.charges.items():
            if charge.payment_intent_id in wanted:
                return charge_id, owner, charge
        raise LookupError(invoice_id)

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.trouble is not None:
            raise self.trouble

    def _once(self, key: str, make: Callable[[], Made]) -> Made:
        with self._lock:
            if key not in self._keys:
                self._keys[key] = make()
            return self._keys[key]  # type: ignore[no-any-return]

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"
