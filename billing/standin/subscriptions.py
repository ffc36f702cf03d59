"""Subscriptions: begun, renewed, failed, recovered, cancelled."""

from dataclasses import dataclass
from typing import Final

from billing.standin import blank, customers, invoices, payments
from billing.standin.errors import StripeFault
from billing.standin.months import DAY_S, period_end
from billing.standin.params import Params, flag, group, merged_metadata, whole
from billing.standin.state import Obj, State, list_object, new_id

OVER: Final = ("canceled", "incomplete_expired")
_CHANGEABLE: Final = (
    "cancel_at_period_end",
    "cancellation_details",
    "default_payment_method",
    "metadata",
    "proration_behavior",
    "trial_end",
)
CONFIRM_WITHIN_S: Final = 23 * 3600


@dataclass(frozen=True, slots=True)
class Dunning:
    """What happens after a renewal could not be charged."""

    retry_after_days: tuple[int, ...] = (3, 5, 7)
    finally_becomes: str = "canceled"
    """canceled, unpaid or past_due, after the last retry."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a subscription begins."""

    price: Obj
    trial_end: int | None = None
    metadata: dict[str, str] | None = None
    coupon: str | None = None
    code: Obj | None = None
    has_tax: bool = False
    without_card: str = "create_invoice"
    """At the end of a trial without a card: create_invoice, cancel or pause."""


def begin(state: State, customer: Obj, method: Obj | None, terms: Terms) -> Obj:
    """Make a subscription and its first invoice, finalised but not charged."""
    now = state.now_of(customer)
    name = new_id("sub")
    is_trial = terms.trial_end is not None and terms.trial_end > now
    anchor = terms.trial_end if is_trial and terms.trial_end else now
    end = anchor if is_trial else period_end(anchor, anchor)
    item = _item(name, terms.price, now, end)
    subscription: Obj = {
        **blank.subscription(),
        "id": name,
        "object": "subscription",
        "automatic_tax": {
            "enabled": terms.has_tax,
            "disabled_reason": None,
            "liability": {"type": "self"} if terms.has_tax else None,
        },
        "billing_cycle_anchor": anchor,
        "created": now,
        "currency": terms.price["currency"],
        "customer": customer["id"],
        "default_payment_method": method["id"] if method else None,
        "items": list_object([item], f"/v1/subscription_items?subscription={name}"),
        "metadata": dict(terms.metadata or {}),
        "start_date": now,
        "status": "trialing" if is_trial else "incomplete",
        "test_clock": customer.get("test_clock"),
        "trial_end": anchor if is_trial else None,
        "trial_settings": {"end_behavior": {"missing_payment_method": terms.without_card}},
        "trial_start": now if is_trial else None,
    }
    state.add(subscription)
    if terms.coupon:
        subscription["discounts"] = [_discount(state, subscription, terms)]
    invoice = invoices.draw_up(
        state,
        subscription,
        reason="subscription_create",
        amount=0 if is_trial else terms.price["unit_amount"],
        period=(now, end),
        is_immediate=True,
    )
    subscription["latest_invoice"] = invoice["id"]
    state.emit("customer.subscription.created", subscription)
    invoices.finalize(state, invoice)
    if not is_trial and invoice["status"] == "paid":
        _set_status(state, subscription, "active")
    return subscription


def _item(subscription: str, price: Obj, start: int, end: int) -> Obj:
    recurring = price["recurring"]
    return {
        "id": new_id("si", 14),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": start,
        "current_period_end": end,
        "current_period_start": start,
        "discounts": [],
        "metadata": {},
        "plan": {
            "id": price["id"],
            "object": "plan",
            "active": True,
            "amount": price["unit_amount"],
            "amount_decimal": price["unit_amount_decimal"],
            "billing_scheme": "per_unit",
            "created": price["created"],
            "currency": price["currency"],
            "interval": recurring["interval"],
            "interval_count": 1,
            "livemode": False,
            "metadata": {},
            "meter": None,
            "nickname": None,
            "product": price["product"],
            "tiers_mode": None,
            "transform_usage": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        },
        "price": dict(price),
        "quantity": 1,
        "subscription": subscription,
        "tax_rates": [],
    }


