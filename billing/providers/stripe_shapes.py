"""Turns Stripe's objects, as plain dictionaries, into ours. Nothing here asks anything.

Shapes of API 2026-10-28: the end of a period stands on the items of a subscription, and an
invoice names its subscription in `parent` and its payments in `payments`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from billing.providers.port import (
    ChargeData,
    CheckoutData,
    CustomerData,
    EventData,
    InvoiceData,
    PriceData,
    SubscriptionData,
)

Json = Mapping[str, Any]


def instant(seconds: int | float | None) -> datetime | None:
    """Return the UTC time of Stripe's seconds."""
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


def _at(seconds: int | float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def id_of(value: Any) -> str:
    """Return the id of an object that is named or spelled out; empty for none."""
    if isinstance(value, Mapping):
        return str(value.get("id") or "")
    return str(value or "")


def price(raw: Json) -> PriceData:
    """Return a price."""
    recurring = raw.get("recurring") or {}
    product = raw.get("product")
    return PriceData(
        id=raw["id"],
        amount_minor=raw.get("unit_amount") or 0,
        currency=raw["currency"],
        interval=recurring.get("interval", ""),
        interval_count=recurring.get("interval_count", 1),
        is_active=bool(raw.get("active", True)),
        product_name=str(product.get("name", "")) if isinstance(product, Mapping) else "",
    )


def customer(raw: Json) -> CustomerData:
    """Return a customer; metadata that is not ours names no user."""
    try:
        user_id = UUID((raw.get("metadata") or {}).get("user_id", ""))
    except ValueError:
        user_id = None
    return CustomerData(raw["id"], raw.get("email") or "", user_id, bool(raw.get("deleted")))


def subscription(raw: Json) -> SubscriptionData:
    """Return a subscription."""
    items = (raw.get("items") or {}).get("data") or []
    ends = [item["current_period_end"] for item in items if item.get("current_period_end")]
    first = items[0]["price"] if items else {}
    ending_at = raw.get("cancel_at")
    return SubscriptionData(
        id=raw["id"],
        customer_id=id_of(raw.get("customer")),
        price_id=id_of(first),
        status=raw["status"],
        amount_minor=first.get("unit_amount") or 0,
        currency=raw.get("currency") or first.get("currency") or "usd",
        started_at=_at(raw.get("start_date") or raw["created"]),
        period_ends_at=instant(ending_at or (max(ends) if ends else None)),
        is_ending=bool(raw.get("cancel_at_period_end") or ending_at),
        ended_at=instant(raw.get("ended_at")),
        trial_ends_at=instant(raw.get("trial_end")),
    )


def invoice(raw: Json) -> InvoiceData:
    """Return an invoice."""
    details = (raw.get("parent") or {}).get("subscription_details") or {}
    moments = raw.get("status_transitions") or {}
    payments = [each.get("payment") or {} for each in (raw.get("payments") or {}).get("data") or []]
    ids = [id_of(each.get(kind)) for each in payments for kind in ("charge", "payment_intent")]
    finalised = moments.get("finalized_at") or raw["created"]
    return InvoiceData(
        id=raw["id"],
        subscription_id=id_of(details.get("subscription")),
        number=raw.get("number") or "",
        status=raw.get("status") or "draft",
        issued_at=_at(raw["created"]),
        due_at=_at(raw.get("due_date") or finalised),
        paid_at=instant(moments.get("paid_at")),
        total_minor=raw["total"],
        tax_minor=sum(tax.get("amount", 0) for tax in raw.get("total_taxes") or []),
        currency=raw["currency"],
        hosted_url=raw.get("hosted_invoice_url") or "",
        pdf_url=raw.get("invoice_pdf") or "",
        payment_ids=tuple(each for each in ids if each),
    )


def charge(raw: Json, dispute_statuses: tuple[str, ...]) -> ChargeData:
    """Return a charge."""
    return ChargeData(
        id=raw["id"],
        payment_intent_id=id_of(raw.get("payment_intent")),
        amount_minor=raw["amount"],
        refunded_minor=raw.get("amount_refunded") or 0,
        dispute_statuses=dispute_statuses,
    )


def checkout(raw: Json) -> CheckoutData:
    """Return a checkout session."""
    return CheckoutData(
        id=raw["id"],
        url=raw.get("url") or "",
        is_open=raw.get("status") == "open",
        expires_at=_at(raw["expires_at"]),
    )


def event(raw: Json) -> EventData:
    """Return what an event hints at.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is not an event.
    """
    thing = raw["data"]["object"]
    kind = str(thing.get("object") or "")
    own_id = id_of(thing)
    return EventData(
        id=str(raw["id"]),
        type=str(raw["type"]),
        created_at=_at(raw["created"]),
        is_live=raw["livemode"] is True,
        object_type=kind,
        object_id=own_id,
        customer_id=own_id if kind == "customer" else id_of(thing.get("customer")),
        charge_id=own_id if kind == "charge" else id_of(thing.get("charge")),
    )
