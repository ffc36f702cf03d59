"""Stripe's REST interface over the state: which request does what, and who may ask."""

import hashlib
import hmac
import json
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

Answer = tuple[int, Obj]
Handler = Callable[["Api", list[str], Params], Obj]
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
class Call:
    """One request, without what is HTTP about it."""

    method: str
    path: str
    params: Params
    key: str
    """The secret key that came with it."""
    idempotency_key: str = ""


class Api:
    """Answers requests."""

    def __init__(self, state: State, secret_key: str, dunning: Dunning) -> None:
        self.state = state
        self.dunning = dunning
        self._secret_key = secret_key

    def answer(self, call: Call) -> tuple[int, Obj, bool]:
        """Return status, body, and whether this is the answer to an earlier request again."""
        self.state.request = {
            "id": new_id("req", 14),
            "idempotency_key": call.idempotency_key or None,
        }
        try:
            self._check_key(call.key)
            kept = self._earlier(call)
            if kept is not None:
                return kept["status"], kept["body"], True
            return (*self._work(call), False)
        except StripeFault as fault:
            return fault.status, fault.body(), False
        finally:
            self.state.request = {"id": None, "idempotency_key": None}

    def _check_key(self, key: str) -> None:
        if not key:
            raise StripeFault(
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth.",
                status=401,
            )
        if not hmac.compare_digest(key.encode(), self._secret_key.encode()):
            raise StripeFault("Invalid API Key provided.", status=401)

    def _earlier(self, call: Call) -> Obj | None:
        if call.method != "POST" or not call.idempotency_key:
            return None
        kept = self.state.keys.get(call.idempotency_key)
        if kept is not None and kept["print"] != _fingerprint(call):
            raise StripeFault(
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{call.idempotency_key}' if you "
                "meant to execute a different request.",
                kind="idempotency_error",
            )
        return kept

    def _work(self, call: Call) -> Answer:
        params = dict(call.params)
        asked = params.pop("expand", [])
        if not isinstance(asked, list) or not all(isinstance(path, str) for path in asked):
            raise StripeFault("Invalid array", param="expand")
        handler, parts = self._route(call)
        try:
            found = handler(self, parts, params)
        except StripeFault as fault:
            if fault.status == 402:
                self._keep(call, fault.status, fault.body())
            raise
        body = self.state.render(found, tuple(asked))
        if call.method == "POST":
            self._keep(call, 200, body)
        return 200, body

    def _keep(self, call: Call, status: int, body: Obj) -> None:
        if call.idempotency_key:
            self.state.keys[call.idempotency_key] = {
                "print": _fingerprint(call),
                "status": status,
                "body": body,
                "at": self.state.now(),
            }
            self.state.is_dirty = True

    def _route(self, call: Call) -> tuple[Handler, list[str]]:
        for method, pattern, handler in _ROUTES:
            found = pattern.fullmatch(call.path)
            if found and method == call.method:
                return handler, list(found.groups())
        raise StripeFault(f"Unrecognized request URL ({call.method}: {call.path}).", status=404)


