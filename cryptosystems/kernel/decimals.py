"""Exact numbers for prices, quantities and money."""

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Decimal,
    InvalidOperation,
)
from typing import Final, Literal

Rounding = Literal["nearest", "down", "up"]

_MODES: Final = {"nearest": ROUND_HALF_EVEN, "down": ROUND_FLOOR, "up": ROUND_CEILING}


def parse_decimal(text: str) -> Decimal:
    """Return the finite number written in `text`.

    Raises
    ------
    ValueError
        If `text` is not a finite decimal number.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"expected a decimal number, got {text!r}") from None
    if not value.is_finite():
        raise ValueError(f"expected a finite number, got {text!r}")
    return value


def from_float(value: float) -> Decimal:
    """Return the shortest decimal that reads back as `value` (never the binary expansion)."""
    return Decimal(repr(float(value)))


def round_to_tick(price: Decimal, tick: Decimal, rounding: Rounding = "nearest") -> Decimal:
    """Return `price` as a whole number of ticks, "down" meaning towards minus infinity."""
    if tick <= 0:
        raise ValueError(f"tick must be > 0, was {tick}")
    return (price / tick).to_integral_value(_MODES[rounding]) * tick


def round_to_step(quantity: Decimal, step: Decimal) -> Decimal:
    """Return `quantity` cut to a whole number of steps: never more than was asked."""
    if step <= 0:
        raise ValueError(f"step must be > 0, was {step}")
    return (quantity / step).to_integral_value(ROUND_DOWN) * step


def decimals_of(tick: Decimal) -> int:
    """Return how many decimals a multiple of `tick` needs (0.10 → 1)."""
    return max(0, -int(tick.normalize().as_tuple().exponent))


def plain(value: Decimal) -> str:
    """Return `value` as text without an exponent."""
    return format(value, "f")
