"""The account with what it may use, as JSON Schema for the API's description."""

from typing import Any

from django.conf import settings

from billing.contracts import Feature, State
from cryptosystems.platform.openapi import (
    FLAG,
    TEXT,
    TIME,
    UUID,
    add_to,
    array,
    nullable,
    record,
    ref,
    words,
)


def add_components(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the account, the entitlement and invoices."""
    entitlement = record(
        state=words(*State),
        features=array(words(*Feature)),
        until=nullable(TIME),
        code=TEXT,
        sentence=TEXT,
    )
    choices = {
        "time_zone": {"type": "string", "examples": ["Europe/Berlin"]},
        "number_format": words("point", "comma", "space"),
        "theme": words("system", "dark", "light"),
        "is_colour_blind_safe": FLAG,
        "language": words(*(code for code, _name in settings.LANGUAGES)),
    }
    change = {
        "type": "object",
        "properties": choices,
        "additionalProperties": False,
        "minProperties": 1,
    }
    account = record(
        id=UUID,
        email={"type": "string", "format": "email"},
        joined_at=TIME,
        verified_at=nullable(TIME),
        **choices,
        deletion_due_at=nullable(TIME),
        entitlement=ref("Entitlement"),
    )
    money = {"type": "string", "pattern": r"^-?\d+\.\d+$", "description": "as 59.99"}
    invoice = record(
        number=TEXT,
        issued_at=TIME,
        total=money,
        tax=money,
        currency=TEXT,
        status=TEXT,
        hosted_url=TEXT,
        pdf_url=TEXT,
    )
    return add_to(
        result,
        Entitlement=entitlement,
        Account=account,
        AccountChange=change,
        Invoice=invoice,
        InvoiceList=record(results=array(ref("Invoice"))),
    )
