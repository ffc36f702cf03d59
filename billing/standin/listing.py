"""Lists and searches: filters, pages, Stripe's little query language."""

import re
from collections.abc import Callable
from typing import Any, Final

from billing.standin import subscriptions
from billing.standin.errors import StripeFault, missing
from billing.standin.params import Params, required, whole
from billing.standin.state import Obj, State, list_object

_MOST: Final = 100
_COMPARES: Final[dict[str, Callable[[int, int], bool]]] = {
    "gt": lambda value, limit: value > limit,
    "gte": lambda value, limit: value >= limit,
    "lt": lambda value, limit: value < limit,
    "lte": lambda value, limit: value <= limit,
}
_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "customer": ("email", "test_clock"),
    "product": ("active",),
    "price": ("active", "product", "currency", "type"),
    "checkout.session": ("customer", "status", "subscription", "payment_intent"),
    "subscription": ("customer", "status", "price", "test_clock", "collection_method"),
    "invoice": ("customer", "status", "subscription", "collection_method"),
    "payment_intent": ("customer",),
    "payment_method": ("customer", "type"),
    "charge": ("customer", "payment_intent"),
    "refund": ("charge", "payment_intent"),
    "dispute": ("charge", "payment_intent"),
    "promotion_code": ("active", "code", "coupon", "customer"),
    "event": ("type",),
}
"""What each list can be narrowed by."""
_PAGING: Final = ("limit", "starting_after", "ending_before")
_CLAUSE: Final = re.compile(
    r"""\s*([a-z_]+)(?:\[["']([^"']+)["']\])?\s*(:|>=|<=|>|<)\s*(?:"([^"]*)"|'([^']*)'|(\d+))\s*"""
)


def page(state: State, kind: str, url: str, params: Params) -> Obj:
    """Return one page of the objects of a kind, the newest first."""
    known = {*_FIELDS.get(kind, ()), *_PAGING, "created", "types"}
    for name in params:
        if name not in known:
            raise StripeFault(
                f"Received unknown parameter: {name}", code="parameter_unknown", param=name
            )
    wanted = {name: params[name] for name in _FIELDS.get(kind, ()) if params.get(name)}
    found = [
        obj
        for obj in state.all(kind)
        if all(_fits(state, kind, obj, name, value) for name, value in wanted.items())
        and _fits_created(obj, params.get("created"))
    ]
    if kind == "subscription" and "status" not in wanted:
        found = [obj for obj in found if obj["status"] not in subscriptions.OVER]
    if kind == "event" and isinstance(params.get("types"), list):
        found = [obj for obj in found if obj["type"] in params["types"]]
    return _cut(found, kind, url, params)


def _cut(found: list[Obj], kind: str, url: str, params: Params) -> Obj:
    asked = whole(params, "limit")
    limit = 10 if asked is None else asked
    if not 1 <= limit <= _MOST:
        raise StripeFault(
            f"Invalid integer: {limit}", code="parameter_invalid_integer", param="limit"
        )
    names = [obj["id"] for obj in found]
    after, before = params.get("starting_after"), params.get("ending_before")
    for name in (after, before):
        if name and name not in names:
            raise missing(kind, name)
    if before:
        end = names.index(before)
        begin = max(0, end - limit)
        return list_object(found[begin:end], url, has_more=begin > 0)
    begin = names.index(after) + 1 if after else 0
    return list_object(found[begin : begin + limit], url, has_more=len(found) > begin + limit)


def _fits(state: State, kind: str, obj: Obj, name: str, value: Any) -> bool:
    if name == "status" and value == "all":
        return True
    if name == "status" and value == "ended" and kind == "subscription":
        return bool(obj["status"] in subscriptions.OVER)
    if name == "active":
        return bool(obj["active"]) == bool(value == "true")
    if name == "price":
        return bool(subscriptions.first_item(obj)["price"]["id"] == value)
    if name == "coupon":
        return bool(obj["promotion"]["coupon"] == value)
    if name == "subscription" and kind == "invoice":
        return bool(obj["parent"]["subscription_details"]["subscription"] == value)
    if kind == "event" and str(value).endswith(".*"):
        return bool(str(obj["type"]).startswith(str(value)[:-1]))
    return bool(obj.get(name) == value)


def _fits_created(obj: Obj, created: Any) -> bool:
    if not created:
        return True
    if isinstance(created, str):
        return bool(obj["created"] == whole({"created": created}, "created"))
    for name, limit in created.items():
        number = whole(created, name)
        if name not in _COMPARES or number is None:
            raise StripeFault(f"Invalid created: {limit}", param="created")
        if not _COMPARES[name](obj["created"], number):
            return False
    return True


def invoice_payments(state: State, params: Params) -> Obj:
    """Return the payments of invoices, by invoice or by what paid them."""
    intent = (params.get("payment") or {}).get("payment_intent")
    found = [
        payment
        for invoice in state.all("invoice")
        if params.get("invoice") in (None, "", invoice["id"])
        for payment in invoice["payments"]["data"]
        if intent in (None, "", payment["payment"]["payment_intent"])
        and params.get("status") in (None, "", payment["status"])
    ]
    return _cut(found, "invoice_payment", "/v1/invoice_payments", params)


def search(state: State, kind: str, url: str, params: Params) -> Obj:
    """Return what a query finds: clauses joined by AND, or all by OR."""
    query = required(params, "query")
    joins = set(re.findall(r"\b(AND|OR)\b", query))
    if len(joins) > 1:
        raise StripeFault("A query joins by AND or by OR, not by both.", param="query")
    clauses = [_clause(text) for text in re.split(r"\bAND\b|\bOR\b", query)]
    fits = any if joins == {"OR"} else all
    found = [obj for obj in state.all(kind) if fits(clause(obj) for clause in clauses)]
    limit = whole(params, "limit") or 10
    begin = whole(params, "page") or 0
    has_more = len(found) > begin + limit
    return {
        "object": "search_result",
        "data": found[begin : begin + limit],
        "has_more": has_more,
        "next_page": str(begin + limit) if has_more else None,
        "url": url,
    }


def _clause(text: str) -> Callable[[Obj], bool]:
    negated = text.strip().startswith("-")
    found = _CLAUSE.fullmatch(text.strip().removeprefix("-"))
    if found is None:
        raise StripeFault(f"We could not understand this part of the query: {text}", param="query")
    field, key, sign, double, single, number = found.groups()
    value = next(part for part in (double, single, number) if part is not None)

    def fits(obj: Obj) -> bool:
        have = obj.get(field)
        if key is not None:
            have = (have or {}).get(key)
        if sign == ":":
            same = have is not None and str(have).lower() == value.lower()
            return same != negated
        name = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[sign]
        return have is not None and _COMPARES[name](int(have), int(value))

    return fits
