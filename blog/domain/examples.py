"""Worked examples of an article: given values and results, in a form that a test recomputes.

    ```example liquidation
    Example: a long at 10×
    Entry price: 60,000 USDT
    = Liquidation price: 54,216.9 USDT
    ```

The first word after `example` is the kind, which names the formula.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation


@dataclass(frozen=True, slots=True)
class Line:
    """One value of an example."""

    name: str
    value: str
    is_result: bool


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example as it is written."""

    kind: str
    title: str
    lines: tuple[Line, ...]

    def number(self, name: str) -> Decimal:
        """Return the number of a line, per cent as a fraction; KeyError if there is none."""
        return number_of(self.text(name))

    def text(self, name: str) -> str:
        """Return the value of a line; KeyError if there is none."""
        for line in self.lines:
            if line.name == name:
                return line.value
        raise KeyError(f"{self.title}: there is no line {name!r}")


def bare(value: str) -> str:
    """Return a value without unit and thousands: `60,900 for 40 %` → `60900 for 40`."""
    parts = (part.split()[0] if part.split() else "" for part in value.split(" for "))
    return " for ".join(part.replace(",", "").replace("−", "-").rstrip("×%") for part in parts)


def parse_example(kind: str, text: str) -> Example:
    """Read the inside of a block; a line without a value is kept as it is written."""
    title, lines = "", []
    for raw in filter(str.strip, text.splitlines()):
        name, _, value = (part.strip() for part in raw.partition(":"))
        if not title:
            title = value or name
        else:
            lines.append(Line(name.lstrip("= "), value, name.startswith("=")))
    return Example(kind, title, tuple(lines))


def number_of(text: str) -> Decimal:
    """Return the number that a value begins with: `60,000 USDT`, `−0.4 %`, `10×`.

    Raises
    ------
    ValueError
        If it begins with none.
    """
    first = text.split()[0].replace(",", "").replace("−", "-").rstrip("×%")
    try:
        found = Decimal(first)
    except InvalidOperation:
        raise ValueError(f"expected a number, was {text!r}") from None
    return found / 100 if "%" in text else found
