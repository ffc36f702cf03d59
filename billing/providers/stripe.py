"""Stripe behind the port. Imported only when it is needed: the client takes a second to load."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import stripe
import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from billing.providers import stripe_shapes as shapes
from billing.providers.port import (
    ChargeData,
    CheckoutData,
    CheckoutOrder,
    CustomerData,
    CustomerSnapshot,
    EventData,
    PriceData,
    ProviderFault,
    ProviderRefused,
    SubscriptionData,
)
from cryptosystems.kernel.errors import CryptoSystemsError, NeedsOperator, RetryLater, Unresolved

log = structlog.get_logger(__name__)

CONNECT_S: Final = 4.0
READ_S: Final = 12.0
RETRIES: Final = 2
"""Repeats by the client itself, with the same idempotency key, after a broken connection."""
_PAGE: Final = 100
_ENDED: Final = ("canceled", "incomplete_expired")


def from_settings(within_s: float | None = None) -> "Stripe":
    """Return Stripe with the key and the address of the settings.

    `within_s` is for whoever only looks whether it answers: no repeats, and no longer than that.

    Raises
    ------
    NeedsOperator
        If there is no key.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise NeedsOperator(
            "Payments are not set up: set STRIPE_SECRET_KEY, or start with `bin/up`, which "
            "brings a local stand-in."
        )
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, within_s)


@lru_cache(maxsize=4)
def _client(key: str, base: str, within_s: float | None) -> "Stripe":
    return Stripe(key, base, within_s)


class Stripe:
    """The port over stripe-python's typed client."""

    def __init__(self, key: str, base: str = "", within_s: float | None = None) -> None:
        waits_s = (CONNECT_S, READ_S) if within_s is None else (within_s / 2, within_s / 2)
        self._stripe = stripe.StripeClient(
            key,
            base_addresses={"api": base.rstrip("/")} if base else None,
            http_client=stripe.RequestsClient(timeout=waits_s),
            max_network_retries=RETRIES if within_s is None else 0,
        )
        self._v1 = self._stripe.v1

    def price(self, price_id: str) -> PriceData:
        with _told():
            found = self._v1.prices.retrieve(price_id, {"expand": ["product"]})
        return shapes.price(_plain(found))

    def find_customer(self, user_id: UUID, email: str) -> CustomerData | None:
        with _told():
            for raw in self._v1.customers.list({"email": email, "limit": _PAGE}).auto_paging_iter():
                found = shapes.customer(_plain(raw))
                if found.user_id == user_id and not found.is_deleted:
                    return found
        return None

    def create_customer(self, user_id: UUID, email: str, *, key: str) -> CustomerData:
        with _told():
            made = self._v1.customers.create(
                {"email": email, "metadata": {"user_id": str(user_id)}}, {"idempotency_key": key}
            )
        return shapes.customer(_plain(made))

    def set_email(self, customer_id: str, email: str, *, key: str) -> None:
        with _told():
            self._v1.customers.update(customer_id, {"email": email}, {"idempotency_key": key})

    def snapshot(self, customer_id: str) -> CustomerSnapshot:
        with _told():
            try:
                raw = _plain(self._v1.customers.retrieve(customer_id))
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                raw = {"id": customer_id, "deleted": True}
            customer = shapes.customer(raw)
            if customer.is_deleted:
                return CustomerSnapshot(customer, (), (), ())
            subscriptions = self._v1.subscriptions.list(
                {"customer": customer_id, "status": "all", "limit": _PAGE}
            ).auto_paging_iter()
            invoices = self._v1.invoices.list(
                {"customer": customer_id, "limit": _PAGE, "expand": ["data.payments"]}
            ).auto_paging_iter()
            charges = self._v1.charges.list(
                {"customer": customer_id, "limit": _PAGE}
            ).auto_paging_iter()
            return CustomerSnapshot(
                customer,
                tuple(shapes.subscription(_plain(each)) for each in subscriptions),
                tuple(shapes.invoice(_plain(each)) for each in invoices),
                tuple(self._charge(_plain(each)) for each in charges),
            )

    def _charge(self, raw: dict[str, Any]) -> ChargeData:
        if not raw.get("disputed"):
            return shapes.charge(raw, ())
        disputes = self._v1.disputes.list({"charge": raw["id"]}).auto_paging_iter()
        return shapes.charge(raw, tuple(str(each.status) for each in disputes))

    def create_checkout(self, order: CheckoutOrder, *, key: str) -> CheckoutData:
        subscription: dict[str, Any] = {"metadata": {"user_id": str(order.user_id)}}
        if order.trial_ends_at is not None:
            subscription["trial_end"] = int(order.trial_ends_at.timestamp())
        wanted: dict[str, Any] = {
            "mode": "subscription",
            "customer": order.customer_id,
            "client_reference_id": str(order.user_id),
            "line_items": [{"price": order.price_id, "quantity": 1}],
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "allow_promotion_codes": True,
            "subscription_data": subscription,
        }
        if order.with_tax:
            wanted["automatic_tax"] = {"enabled": True}
            wanted["tax_id_collection"] = {"enabled": True}
            wanted["billing_address_collection"] = "required"
            # Tax needs the address, and an id the name, on the customer itself.
            wanted["customer_update"] = {"address": "auto", "name": "auto"}
        with _told():
            made = self._v1.checkout.sessions.create(wanted, {"idempotency_key": key})  # type: ignore[arg-type]  # built up by settings
        return shapes.checkout(_plain(made))

    def checkout(self, checkout_id: str) -> CheckoutData:
        with _told():
            return shapes.checkout(_plain(self._v1.checkout.sessions.retrieve(checkout_id)))

    def expire_checkout(self, checkout_id: str, *, key: str) -> None:
        with _told():
            # An open one only: Stripe refuses the others, with words instead of a code.
            if self._v1.checkout.sessions.retrieve(checkout_id).status == "open":
                self._v1.checkout.sessions.expire(checkout_id, {}, {"idempotency_key": key})

    def portal_url(self, customer_id: str, return_url: str, *, key: str) -> str:
        with _told():
            made = self._v1.billing_portal.sessions.create(
                {"customer": customer_id, "return_url": return_url}, {"idempotency_key": key}
            )
        return made.url

    def set_ending(self, subscription_id: str, is_ending: bool, *, key: str) -> None:
        with _told():
            self._v1.subscriptions.update(
                subscription_id, {"cancel_at_period_end": is_ending}, {"idempotency_key": key}
            )

    def cancel_now(self, subscription_id: str, *, key: str) -> None:
        with _told():
            try:
                self._v1.subscriptions.cancel(subscription_id, {}, {"idempotency_key": key})
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise

    def customer_of_charge(self, charge_id: str) -> str:
        with _told():
            try:
                return shapes.id_of(_plain(self._v1.charges.retrieve(charge_id)).get("customer"))
            except stripe.InvalidRequestError as error:
                if error.code != "resource_missing":
                    raise
                return ""

    def customers(self) -> Iterator[CustomerData]:
        with _told():
            for raw in self._v1.customers.list({"limit": _PAGE}).auto_paging_iter():
                yield shapes.customer(_plain(raw))

    def live_subscriptions(self) -> Iterator[SubscriptionData]:
        with _told():
            # Without a status Stripe leaves out what has ended.
            for raw in self._v1.subscriptions.list({"limit": _PAGE}).auto_paging_iter():
                found = shapes.subscription(_plain(raw))
                if found.status not in _ENDED:
                    yield found

    def events_since(self, since: datetime) -> Iterator[EventData]:
        with _told():
            for raw in self._v1.events.list(
                {"limit": _PAGE, "created": {"gte": int(since.timestamp())}}
            ).auto_paging_iter():
                yield shapes.event(_plain(raw))


