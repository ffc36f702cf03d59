"""Checkout and portal sessions: made by the product, finished on our pages."""

from typing import Final

from billing.standin import blank, catalogue, customers, invoices, payments, subscriptions
from billing.standin.errors import StripeFault, needs
from billing.standin.months import DAY_S
from billing.standin.params import Params, flag, group, merged_metadata, required, whole
from billing.standin.state import OWN_ADDRESS, Obj, State, list_object, new_id
from billing.standin.subscriptions import Dunning, Terms

_LIFE_S: Final = DAY_S
_LEAST_TRIAL_S: Final = 2 * DAY_S


def create(state: State, params: Params) -> Obj:
    """Make a checkout session."""
    mode = required(params, "mode")
    if mode != "subscription":
        raise StripeFault("The stand-in sells subscriptions only.", param="mode")
    success_url = _address(params, "success_url") or required(params, "success_url")
    customer = state.get("customer", params["customer"]) if params.get("customer") else None
    if customer is not None and params.get("customer_email"):
        raise StripeFault("You may only specify one of these parameters: customer, customer_email.")
    price = _ordered_price(state, params)
    scope = state.scope_of(customer) if customer else ""
    now = state.now(scope)
    data = group(params, "subscription_data")
    has_tax = _wants_tax(params, customer)
    discounts, coupon, code = _discounts(state, params)
    name = new_id("cs_test", 58)
    session: Obj = {
        **blank.session(),
        "id": name,
        "object": "checkout.session",
        "allow_promotion_codes": flag(params, "allow_promotion_codes") or None,
        "amount_subtotal": price["unit_amount"],
        "amount_total": price["unit_amount"],
        "automatic_tax": {
            "enabled": has_tax,
            "liability": None,
            "provider": "stripe" if has_tax else None,
            "status": "requires_location_inputs" if has_tax else None,
        },
        "billing_address_collection": params.get("billing_address_collection") or None,
        "cancel_url": _address(params, "cancel_url"),
        "client_reference_id": params.get("client_reference_id") or None,
        "created": now,
        "currency": price["currency"],
        "customer": customer["id"] if customer else None,
        "customer_creation": None if customer else "always",
        "customer_details": {
            "address": customer["address"] if customer else None,
            "email": customer["email"] if customer else params.get("customer_email") or None,
            "name": customer["name"] if customer else None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": params.get("customer_email") or None,
        "discounts": discounts,
        "expires_at": whole(params, "expires_at") or now + _LIFE_S,
        "line_items": list_object([_line(price, name)], f"/v1/checkout/sessions/{name}/line_items"),
        "locale": params.get("locale") or None,
        "metadata": merged_metadata({}, params),
        "mode": mode,
        "payment_method_collection": params.get("payment_method_collection") or "always",
        "status": "open",
        "success_url": success_url,
        "tax_id_collection": {
            "enabled": flag(group(params, "tax_id_collection"), "enabled"),
            "required": "never",
        },
        "url": f"{OWN_ADDRESS}/c/{name}",
        "_price": price["id"],
        "_coupon": coupon,
        "_code": code,
        "_trial_end": _trial_end(data, now),
        "_metadata": merged_metadata({}, data),
        "_without_card": group(group(data, "trial_settings"), "end_behavior").get(
            "missing_payment_method", "create_invoice"
        ),
    }
    return state.add(session)


def _address(params: Params, name: str) -> str | None:
    value = params.get(name)
    if not value:
        return None
    if not str(value).startswith(("http://", "https://")):
        raise StripeFault("Not a valid URL", code="url_invalid", param=name)
    return str(value)


def _ordered_price(state: State, params: Params) -> Obj:
    lines = params.get("line_items")
    if not isinstance(lines, list) or not lines:
        raise needs("line_items")
    if len(lines) != 1 or lines[0].get("quantity", "1") != "1":
        raise StripeFault("The stand-in sells one line of one piece.", param="line_items")
    price = state.objects.get(required(lines[0], "price"))
    if price is None or price["object"] != "price":
        raise StripeFault(
            f"No such price: '{lines[0]['price']}'",
            code="resource_missing",
            param="line_items[0][price]",
        )
    if not price["active"]:
        raise StripeFault(
            "The price specified is inactive. This field only accepts active prices.",
            code="price_inactive",
            param="line_items[0][price]",
        )
    return price


def _wants_tax(params: Params, customer: Obj | None) -> bool:
    if not flag(group(params, "automatic_tax"), "enabled"):
        return False
    takes_address = group(params, "customer_update").get("address") == "auto"
    if customer is not None and not customer["address"] and not takes_address:
        raise StripeFault(
            "Automatic tax calculation in Checkout requires a valid address on the Customer. Add "
            "a valid address to the Customer or set customer_update[address] to auto.",
            code="customer_tax_location_invalid",
            param="automatic_tax[enabled]",
        )
    return True


def _discounts(state: State, params: Params) -> tuple[list[Obj] | None, str | None, str | None]:
    given = params.get("discounts")
    if not given:
        return None, None, None
    if flag(params, "allow_promotion_codes"):
        raise StripeFault(
            "You may only specify one of these parameters: allow_promotion_codes, discounts."
        )
    first = given[0]
    if first.get("promotion_code"):
        code = state.get("promotion_code", first["promotion_code"])
        coupon = code["promotion"]["coupon"]
        return [{"coupon": None, "promotion_code": code["id"]}], coupon, code["id"]
    coupon = state.get("coupon", required(first, "coupon"))["id"]
    return [{"coupon": coupon, "promotion_code": None}], coupon, None


def _trial_end(data: Params, now: int) -> int | None:
    days = whole(data, "trial_period_days")
    end = now + days * DAY_S if days else whole(data, "trial_end")
    if end is not None and not days and end < now + _LEAST_TRIAL_S:
        raise StripeFault(
            "The `trial_end` date has to be at least 2 days in the future.",
            param="subscription_data[trial_end]",
        )
    return end


def _line(price: Obj, session: str) -> Obj:
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": price["unit_amount"],
        "amount_tax": 0,
        "amount_total": price["unit_amount"],
        "currency": price["currency"],
        "description": "CryptoSystems",
        "metadata": {},
        "price": dict(price),
        "quantity": 1,
    }


