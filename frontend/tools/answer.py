"""What a calculator answers, in words: one shape for all, so that one template draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trading.api import TierTable

APART: Final = 24.0
"""Labels closer than this, in per cent of the width, do not stand in one row."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A large figure with its name and a line below."""

    name: str
    text: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a name and its value."""

    name: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One formula, and the same with the reader's numbers in it."""

    formula: str
    numbers: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What the result means: ok, warn, bad or info."""

    kind: str
    sentence: str

    @property
    def icon(self) -> str:
        return {"ok": "circle-check", "warn": "triangle-alert", "bad": "circle-x"}.get(
            self.kind, "info"
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """A price on the scale."""

    name: str
    text: str
    tone: str
    at: float
    """Place from the left, per cent of the width."""
    lane: int
    """Which of the rows of labels it stands in; 0 and 2 above the line, 1 and 3 below."""

    @property
    def x(self) -> str:
        return f"{self.at:.2f}%"

    @property
    def anchor(self) -> str:
        return "start" if self.at < 12 else "end" if self.at > 88 else "middle"


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer."""

    figures: tuple[Figure, ...]
    lines: tuple[Line, ...]
    steps: tuple[Step, ...]
    advice: Advice | None = None
    marks: tuple[Mark, ...] = ()
    said: str = ""
    """The drawing in words."""
    table: TierTable | None = None
    tier_floor: Decimal | None = None
    """Which tier of the table was used."""


def marks_of(prices: Sequence[tuple[str, Decimal, str, str]]) -> tuple[Mark, ...]:
    """Place (name, price, its text, tone) on one scale; labels that would touch take other rows."""
    low = min(price for _, price, _, _ in prices)
    span = max(price for _, price, _, _ in prices) - low
    last = [-100.0, -100.0, -100.0, -100.0]
    made = []
    for name, price, text, tone in sorted(prices, key=lambda one: one[1]):
        at = 4 + 92 * float((price - low) / span) if span else 50.0
        lane = next((n for n in range(4) if at - last[n] >= APART), 3)
        last[lane] = at
        made.append(Mark(name, text, tone, at, lane))
    return tuple(made)
