"""Views of the door as JSON: numbers as text, times in UTC."""

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from cryptosystems.kernel.decimals import plain
from cryptosystems.platform.http import iso


def body(view: Any) -> dict[str, Any]:
    """Return a frozen view as JSON."""
    return {field.name: value(getattr(view, field.name)) for field in fields(view)}


def value(held: Any) -> Any:
    """Return one value as JSON."""
    if held is None or (isinstance(held, bool | int | float | str) and not isinstance(held, Enum)):
        return held
    if isinstance(held, Decimal):
        return plain(held.normalize())  # a row pads with zeros that say nothing
    if isinstance(held, Enum):
        return held.value
    if isinstance(held, UUID):
        return str(held)
    if isinstance(held, datetime):
        return iso(held)
    if isinstance(held, dict):
        return {name: value(inner) for name, inner in held.items()}
    if isinstance(held, list | tuple | set | frozenset):
        return [value(inner) for inner in held]
    return body(held)