def expire(state: State, session: Obj) -> Obj:
    """Close a session that nobody finished."""
    if session["status"] != "open":
        raise StripeFault(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of {session['status']}.",
            param="session",
        )
    session.update(status="expired", url=None)
    state.is_dirty = True
    state.emit("checkout.session.expired", session)
    return session


# --- what a person does on the page ---------------------------------------------------------------


def apply_code(state: State, session: Obj, text: str) -> bool:
    """Take a promotion code that somebody typed; say whether it counts."""
    code = catalogue.find_code(state, text)
    if code is None or not session["allow_promotion_codes"]:
        return False
    session.update(
        discounts=[{"coupon": None, "promotion_code": code["id"]}],
        _coupon=code["promotion"]["coupon"],
        _code=code["id"],
    )
    state.is_dirty = True
    return True


def take_country(state: State, session: Obj, country: str) -> None:
    """Take the address that tax is computed from."""
    if session["automatic_tax"]["enabled"] and country:
        customer = _customer(state, session)
        if country != (customer["address"] or {}).get("country"):
            customers.update(state, customer, {"address": {"country": country}})


def pay(state: State, session: Obj, behaviour: str, dunning: Dunning) -> tuple[str, Obj | None]:
    """Pay with a card that behaves so; return what came of it and the payment it is about.

    The subscription is made here, with the first click: a confirmation that is still awaited
    leaves it incomplete, and the next click goes on with the same one.
    """
    customer = _customer(state, session)
    subscription = state.objects.get(session.get("_subscription") or "")
    method = customers.new_card(state, customer, behaviour)
    if subscription is None:
        terms = Terms(
            price=state.objects[session["_price"]],
            trial_end=session["_trial_end"],
            metadata=session["_metadata"],
            coupon=session["_coupon"],
            code=state.objects.get(session["_code"] or ""),
            has_tax=session["automatic_tax"]["enabled"],
            without_card=session["_without_card"],
        )
        subscription = subscriptions.begin(state, customer, method, terms)
        session["_subscription"] = subscription["id"]
    subscription["default_payment_method"] = method["id"]
    invoice = state.objects[subscription["latest_invoice"]]
    if invoice["status"] == "open":
        outcome = subscriptions.collect(state, invoice, method, dunning=dunning, is_on_session=True)
        if outcome != payments.PAID:
            return outcome, invoices.intent_of(state, invoice)
    complete(state, session)
    return payments.PAID, None


