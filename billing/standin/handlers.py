"""Which request does what: one small function for each, and the table of all."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from billing.standin import (
    catalogue,
    checkout,
    customers,
    invoices,
    listing,
    payments,
    subscriptions,
    timeline,
)
from billing.standin.errors import StripeFault, missing
from billing.standin.params import Params, flag, group, merged_metadata, required, whole
from billing.standin.state import Obj, State, list_object, new_id
from billing.standin.subscriptions import Dunning, Terms

Handler = Callable[["Desk", list[str], Params], Obj]
_ID: Final = r"([A-Za-z0-9_]+)"
_READABLE: Final = {
    "customers": "customer",
    "products": "product",
    "prices": "price",
    "checkout/sessions": "checkout.session",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "payment_methods": "payment_method",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "coupons": "coupon",
    "promotion_codes": "promotion_code",
    "events": "event",
    "test_helpers/test_clocks": "test_helpers.test_clock",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What a request is answered from."""

    state: State
    dunning: Dunning


def _read(kind: str) -> Handler:
    def read(desk: Desk, parts: list[str], params: Params) -> Obj:
        if kind == "customer":
            found = desk.state.objects.get(parts[0], {})
            if found.get("deleted") and found["object"] == "customer":
                return {name: found[name] for name in ("id", "object", "deleted")}
        return desk.state.get(kind, parts[0])

    return read


def _list(kind: str, path: str) -> Handler:
    def read(desk: Desk, parts: list[str], params: Params) -> Obj:
        return listing.page(desk.state, kind, f"/v1/{path}", params)

    return read


def _search(kind: str, path: str) -> Handler:
    def read(desk: Desk, parts: list[str], params: Params) -> Obj:
        return listing.search(desk.state, kind, f"/v1/{path}/search", params)

    return read


def _create_customer(desk: Desk, parts: list[str], params: Params) -> Obj:
    return customers.create(desk.state, params)


def _update_customer(desk: Desk, parts: list[str], params: Params) -> Obj:
    return customers.update(desk.state, desk.state.get("customer", parts[0]), params)


def _delete_customer(desk: Desk, parts: list[str], params: Params) -> Obj:
    customer = desk.state.get("customer", parts[0])
    if customer.get("deleted"):
        raise missing("customer", parts[0])
    for subscription in desk.state.all("subscription", customer=customer["id"]):
        if subscription["status"] not in subscriptions.OVER:
            subscriptions.end_now(desk.state, subscription, reason=None)
    return customers.remove(desk.state, customer)


def _methods_of(desk: Desk, parts: list[str], params: Params) -> Obj:
    desk.state.get("customer", parts[0])
    url = f"/v1/customers/{parts[0]}/payment_methods"
    return listing.page(desk.state, "payment_method", url, {**params, "customer": parts[0]})


def _attach(desk: Desk, parts: list[str], params: Params) -> Obj:
    customer = desk.state.get("customer", required(params, "customer"))
    if parts[0] in customers.TEST_CARDS:
        return customers.new_card(desk.state, customer, customers.TEST_CARDS[parts[0]])
    method = desk.state.get("payment_method", parts[0])
    with desk.state.changing(method, "payment_method.updated"):
        method["customer"] = customer["id"]
    return method


def _detach(desk: Desk, parts: list[str], params: Params) -> Obj:
    method = desk.state.get("payment_method", parts[0])
    with desk.state.changing(method):
        method["customer"] = None
    desk.state.emit("payment_method.detached", method)
    return method


def _create_session(desk: Desk, parts: list[str], params: Params) -> Obj:
    return checkout.create(desk.state, params)


def _expire_session(desk: Desk, parts: list[str], params: Params) -> Obj:
    return checkout.expire(desk.state, desk.state.get("checkout.session", parts[0]))


def _line_items(desk: Desk, parts: list[str], params: Params) -> Obj:
    items: Obj = desk.state.get("checkout.session", parts[0])["line_items"]
    return items


def _create_portal(desk: Desk, parts: list[str], params: Params) -> Obj:
    return checkout.create_portal(desk.state, params)


def _create_subscription(desk: Desk, parts: list[str], params: Params) -> Obj:
    state = desk.state
    customer = state.get("customer", required(params, "customer"))
    items = params.get("items")
    if not isinstance(items, list) or len(items) != 1:
        raise StripeFault("The stand-in keeps subscriptions of one item.", param="items")
    price = state.get("price", required(items[0], "price"))
    method = customers.default_card(state, customer)
    if params.get("default_payment_method"):
        method = state.get("payment_method", params["default_payment_method"])
    now = state.now_of(customer)
    days = whole(params, "trial_period_days")
    terms = Terms(
        price=price,
        trial_end=now + days * 86_400 if days else whole(params, "trial_end"),
        metadata=merged_metadata({}, params),
        has_tax=flag(group(params, "automatic_tax"), "enabled"),
        without_card=group(group(params, "trial_settings"), "end_behavior").get(
            "missing_payment_method", "create_invoice"
        ),
    )
    is_trial = terms.trial_end is not None and terms.trial_end > now
    if method is None and not is_trial:
        raise StripeFault(
            "This customer has no attached payment source or default payment method.",
            code="resource_missing",
        )
    subscription = subscriptions.begin(state, customer, method, terms)
    invoice = state.objects[subscription["latest_invoice"]]
    if invoice["status"] == "open" and params.get("payment_behavior") != "default_incomplete":
        subscriptions.collect(state, invoice, method, dunning=desk.dunning, is_on_session=True)
    return subscription


