"""Invoices: drawn up, finalised, paid or not."""

from typing import Any, Final

from billing.standin import blank, payments
from billing.standin.errors import StripeFault
from billing.standin.state import OWN_ADDRESS, Obj, State, list_object, new_id

TAX_PERCENT: Final = {"DE": 19, "GB": 20, "FR": 20, "US": 0}
"""A few rates to try: this is no tax table."""
_DRAFT_S: Final = 3600
"""A renewal's invoice stays a draft for an hour before it is charged."""


def draw_up(
    state: State,
    subscription: Obj,
    *,
    reason: str,
    amount: int,
    period: tuple[int, int],
    is_immediate: bool,
    is_automatic: bool = True,
) -> Obj:
    """Return a new draft for one period of a subscription."""
    customer = state.objects[subscription["customer"]]
    now = state.now_of(subscription)
    name = new_id("in")
    discounts = list(subscription["discounts"]) if amount else []
    taken = [(each, _discount_amount(state, each, amount)) for each in discounts]
    subtotal = amount
    after = max(0, amount - sum(part for _, part in taken))
    taxes = _taxes(subscription, customer, after)
    total = after + sum(tax["amount"] for tax in taxes)
    line = _line(subscription, name, amount, period, taken)
    invoice: Obj = {
        **blank.invoice(),
        "id": name,
        "object": "invoice",
        "amount_due": total,
        "amount_remaining": total,
        "auto_advance": is_automatic,
        "automatic_tax": {
            **subscription["automatic_tax"],
            "provider": "stripe" if subscription["automatic_tax"]["enabled"] else None,
            "status": "complete" if subscription["automatic_tax"]["enabled"] else None,
        },
        "automatically_finalizes_at": now + (0 if is_immediate else _DRAFT_S),
        "billing_reason": reason,
        "created": now,
        "currency": subscription["currency"],
        "customer": customer["id"],
        "customer_address": customer.get("address"),
        "customer_email": customer.get("email"),
        "customer_name": customer.get("name"),
        "customer_phone": customer.get("phone"),
        "discounts": discounts,
        "lines": list_object([line], f"/v1/invoices/{name}/lines"),
        "parent": {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
            },
        },
        "payments": list_object([], "/v1/invoice_payments"),
        "period_end": now,
        "period_start": period[0] if reason == "subscription_create" else now,
        "status": "draft",
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "test_clock": customer.get("test_clock"),
        "total": total,
        "total_discount_amounts": [{"amount": part, "discount": each} for each, part in taken],
        "total_excluding_tax": after,
        "total_taxes": taxes,
        "webhooks_delivered_at": now,
    }
    state.add(invoice)
    state.emit("invoice.created", invoice)
    if discounts:
        _use_up(state, subscription)
    return invoice


def _line(
    subscription: Obj, invoice: str, amount: int, period: tuple[int, int], taken: list[Any]
) -> Obj:
    item = subscription["items"]["data"][0]
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": subscription["currency"],
        "description": "Free trial" if amount == 0 else "1 × CryptoSystems",
        "discount_amounts": [{"amount": part, "discount": each} for each, part in taken],
        "discountable": True,
        "discounts": [each for each, _ in taken],
        "invoice": invoice,
        "livemode": False,
        "metadata": dict(subscription["metadata"]),
        "parent": {
            "type": "subscription_item_details",
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": None,
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
        },
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "pricing": {
            "type": "price_details",
            "price_details": {"price": item["price"]["id"], "product": item["price"]["product"]},
            "unit_amount_decimal": item["price"]["unit_amount_decimal"],
        },
        "quantity": 1,
        "subtotal": amount,
        "taxes": [],
    }


def _discount_amount(state: State, discount: str, amount: int) -> int:
    coupon = state.objects[state.objects[discount]["source"]["coupon"]]
    if coupon["percent_off"] is not None:
        return round(amount * float(coupon["percent_off"]) / 100)
    return min(amount, int(coupon["amount_off"]))


def _use_up(state: State, subscription: Obj) -> None:
    """Take off what counts once only."""
    subscription["discounts"] = [
        each
        for each in subscription["discounts"]
        if state.objects[state.objects[each]["source"]["coupon"]]["duration"] != "once"
    ]


def _taxes(subscription: Obj, customer: Obj, amount: int) -> list[Obj]:
    country = (customer.get("address") or {}).get("country")
    if not subscription["automatic_tax"]["enabled"] or country is None:
        return []
    percent = TAX_PERCENT.get(country, 0)
    return [
        {
            "amount": round(amount * percent / 100),
            "tax_behavior": "exclusive",
            "tax_rate_details": None,
            "taxability_reason": "standard_rated" if percent else "not_collecting",
            "taxable_amount": amount if percent else 0,
            "type": "tax_rate_details",
        }
    ]