def _customer(state: State, session: Obj) -> Obj:
    if session["customer"] is None:
        customer = customers.create(state, {"email": session["customer_email"] or ""})
        session["customer"] = customer["id"]
    return state.get("customer", session["customer"])


def complete(state: State, session: Obj) -> None:
    """Finish a session whose subscription has begun."""
    subscription = state.objects[session["_subscription"]]
    invoice = state.objects[subscription["latest_invoice"]]
    customer = state.objects[session["customer"]]
    discount = sum(part["amount"] for part in invoice["total_discount_amounts"])
    tax = sum(part["amount"] for part in invoice["total_taxes"])
    session.update(
        status="complete",
        url=None,
        subscription=subscription["id"],
        invoice=invoice["id"],
        payment_status="paid" if invoice["total"] else "no_payment_required",
        amount_subtotal=invoice["subtotal"],
        amount_total=invoice["total"],
        total_details={"amount_discount": discount, "amount_shipping": 0, "amount_tax": tax},
        customer_details={
            **session["customer_details"],
            "email": customer["email"],
            "address": customer["address"],
        },
    )
    state.is_dirty = True
    state.emit("checkout.session.completed", session)


def session_of(state: State, subscription: Obj) -> Obj | None:
    """Return the open session that a subscription was begun in."""
    for session in state.all("checkout.session", status="open", customer=subscription["customer"]):
        if session.get("_subscription") == subscription["id"]:
            return session
    return None


def confirmed(state: State, intent: Obj) -> None:
    """The bank's question was answered rightly: the money comes, and what hangs on it goes on."""
    invoice = state.objects[intent["_invoice"]]
    payments.succeed(state, intent)
    invoices.mark_paid(state, invoice)
    settled(state, invoice)


def settled(state: State, invoice: Obj) -> None:
    """Let subscription and session know of an invoice that was paid."""
    subscriptions.was_paid(state, invoice)
    session = session_of(state, invoices.subscription_of(state, invoice))
    if session is not None:
        complete(state, session)


def not_confirmed(state: State, intent: Obj, dunning: Dunning) -> None:
    """The bank's question was answered wrongly: nothing is paid, another card may be tried."""
    payments.refuse_confirmation(state, intent)
    invoice = state.objects[intent["_invoice"]]
    subscriptions.was_not_paid(state, invoice, dunning, is_attempt=False)


def return_address(session: Obj) -> str:
    """Return where a finished session leads to."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


# --- portal ---------------------------------------------------------------------------------------


def create_portal(state: State, params: Params) -> Obj:
    """Make a portal session."""
    customer = state.get("customer", required(params, "customer"))
    name = new_id("bps")
    return state.add(
        {
            "id": name,
            "object": "billing_portal.session",
            "configuration": "bpc_standin",
            "created": state.now_of(customer),
            "customer": customer["id"],
            "flow": None,
            "livemode": False,
            "locale": params.get("locale") or None,
            "on_behalf_of": None,
            "return_url": _address(params, "return_url"),
            "url": f"{OWN_ADDRESS}/p/{name}",
        }
    )
