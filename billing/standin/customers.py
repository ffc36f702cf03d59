"""Customers and their cards."""

import hashlib
from typing import Any, Final

from billing.standin.errors import StripeFault
from billing.standin.params import Params, group, merged_metadata
from billing.standin.state import Obj, State, new_id

GOOD, DECLINES, ASKS = "good", "declines", "asks"
"""How a card behaves when it is charged; the last one wants a confirmation each time."""
CARDS: Final = {
    GOOD: ("visa", "4242"),
    DECLINES: ("visa", "0341"),
    ASKS: ("visa", "3184"),
}
TEST_CARDS: Final = {
    "pm_card_visa": GOOD,
    "pm_card_chargeCustomerFail": DECLINES,
    "pm_card_authenticationRequired": ASKS,
}
"""Stripe's names for cards that every test account has."""
_PLAIN: Final = ("email", "name", "phone", "description")


def create(state: State, params: Params) -> Obj:
    """Make a customer."""
    clock = params.get("test_clock") or None
    if clock is not None:
        state.get("test_helpers.test_clock", clock)
    customer: Obj = {
        "id": new_id("cus", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": state.now(clock or ""),
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "email": None,
        "invoice_prefix": new_id("X", 8)[2:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": clock,
    }
    _take(state, customer, params)
    state.add(customer)
    state.emit("customer.created", customer)
    return customer


def update(state: State, customer: Obj, params: Params) -> Obj:
    """Change a customer."""
    with state.changing(customer, "customer.updated"):
        _take(state, customer, params)
    return customer


def _take(state: State, customer: Obj, params: Params) -> None:
    for name in _PLAIN:
        if name in params:
            customer[name] = params[name] or None
    if params.get("preferred_locales"):
        customer["preferred_locales"] = list(params["preferred_locales"])
    if "address" in params:
        fields = ("city", "country", "line1", "line2", "postal_code", "state")
        given = group(params, "address")
        customer["address"] = {name: given.get(name) or None for name in fields} if given else None
    if "metadata" in params:
        customer["metadata"] = merged_metadata(customer["metadata"], params)
    method = group(params, "invoice_settings").get("default_payment_method")
    if method:
        if state.get("payment_method", method)["customer"] != customer["id"]:
            raise StripeFault(
                f"The customer does not have a payment method with the ID {method}. The payment "
                "method must be attached to the customer.",
                code="resource_missing",
                param="invoice_settings[default_payment_method]",
            )
        # A new dict: what was before has to stay as it was.
        customer["invoice_settings"] = {
            **customer["invoice_settings"],
            "default_payment_method": method,
        }


def remove(state: State, customer: Obj) -> Obj:
    """Delete a customer; its invoices stay."""
    state.emit("customer.deleted", customer)
    gone: Obj = {
        "id": customer["id"],
        "object": "customer",
        "deleted": True,
        "test_clock": customer["test_clock"],
    }
    if "_offset_s" in customer:
        gone["_offset_s"] = customer["_offset_s"]
    state.add(gone)
    return {name: gone[name] for name in ("id", "object", "deleted")}


def new_card(state: State, customer: Obj, behaviour: str) -> Obj:
    """Give a customer a card that behaves so; the same person has the same card."""
    brand, last4 = CARDS[behaviour]
    holder = f"{behaviour} {customer['email'] or customer['id']}"
    method: Obj = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "always",
        "billing_details": {
            "address": customer["address"],
            "email": customer["email"],
            "name": customer["name"],
            "phone": None,
            "tax_id": None,
        },
        "card": {
            "brand": brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": "US",
            "display_brand": brand,
            "exp_month": 12,
            "exp_year": 2040,
            "fingerprint": hashlib.sha256(holder.encode()).hexdigest()[:16],
            "funding": "credit",
            "generated_from": None,
            "last4": last4,
            "networks": {"available": [brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": state.now_of(customer),
        "customer": customer["id"],
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_behaves": behaviour,
    }
    state.add(method)
    state.emit("payment_method.attached", method)
    return method


def default_card(state: State, customer: Obj, subscription: Obj | None = None) -> Obj | None:
    """Return the card that is charged, if there is one."""
    names: list[Any] = [subscription["default_payment_method"]] if subscription else []
    names.append(customer.get("invoice_settings", {}).get("default_payment_method"))
    for name in names:
        method = state.objects.get(name or "")
        if method is not None and method.get("customer"):
            return method
    return None


def use_card(state: State, customer: Obj, method: Obj) -> None:
    """Charge this card from now on."""
    with state.changing(customer, "customer.updated"):
        customer["invoice_settings"] = {
            **customer["invoice_settings"],
            "default_payment_method": method["id"],
        }