def _discount(state: State, subscription: Obj, terms: Terms) -> str:
    made = state.add(
        {
            "id": new_id("di"),
            "object": "discount",
            "checkout_session": None,
            "customer": subscription["customer"],
            "end": None,
            "invoice": None,
            "invoice_item": None,
            "promotion_code": terms.code["id"] if terms.code else None,
            "source": {"type": "coupon", "coupon": terms.coupon},
            "start": subscription["created"],
            "subscription": subscription["id"],
            "subscription_item": None,
        }
    )
    if terms.code:
        terms.code["times_redeemed"] += 1
    state.objects[str(terms.coupon)]["times_redeemed"] += 1
    return str(made["id"])


def first_item(subscription: Obj) -> Obj:
    """Return the one item of a subscription."""
    item: Obj = subscription["items"]["data"][0]
    return item


def _set_status(state: State, subscription: Obj, status: str) -> None:
    with state.changing(subscription, "customer.subscription.updated"):
        subscription["status"] = status


# --- what an attempt to collect brought -----------------------------------------------------------


def collect(
    state: State,
    invoice: Obj,
    method: Obj | None = None,
    *,
    dunning: Dunning,
    is_on_session: bool = False,
) -> str:
    """Charge an open invoice and let its subscription know; say what came of it."""
    subscription = invoices.subscription_of(state, invoice)
    if method is None:
        customer = state.objects[subscription["customer"]]
        method = customers.default_card(state, customer, subscription)
    outcome = invoices.attempt(state, invoice, method, is_on_session=is_on_session)
    if outcome == payments.PAID:
        was_paid(state, invoice)
    else:
        was_not_paid(state, invoice, dunning, is_attempt=not is_on_session)
    return outcome


def was_paid(state: State, invoice: Obj) -> None:
    """Let a subscription go on: what was owed has come."""
    subscription = invoices.subscription_of(state, invoice)
    if subscription["status"] not in ("incomplete", "past_due", "unpaid"):
        return
    if not invoices.open_invoices(state, subscription):
        _set_status(state, subscription, "active")


def was_not_paid(state: State, invoice: Obj, dunning: Dunning, *, is_attempt: bool = True) -> None:
    """Note a failed attempt: try again later, or give up."""
    subscription = invoices.subscription_of(state, invoice)
    is_renewal = invoice["billing_reason"] != "subscription_create"
    tried = invoice["attempt_count"]
    days = dunning.retry_after_days
    is_final = is_renewal and is_attempt and tried > len(days)
    if is_renewal and is_attempt:
        invoice["next_payment_attempt"] = (
            None if is_final else state.now_of(invoice) + days[tried - 1] * DAY_S
        )
    state.emit("invoice.payment_failed", invoice)
    if not is_renewal or subscription["status"] in OVER:
        return
    if is_final and dunning.finally_becomes == "canceled":
        end_now(state, subscription, reason="payment_failed")
    elif is_final:
        _set_status(state, subscription, dunning.finally_becomes)
    elif subscription["status"] == "active":
        _set_status(state, subscription, "past_due")


# --- what time brings -----------------------------------------------------------------------------


def period_over(state: State, subscription: Obj) -> None:
    """End a period: the next one begins, or the subscription is over."""
    item = first_item(subscription)
    if subscription["cancel_at_period_end"]:
        end_now(state, subscription, reason="cancellation_requested")
        return
    customer = state.objects[subscription["customer"]]
    if subscription["status"] == "trialing" and not customers.default_card(
        state, customer, subscription
    ):
        without = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if without == "cancel":
            end_now(state, subscription, reason="payment_failed")
            return
        if without == "pause":
            with state.changing(subscription, "customer.subscription.updated"):
                subscription["status"] = "paused"
            state.emit("customer.subscription.paused", subscription)
            return
    start = item["current_period_end"]
    end = period_end(subscription["billing_cycle_anchor"], start)
    invoice = invoices.draw_up(
        state,
        subscription,
        reason="subscription_cycle",
        amount=item["price"]["unit_amount"],
        period=(start, end),
        is_immediate=False,
        is_automatic=subscription["status"] != "unpaid",
    )
    with state.changing(subscription, "customer.subscription.updated"):
        item.update(current_period_start=start, current_period_end=end)
        subscription["latest_invoice"] = invoice["id"]
        if subscription["status"] == "trialing":
            subscription["status"] = "active"


