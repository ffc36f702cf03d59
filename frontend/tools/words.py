"""Exact numbers as people read them: no float on the way, so a cent is a cent."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from frontend.templatetags.formats import MINUS, MISSING

TIMES: Final = "×"
_PRECISION: Final = 60


def rounded(value: Decimal, places: int) -> Decimal:
    """Return a value with so many decimals, half up."""
    with localcontext() as context:
        context.prec = _PRECISION
        return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def fixed(value: Decimal | None, places: int) -> str:
    """Return fixed decimals, thousands by comma, a true minus; zero has no sign."""
    if value is None:
        return MISSING
    found = rounded(value, places)
    return (MINUS if found < 0 else "") + f"{abs(found):,f}"


def number(value: Decimal, most: int = 12) -> str:
    """Return a value with the decimals it has, at most so many."""
    text = fixed(value, most)
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: Decimal | None, places: int) -> str:
    """Return the same with a plus above zero."""
    return ("+" if value is not None and rounded(value, places) > 0 else "") + fixed(value, places)


def usdt(value: Decimal | None) -> str:
    """Return an amount, to the cent."""
    return f"{fixed(value, 2)} USDT"


def signed_usdt(value: Decimal) -> str:
    """Return an amount with its sign."""
    return f"{signed(value, 2)} USDT"


def percent(fraction: Decimal | None, places: int = 2) -> str:
    """Return a fraction as a percentage."""
    return MISSING if fraction is None else f"{fixed(fraction * 100, places)}%"


def signed_percent(fraction: Decimal, places: int = 2) -> str:
    """Return a fraction as a percentage with its sign."""
    return f"{signed(fraction * 100, places)}%"


def multiple(value: Decimal, places: int = 2) -> str:
    """Return a result in multiples of the risk."""
    return f"{signed(value, places)}\u2009R"


def tone(value: Decimal) -> str:
    """Return the class of a signed number."""
    return "up" if value > 0 else "down" if value < 0 else ""