def _update_subscription(desk: Desk, parts: list[str], params: Params) -> Obj:
    subscription = desk.state.get("subscription", parts[0])
    return subscriptions.update(desk.state, subscription, params)


def _cancel_subscription(desk: Desk, parts: list[str], params: Params) -> Obj:
    subscription = desk.state.get("subscription", parts[0])
    return subscriptions.end_now(desk.state, subscription, reason="cancellation_requested")


def _resume_subscription(desk: Desk, parts: list[str], params: Params) -> Obj:
    subscription = desk.state.get("subscription", parts[0])
    return subscriptions.resume(desk.state, subscription, desk.dunning)


def _pay_invoice(desk: Desk, parts: list[str], params: Params) -> Obj:
    state = desk.state
    invoice = state.get("invoice", parts[0])
    if invoice["status"] == "draft":
        invoices.finalize(state, invoice)
    method = None
    if params.get("payment_method"):
        method = state.get("payment_method", params["payment_method"])
    outcome = subscriptions.collect(
        state, invoice, method, dunning=desk.dunning, is_on_session=True
    )
    if outcome == payments.PAID:
        checkout.settled(state, invoice)
        return invoice
    is_declined = outcome == payments.DECLINED
    raise StripeFault(
        "Your card was declined."
        if is_declined
        else "This payment requires additional user action before it can be completed successfully.",
        status=402,
        kind="card_error",
        code="card_declined" if is_declined else "invoice_payment_intent_requires_action",
    )


def _finalize_invoice(desk: Desk, parts: list[str], params: Params) -> Obj:
    invoice = desk.state.get("invoice", parts[0])
    if invoice["status"] != "draft":
        raise StripeFault("This invoice is already finalized.", code="invoice_not_editable")
    invoices.finalize(desk.state, invoice)
    return invoice


def _void_invoice(desk: Desk, parts: list[str], params: Params) -> Obj:
    return invoices.void(desk.state, desk.state.get("invoice", parts[0]))


def _create_price(desk: Desk, parts: list[str], params: Params) -> Obj:
    state = desk.state
    product = state.get("product", required(params, "product"))
    amount = whole(params, "unit_amount")
    if amount is None or amount < 0:
        raise StripeFault("Invalid integer", param="unit_amount")
    interval = group(params, "recurring").get("interval")
    if interval != "month":
        raise StripeFault("The stand-in bills by the month.", param="recurring[interval]")
    currency = required(params, "currency")
    made = catalogue.price(state, new_id("price"), product["id"], amount, currency, interval)
    made["metadata"] = merged_metadata({}, params)
    state.add(made)
    state.emit("price.created", made)
    return made


def _update_price(desk: Desk, parts: list[str], params: Params) -> Obj:
    price = desk.state.get("price", parts[0])
    with desk.state.changing(price, "price.updated"):
        price["active"] = flag(params, "active", price["active"])
        price["metadata"] = merged_metadata(price["metadata"], params)
    return price


def _create_code(desk: Desk, parts: list[str], params: Params) -> Obj:
    coupon = desk.state.get("coupon", required(group(params, "promotion"), "coupon"))
    text = params.get("code") or new_id("X", 8)[2:].upper()
    code = catalogue.promotion_code(desk.state, new_id("promo"), text, coupon["id"])
    code["expires_at"] = whole(params, "expires_at")
    return desk.state.add(code)


def _refund(desk: Desk, parts: list[str], params: Params) -> Obj:
    return payments.refund(desk.state, params)


def _open_dispute(desk: Desk, parts: list[str], params: Params) -> Obj:
    return payments.open_dispute(desk.state, params)


def _decide_dispute(desk: Desk, parts: list[str], params: Params) -> Obj:
    dispute = desk.state.get("dispute", parts[0])
    return payments.decide_dispute(desk.state, dispute, required(params, "status"))


def _close_dispute(desk: Desk, parts: list[str], params: Params) -> Obj:
    return payments.decide_dispute(desk.state, desk.state.get("dispute", parts[0]), "lost")


def _create_clock(desk: Desk, parts: list[str], params: Params) -> Obj:
    frozen = whole(params, "frozen_time")
    if frozen is None:
        required(params, "frozen_time")
    now = desk.state.now()
    clock = desk.state.add(
        {
            "id": new_id("clock"),
            "object": "test_helpers.test_clock",
            "created": now,
            "deletes_after": now + 30 * 86_400,
            "frozen_time": frozen,
            "livemode": False,
            "name": params.get("name") or None,
            "status": "ready",
            "status_details": {},
        }
    )
    desk.state.emit("test_helpers.test_clock.created", clock)
    return clock