def first_payment_expired(state: State, subscription: Obj) -> None:
    """Give up on a first payment that nobody confirmed."""
    for invoice in invoices.open_invoices(state, subscription):
        invoices.void(state, invoice)
    with state.changing(subscription, "customer.subscription.updated"):
        subscription["status"] = "incomplete_expired"
        subscription["ended_at"] = state.now_of(subscription)


def end_now(state: State, subscription: Obj, *, reason: str | None) -> Obj:
    """Cancel a subscription at once."""
    if subscription["status"] in OVER:
        raise StripeFault(
            f"No such subscription: '{subscription['id']}'",
            status=404,
            code="resource_missing",
            param="id",
        )
    if subscription["status"] == "incomplete":
        first_payment_expired(state, subscription)
        return subscription
    now = state.now_of(subscription)
    for invoice in state.all("invoice", customer=subscription["customer"]):
        if invoices.subscription_of(state, invoice) is subscription:
            invoice.update(auto_advance=False, next_payment_attempt=None)
    subscription.update(
        status="canceled",
        ended_at=now,
        canceled_at=subscription["canceled_at"] or now,
        cancellation_details={**subscription["cancellation_details"], "reason": reason},
    )
    state.is_dirty = True
    state.emit("customer.subscription.deleted", subscription)
    return subscription


# --- what a request changes -----------------------------------------------------------------------


def update(state: State, subscription: Obj, params: Params) -> Obj:
    """Change a subscription as `POST /v1/subscriptions/ID` does."""
    if subscription["status"] in OVER:
        raise StripeFault(
            "A canceled subscription can only update its cancellation_details and metadata.",
            param="id",
        )
    for name in params:
        if name not in _CHANGEABLE:
            raise StripeFault(f"The stand-in cannot change this: {name}", param=name)
    with state.changing(subscription, "customer.subscription.updated"):
        if "cancel_at_period_end" in params:
            end_at_period_end(state, subscription, flag(params, "cancel_at_period_end"))
        if "metadata" in params:
            subscription["metadata"] = merged_metadata(subscription["metadata"], params)
        method = params.get("default_payment_method")
        if method:
            state.get("payment_method", method)
            subscription["default_payment_method"] = method
        details = group(params, "cancellation_details")
        if details:
            subscription["cancellation_details"] = {
                **subscription["cancellation_details"],
                **{name: details.get(name) or None for name in ("comment", "feedback")},
            }
        if "trial_end" in params:
            _move_trial_end(state, subscription, params)
    return subscription


def end_at_period_end(state: State, subscription: Obj, is_ending: bool) -> None:
    """Let a subscription run out, or take that back."""
    if is_ending == subscription["cancel_at_period_end"]:
        return
    now = state.now_of(subscription)
    end = first_item(subscription)["current_period_end"]
    subscription.update(
        cancel_at_period_end=is_ending,
        cancel_at=end if is_ending else None,
        canceled_at=now if is_ending else None,
        cancellation_details={
            **subscription["cancellation_details"],
            "reason": "cancellation_requested" if is_ending else None,
        },
    )


def _move_trial_end(state: State, subscription: Obj, params: Params) -> None:
    now = state.now_of(subscription)
    end = now if params["trial_end"] == "now" else whole(params, "trial_end") or now
    if end < now:
        raise StripeFault(
            "Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end"
        )
    item = first_item(subscription)
    item["current_period_end"] = end
    subscription.update(billing_cycle_anchor=end, trial_end=end)
    if end > now:
        subscription["status"] = "trialing"
        subscription["trial_start"] = subscription["trial_start"] or now


def resume(state: State, subscription: Obj, dunning: Dunning) -> Obj:
    """Let a paused subscription go on, with a new period that is charged now."""
    if subscription["status"] != "paused":
        raise StripeFault("Subscription is not paused.", param="id")
    now = state.now_of(subscription)
    item = first_item(subscription)
    end = period_end(now, now)
    invoice = invoices.draw_up(
        state,
        subscription,
        reason="subscription_cycle",
        amount=item["price"]["unit_amount"],
        period=(now, end),
        is_immediate=True,
    )
    with state.changing(subscription, "customer.subscription.updated"):
        item.update(current_period_start=now, current_period_end=end)
        subscription.update(billing_cycle_anchor=now, latest_invoice=invoice["id"], status="active")
    state.emit("customer.subscription.resumed", subscription)
    invoices.finalize(state, invoice)
    collect(state, invoice, dunning=dunning)
    return subscription