def _fingerprint(call: Call) -> str:
    text = json.dumps([call.method, call.path, call.params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


# --- handlers -------------------------------------------------------------------------------------


def _read(kind: str) -> Handler:
    def read(api: Api, parts: list[str], params: Params) -> Obj:
        if kind == "customer":
            found = api.state.objects.get(parts[0], {})
            if found.get("deleted") and found["object"] == "customer":
                return {name: found[name] for name in ("id", "object", "deleted")}
        return api.state.get(kind, parts[0])

    return read


def _list(kind: str, path: str) -> Handler:
    def read(api: Api, parts: list[str], params: Params) -> Obj:
        return listing.page(api.state, kind, f"/v1/{path}", params)

    return read


def _search(kind: str, path: str) -> Handler:
    def read(api: Api, parts: list[str], params: Params) -> Obj:
        return listing.search(api.state, kind, f"/v1/{path}/search", params)

    return read


def _create_customer(api: Api, parts: list[str], params: Params) -> Obj:
    return customers.create(api.state, params)


def _update_customer(api: Api, parts: list[str], params: Params) -> Obj:
    return customers.update(api.state, api.state.get("customer", parts[0]), params)


def _delete_customer(api: Api, parts: list[str], params: Params) -> Obj:
    customer = api.state.get("customer", parts[0])
    if customer.get("deleted"):
        raise missing("customer", parts[0])
    for subscription in api.state.all("subscription", customer=customer["id"]):
        if subscription["status"] not in subscriptions.OVER:
            subscriptions.end_now(api.state, subscription, reason=None)
    return customers.remove(api.state, customer)


def _methods_of(api: Api, parts: list[str], params: Params) -> Obj:
    api.state.get("customer", parts[0])
    url = f"/v1/customers/{parts[0]}/payment_methods"
    return listing.page(api.state, "payment_method", url, {**params, "customer": parts[0]})


def _attach(api: Api, parts: list[str], params: Params) -> Obj:
    customer = api.state.get("customer", required(params, "customer"))
    if parts[0] in customers.TEST_CARDS:
        return customers.new_card(api.state, customer, customers.TEST_CARDS[parts[0]])
    method = api.state.get("payment_method", parts[0])
    with api.state.changing(method, "payment_method.updated"):
        method["customer"] = customer["id"]
    return method


def _detach(api: Api, parts: list[str], params: Params) -> Obj:
    method = api.state.get("payment_method", parts[0])
    with api.state.changing(method):
        method["customer"] = None
    api.state.emit("payment_method.detached", method)
    return method


def _create_session(api: Api, parts: list[str], params: Params) -> Obj:
    return checkout.create(api.state, params)


def _expire_session(api: Api, parts: list[str], params: Params) -> Obj:
    return checkout.expire(api.state, api.state.get("checkout.session", parts[0]))


def _line_items(api: Api, parts: list[str], params: Params) -> Obj:
    items: Obj = api.state.get("checkout.session", parts[0])["line_items"]
    return items


def _create_portal(api: Api, parts: list[str], params: Params) -> Obj:
    return checkout.create_portal(api.state, params)


def _create_subscription(api: Api, parts: list[str], params: Params) -> Obj:
    state = api.state
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
        subscriptions.collect(state, invoice, method, dunning=api.dunning, is_on_session=True)
    return subscription


def _update_subscription(api: Api, parts: list[str], params: Params) -> Obj:
    subscription = api.state.get("subscription", parts[0])
    return subscriptions.update(api.state, subscription, params)


def _cancel_subscription(api: Api, parts: list[str], params: Params) -> Obj:
    subscription = api.state.get("subscription", parts[0])
    return subscriptions.end_now(api.state, subscription, reason="cancellation_requested")


def _resume_subscription(api: Api, parts: list[str], params: Params) -> Obj:
    subscription = api.state.get("subscription", parts[0])
    return subscriptions.resume(api.state, subscription, api.dunning)


def _pay_invoice(api: Api, parts: list[str], params: Params) -> Obj:
    state = api.state
    invoice = state.get("invoice", parts[0])
    if invoice["status"] == "draft":
        invoices.finalize(state, invoice)
    method = None
    if params.get("payment_method"):
        method = state.get("payment_method", params["payment_method"])
    outcome = subscriptions.collect(state, invoice, method, dunning=api.dunning, is_on_session=True)
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


def _finalize_invoice(api: Api, parts: list[str], params: Params) -> Obj:
    invoice = api.state.get("invoice", parts[0])
    if invoice["status"] != "draft":
        raise StripeFault("This invoice is already finalized.", code="invoice_not_editable")
    invoices.finalize(api.state, invoice)
    return invoice


def _void_invoice(api: Api, parts: list[str], params: Params) -> Obj:
    return invoices.void(api.state, api.state.get("invoice", parts[0]))


def _create_price(api: Api, parts: list[str], params: Params) -> Obj:
    state = api.state
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


def _update_price(api: Api, parts: list[str], params: Params) -> Obj:
    price = api.state.get("price", parts[0])
    with api.state.changing(price, "price.updated"):
        price["active"] = flag(params, "active", price["active"])
        price["metadata"] = merged_metadata(price["metadata"], params)
    return price


def _create_code(api: Api, parts: list[str], params: Params) -> Obj:
    coupon = api.state.get("coupon", required(group(params, "promotion"), "coupon"))
    text = params.get("code") or new_id("X", 8)[2:].upper()
    code = catalogue.promotion_code(api.state, new_id("promo"), text, coupon["id"])
    code["expires_at"] = whole(params, "expires_at")
    return api.state.add(code)


def _refund(api: Api, parts: list[str], params: Params) -> Obj:
    return payments.refund(api.state, params)


def _open_dispute(api: Api, parts: list[str], params: Params) -> Obj:
    return payments.open_dispute(api.state, params)


def _decide_dispute(api: Api, parts: list[str], params: Params) -> Obj:
    dispute = api.state.get("dispute", parts[0])
    return payments.decide_dispute(api.state, dispute, required(params, "status"))


def _close_dispute(api: Api, parts: list[str], params: Params) -> Obj:
    return payments.decide_dispute(api.state, api.state.get("dispute", parts[0]), "lost")


def _create_clock(api: Api, parts: list[str], params: Params) -> Obj:
    frozen = whole(params, "frozen_time")
    if frozen is None:
        required(params, "frozen_time")
    now = api.state.now()
    clock = api.state.add(
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
    api.state.emit("test_helpers.test_clock.created", clock)
    return clock


def _advance_clock(api: Api, parts: list[str], params: Params) -> Obj:
    clock = api.state.get("test_helpers.test_clock", parts[0])
    target = whole(params, "frozen_time")
    if target is None or target <= clock["frozen_time"]:
        raise StripeFault(
            "The frozen_time must be after the test clock's current frozen time.",
            param="frozen_time",
        )
    timeline.advance_clock(api.state, clock, target, api.dunning)
    api.state.emit("test_helpers.test_clock.ready", clock)
    return clock


def _delete_clock(api: Api, parts: list[str], params: Params) -> Obj:
    """Delete a test clock; as at Stripe, its customers and their subscriptions go with it."""
    clock = api.state.get("test_helpers.test_clock", parts[0])
    for customer in api.state.all("customer", test_clock=clock["id"]):
        _delete_customer(api, [customer["id"]], {})
    gone = {"id": clock["id"], "object": clock["object"], "deleted": True}
    api.state.add({**clock, "deleted": True})
    return gone


def _account(api: Api, parts: list[str], params: Params) -> Obj:
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


def _time(api: Api, parts: list[str], params: Params) -> Obj:
    return {"object": "standin.time", "now": api.state.now(), "offset_s": api.state.offset_s}


def _advance(api: Api, parts: list[str], params: Params) -> Obj:
    seconds = whole(params, "seconds")
    if seconds is None or seconds <= 0:
        raise StripeFault("Time only goes forward.", param="seconds")
    timeline.advance(api.state, seconds, api.dunning)
    return _time(api, parts, params)


def _payments_of_invoices(api: Api, parts: list[str], params: Params) -> Obj:
    return listing.invoice_payments(api.state, params)


def _lines(api: Api, parts: list[str], params: Params) -> Obj:
    lines: Obj = api.state.get("invoice", parts[0])["lines"]
    return lines


def _nothing(api: Api, parts: list[str], params: Params) -> Obj:
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


_ROUTES: Final = _routes()
