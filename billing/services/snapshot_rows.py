"""From what the provider says of a customer to the rows we keep: pure, and the same every time.

Only the newest state decides. Nothing is added up over events, and no event is looked at.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from billing.providers.port import (
    ChargeData,
    CustomerSnapshot,
    InvoiceData,
    SubscriptionData,
)

Row = dict[str, Any]
_OPEN_DISPUTES: Final = frozenset({"needs_response", "under_review", "lost"})
"""An inquiry (`warning_…`) takes no money yet; `won` gave it back, `prevented` never took it."""

_LONGEST_URL: Final = 500


def subscription_rows(snapshot: CustomerSnapshot) -> dict[str, Row]:
    """Return the fields of each subscription by its id."""
    return {each.id: _subscription(each, snapshot) for each in snapshot.subscriptions}


def invoice_rows(snapshot: CustomerSnapshot) -> dict[str, Row]:
    """Return the fields of each invoice by its id."""
    return {each.id: _invoice(each, snapshot.charges) for each in snapshot.invoices}


def _subscription(data: SubscriptionData, snapshot: CustomerSnapshot) -> Row:
    mine = sorted(
        (each for each in snapshot.invoices if each.subscription_id == data.id),
        key=lambda each: (each.issued_at, each.id),
    )
    paid = [each for each in mine if each.status == "paid" and each.total_minor > 0]
    unpaid = [each for each in mine if each.status == "open"]
    is_refunded = bool(paid) and _is_refunded(paid[-1], snapshot.charges)
    disputed = any(
        status in _OPEN_DISPUTES
        for each in mine
        for charge in _charges_of(each, snapshot.charges)
        for status in charge.dispute_statuses
    )
    return {
        "provider_price_id": data.price_id,
        "status": data.status,
        "amount_minor": data.amount_minor,
        "currency": data.currency,
        "started_at": data.started_at,
        "period_ends_at": data.period_ends_at,
        "is_ending": data.is_ending,
        "ended_at": data.ended_at,
        "trial_ends_at": data.trial_ends_at,
        "past_due_since": _past_due_since(data, unpaid),
        "is_refunded": is_refunded,
        "has_dispute": disputed,
        "action_url": _short(unpaid[-1].hosted_url) if unpaid and not data.ended_at else "",
    }


def _past_due_since(data: SubscriptionData, unpaid: list[InvoiceData]) -> datetime | None:
    if data.status not in ("past_due", "unpaid"):
        return None
    # Without an open invoice (it was voided by hand) the debt dates from the period's end.
    return min((each.due_at for each in unpaid), default=data.period_ends_at)


def _invoice(data: InvoiceData, charges: Iterable[ChargeData]) -> Row:
    refunded = sum(each.refunded_minor for each in _charges_of(data, charges))
    is_refunded = data.status == "paid" and _is_refunded(data, charges)
    return {
        "number": data.number,
        "status": "refunded" if is_refunded else data.status,
        "issued_at": data.issued_at,
        "total_minor": data.total_minor,
        "tax_minor": data.tax_minor,
        "refunded_minor": refunded,
        "currency": data.currency,
        "hosted_url": _short(data.hosted_url),
        "pdf_url": _short(data.pdf_url),
    }


def _short(url: str) -> str:
    """Return an address that the row can hold; half of one would lead nowhere."""
    return url if len(url) <= _LONGEST_URL else ""


def _charges_of(invoice: InvoiceData, charges: Iterable[ChargeData]) -> list[ChargeData]:
    wanted = set(invoice.payment_ids)
    return [each for each in charges if each.id in wanted or each.payment_intent_id in wanted]


def _is_refunded(invoice: InvoiceData, charges: Iterable[ChargeData]) -> bool:
    refunded = sum(each.refunded_minor for each in _charges_of(invoice, charges))
    return invoice.total_minor > 0 and refunded >= invoice.total_minor