def finalize(state: State, invoice: Obj) -> None:
    """Give a draft its number and its page; nothing to pay means paid."""
    customer = state.objects[invoice["customer"]]
    now = state.now_of(invoice)
    sequence = int(customer.get("next_invoice_sequence", 1))
    customer["next_invoice_sequence"] = sequence + 1
    page = f"{OWN_ADDRESS}/i/{invoice['id']}"
    invoice.update(
        status="open",
        number=f"{customer.get('invoice_prefix', 'GONE')}-{sequence:04d}",
        hosted_invoice_url=page,
        invoice_pdf=f"{page}.pdf",
        effective_at=now,
        ending_balance=0,
        automatically_finalizes_at=None,
    )
    _reached(invoice, "finalized_at", now)
    if invoice["amount_due"]:
        _expect_payment(state, invoice)
    state.emit("invoice.finalized", invoice)
    if not invoice["amount_due"]:
        mark_paid(state, invoice)


def _expect_payment(state: State, invoice: Obj) -> None:
    intent = payments.new_intent(state, invoice)
    payment: Obj = {
        "id": new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "created": intent["created"],
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
        "_customer": invoice["customer"],
    }
    invoice["payments"] = list_object([payment], "/v1/invoice_payments")
    state.is_dirty = True


def _reached(invoice: Obj, name: str, now: int) -> None:
    invoice["status_transitions"] = {**invoice["status_transitions"], name: now}


def intent_of(state: State, invoice: Obj) -> Obj | None:
    """Return what collects the money of an invoice; None: there is nothing to pay."""
    for payment in invoice["payments"]["data"]:
        found: Obj = state.objects[payment["payment"]["payment_intent"]]
        return found
    return None


def subscription_of(state: State, invoice: Obj) -> Obj:
    """Return the subscription that an invoice is for."""
    name = invoice["parent"]["subscription_details"]["subscription"]
    return state.get("subscription", name)


def attempt(state: State, invoice: Obj, method: Obj | None, *, is_on_session: bool) -> str:
    """Try to collect an open invoice; say what came of it.

    Telling the subscription is the caller's part.
    """
    intent = intent_of(state, invoice)
    if invoice["status"] != "open" or intent is None:
        raise StripeFault(
            "Invoice is already paid"
            if invoice["status"] == "paid"
            else f"An invoice that is {invoice['status']} cannot be paid.",
            code="invoice_not_open",
        )
    invoice["attempted"] = True
    if not is_on_session:
        invoice["attempt_count"] += 1
    outcome = payments.DECLINED
    if method is not None:
        outcome = payments.attempt(state, intent, method)
    if outcome == payments.PAID:
        mark_paid(state, invoice)
    elif outcome == payments.ACTION:
        state.emit("invoice.payment_action_required", invoice)
    return outcome


def mark_paid(state: State, invoice: Obj) -> None:
    """Close an invoice: the money came, or none was owed."""
    now = state.now_of(invoice)
    due = invoice["amount_due"]
    invoice.update(
        status="paid",
        attempted=True,
        amount_paid=due,
        amount_remaining=0,
        next_payment_attempt=None,
    )
    _reached(invoice, "paid_at", now)
    for payment in invoice["payments"]["data"]:
        payment.update(
            status="paid",
            amount_paid=due,
            status_transitions={"canceled_at": None, "paid_at": now},
        )
        state.emit("invoice_payment.paid", payment)
    state.emit("invoice.paid", invoice)
    state.emit("invoice.payment_succeeded", invoice)


def void(state: State, invoice: Obj) -> Obj:
    """Call an open invoice off."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise StripeFault(
            f"You can only pass in open or uncollectible invoices. This invoice isn't: it is "
            f"{invoice['status']}.",
            code="invoice_not_editable",
        )
    now = state.now_of(invoice)
    invoice.update(status="void", auto_advance=False, next_payment_attempt=None)
    _reached(invoice, "voided_at", now)
    intent = intent_of(state, invoice)
    if intent is not None:
        payments.cancel(state, intent)
    for payment in invoice["payments"]["data"]:
        payment.update(status="canceled", status_transitions={"canceled_at": now, "paid_at": None})
    state.emit("invoice.voided", invoice)
    return invoice


def open_invoices(state: State, subscription: Obj) -> list[Obj]:
    """Return what is owed for a subscription."""
    return [
        invoice
        for invoice in state.all("invoice", status="open", customer=subscription["customer"])
        if invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]
    ]
