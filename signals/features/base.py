"""What a factor is, and what it may read.

A factor is declared once: a function from a `Frame` to a reading in the factor's own unit,
with everything a person or the learner needs to know about it. Whether the frame ends with
a closed candle or the forming one, and whether it comes from the wire or from history, the
function cannot tell: so one definition serves live, replay and training.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signals.features.frame import Frame

FloatArray = NDArray[np.float64]

GROUPS: Final = (
    "trend",
    "reversion",
    "volatility",
    "volume",
    "order_book",
    "funding",
    "open_interest",
    "liquidation",
    "cross_market",
    "time",
)


@dataclass(frozen=True, slots=True)
class FactorContext:
    """What a sentence may name."""

    symbol: str
    timeframe: str
    percentile: float
    """Share of the factor's own recent readings below this one, 0..1."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One declared input of the model.

    `sign` says which way favours a long before anything is learned (0: no claim). With
    `scale` None the reading is normalised by its own running centre and spread; otherwise
    it is bounded by construction and becomes `(reading - centre) / scale`.
    """

    name: str
    group: str
    title: str
    unit: str
    sign: int
    warm_up: int
    """Closed candles needed before the first reading."""
    source: str
    above: str
    below: str
    read: Callable[[Frame], FloatArray] = field(compare=False)
    centre: float = 0.0
    scale: float | None = None
    factor_of_display: float = 1.0
    """Readings are multiplied by this for people (fractions to percent, to basis points)."""
    decimals: int = 2

    def display(self, reading: float) -> float:
        """Return the reading in the unit that people see."""
        return reading * self.factor_of_display

    def text(self, reading: float) -> str:
        """Return the reading with its unit, or a dash where it is not known."""
        if reading != reading:
            return "–"
        value = f"{self.display(reading):+.{self.decimals}f}"
        if self.centre or self.sign == 0:
            value = value.lstrip("+")
        return f"{value} {self.unit}".strip().replace("-", "−")

    def sentence(self, reading: float, context: FactorContext) -> str:
        """Say the reading in words and numbers."""
        if reading != reading:
            return f"{self.title} is not known at the moment."
        shown = self.display(reading)
        template = self.above if reading >= self.centre else self.below
        text = template.format(
            x=shown,
            ax=abs(shown),
            tf=context.timeframe,
            symbol=context.symbol,
            rank=context.percentile * 100,
        )
        return text.replace("-", "−") if text.startswith("-") else text


def factor(
    name: str,
    group: str,
    title: str,
    *,
    unit: str,
    sign: int,
    warm_up: int,
    source: str,
    above: str,
    below: str,
    centre: float = 0.0,
    scale: float | None = None,
    show: float = 1.0,
    decimals: int = 2,
) -> Callable[[Callable[[Frame], FloatArray]], Factor]:
    """Declare the decorated function as a factor."""
    if group not in GROUPS:
        raise ValueError(f"{name}: no group called {group!r}")

    def declare(read: Callable[[Frame], FloatArray]) -> Factor:
        return Factor(
            name=name,
            group=group,
            title=title,
            unit=unit,
            sign=sign,
            warm_up=warm_up,
            source=source,
            above=above,
            below=below,
            read=read,
            centre=centre,
            scale=scale,
            factor_of_display=show,
            decimals=decimals,
        )

    return declare