def _advance_clock(desk: Desk, parts: list[str], params: Params) -> Obj:
    clock = desk.state.get("test_helpers.test_clock", parts[0])
    target = whole(params, "frozen_time")
    if target is None or target <= clock["frozen_time"]:
        raise StripeFault(
            "The frozen_time must be after the test clock's current frozen time.",
            param="frozen_time",
        )
    timeline.advance_clock(desk.state, clock, target, desk.dunning)
    desk.state.emit("test_helpers.test_clock.ready", clock)
    return clock


def _delete_clock(desk: Desk, parts: list[str], params: Params) -> Obj:
    """Delete a test clock; as at Stripe, its customers and their subscriptions go with it."""
    clock = desk.state.get("test_helpers.test_clock", parts[0])
    for customer in desk.state.all("customer", test_clock=clock["id"]):
        _delete_customer(desk, [customer["id"]], {})
    gone = {"id": clock["id"], "object": clock["object"], "deleted": True}
    desk.state.add({**clock, "deleted": True})
    return gone


def _account(desk: Desk, parts: list[str], params: Params) -> Obj:
    return {
        "id": "acct_standin",
        "object": "account",
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "payouts_enabled": True,
        "type": "standard",
    }


def _time(desk: Desk, parts: list[str], params: Params) -> Obj:
    return {"object": "standin.time", "now": desk.state.now(), "offset_s": desk.state.offset_s}


def _advance(desk: Desk, parts: list[str], params: Params) -> Obj:
    seconds = whole(params, "seconds")
    if seconds is None or seconds <= 0:
        raise StripeFault("Time only goes forward.", param="seconds")
    timeline.advance(desk.state, seconds, desk.dunning)
    return _time(desk, parts, params)


def _payments_of_invoices(desk: Desk, parts: list[str], params: Params) -> Obj:
    return listing.invoice_payments(desk.state, params)


def _lines(desk: Desk, parts: list[str], params: Params) -> Obj:
    lines: Obj = desk.state.get("invoice", parts[0])["lines"]
    return lines


def _nothing(desk: Desk, parts: list[str], params: Params) -> Obj:
    return list_object([], "/v1/billing_portal/configurations")


def _routes() -> list[tuple[str, re.Pattern[str], Handler]]:
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/v1/customers/search", _search("customer", "customers")),
        ("GET", "/v1/subscriptions/search", _search("subscription", "subscriptions")),
        ("GET", "/v1/invoices/search", _search("invoice", "invoices")),
        ("POST", "/v1/customers", _create_customer),
        ("POST", f"/v1/customers/{_ID}", _update_customer),
        ("DELETE", f"/v1/customers/{_ID}", _delete_customer),
        ("GET", f"/v1/customers/{_ID}/payment_methods", _methods_of),
        ("POST", f"/v1/payment_methods/{_ID}/attach", _attach),
        ("POST", f"/v1/payment_methods/{_ID}/detach", _detach),
        ("POST", "/v1/checkout/sessions", _create_session),
        ("POST", f"/v1/checkout/sessions/{_ID}/expire", _expire_session),
        ("GET", f"/v1/checkout/sessions/{_ID}/line_items", _line_items),
        ("POST", "/v1/billing_portal/sessions", _create_portal),
        ("GET", "/v1/billing_portal/configurations", _nothing),
        ("POST", "/v1/subscriptions", _create_subscription),
        ("POST", f"/v1/subscriptions/{_ID}", _update_subscription),
        ("DELETE", f"/v1/subscriptions/{_ID}", _cancel_subscription),
        ("POST", f"/v1/subscriptions/{_ID}/resume", _resume_subscription),
        ("POST", f"/v1/invoices/{_ID}/pay", _pay_invoice),
        ("POST", f"/v1/invoices/{_ID}/finalize", _finalize_invoice),
        ("POST", f"/v1/invoices/{_ID}/void", _void_invoice),
        ("GET", f"/v1/invoices/{_ID}/lines", _lines),
        ("GET", "/v1/invoice_payments", _payments_of_invoices),
        ("POST", "/v1/prices", _create_price),
        ("POST", f"/v1/prices/{_ID}", _update_price),
        ("POST", "/v1/promotion_codes", _create_code),
        ("POST", "/v1/refunds", _refund),
        ("POST", f"/v1/disputes/{_ID}/close", _close_dispute),
        ("POST", "/v1/test_helpers/test_clocks", _create_clock),
        ("POST", f"/v1/test_helpers/test_clocks/{_ID}/advance", _advance_clock),
        ("DELETE", f"/v1/test_helpers/test_clocks/{_ID}", _delete_clock),
        ("GET", "/v1/account", _account),
        ("POST", "/_standin/disputes", _open_dispute),
        ("POST", f"/_standin/disputes/{_ID}", _decide_dispute),
        ("GET", "/_standin/time", _time),
        ("POST", "/_standin/advance", _advance),
    ]
    for path, kind in _READABLE.items():
        table.append(("GET", f"/v1/{path}", _list(kind, path)))
        table.append(("GET", f"/v1/{path}/{_ID}", _read(kind)))
    return [(method, re.compile(pattern), handler) for method, pattern, handler in table]


ROUTES: Final = _routes()