def _plain(thing: stripe.StripeObject) -> dict[str, Any]:
    """Return nested dictionaries: Stripe's objects are none since version 15."""
    return thing.to_dict()


@contextmanager
def _told() -> Iterator[None]:
    """Turn Stripe's errors into ours, by what the caller should do next."""
    silent = _(
        "Payments do not answer right now. Nothing was booked; everything else works. "
        "Try again in a few minutes."
    )
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        log.warning("payments_silent", error=type(error).__name__)
        raise RetryLater(silent, after_s=60) from None
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.error("payments_refuse_our_key", error=type(error).__name__)
        raise NeedsOperator(
            "The payment provider refuses our key: check STRIPE_SECRET_KEY and its rights."
        ) from None
    except stripe.IdempotencyError as error:
        if error.http_status == 409:  # the same act is under way at this moment
            raise RetryLater(silent, after_s=5) from None
        # The same key with other parameters: a fault of ours, never of the person.
        log.error("idempotency_key_reused")
        raise Unresolved(_("That was already asked for in another form. Load the page.")) from None
    except stripe.APIError as error:
        log.warning("payments_failed", status=error.http_status)
        raise ProviderFault(silent, after_s=60) from None
    except stripe.StripeError as error:
        if error.http_status is not None and error.http_status >= 500:
            raise ProviderFault(silent, after_s=60) from None
        log.warning("payments_refused", status=error.http_status, reason=error.code)
        raise ProviderRefused(
            _("The payment provider refused this: %(why)s")
            % {"why": error.user_message or error.code or "no reason given"},
            reason=error.code or "",
        ) from None
    except CryptoSystemsError:
        raise
    except Exception as error:  # an answer in a shape we do not know is no fault of the person
        log.exception("payments_not_understood", error=type(error).__name__)
        raise Unresolved(
            _("Payments answered in a way we do not understand. We have noted it. Look here again.")
        ) from None
