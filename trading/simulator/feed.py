"""What both worlds offer the server: columns of the market now, and what happened since.

A world plays in segments: stretches of market time (15 s in the synthetic market, a recorded
minute in replay) of which open, high, low, close and volume are fixed. Between its ends the
price walks a path that touches exactly those; so a candle is the same whether it was watched
second by second or asked for later.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cryptosystems.kernel.instruments import InstrumentRules
from trading.simulator.tape import Tape

if TYPE_CHECKING:
    from trading.simulator.books import Sides, Snapshot

BEAT_MS: Final = 500

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ForcedOrder:
    """A liquidation order: `side` 0 closes longs (SELL), 1 closes shorts (BUY)."""

    symbol: int
    side: int
    price: float
    quantity: float
    at_ms: int


@dataclass(slots=True)
class Happenings:
    """What went on between two looks."""

    closed: list[int] = field(default_factory=list)
    """Open times of the minutes that closed, oldest first."""
    forced: list[ForcedOrder] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    """Times of funding settlements."""
    frames: list[tuple[str, str]] = field(default_factory=list)
    """Recorded frames whose time has come: stream and payload, as they were."""


@dataclass(slots=True)
class Columns:
    """The market at this moment, arrays of shape (n,); NaN where the world has no such thing."""

    price: FloatArray
    mark: FloatArray
    index: FloatArray
    funding_rate: FloatArray
    next_funding_ms: IntArray
    open_interest: FloatArray
    spread: FloatArray
    """Half the distance of best bid and ask, as a fraction."""
    depth: FloatArray
    """Base quantity within 1 % of mid on one side."""
    imbalance: FloatArray
    forming: IntArray
    """The running minute, (n, 8) as on the tape; close 0 before its first trade."""


class World(Protocol):
    """A market behind the exchange."""

    rules: list[InstrumentRules]
    tape: Tape
    columns: Columns
    now_ms: int
    beat_ms: int
    """How often there is something to send."""
    recorded_streams: frozenset[str]
    """Streams that are played from recorded frames and must not be derived as well."""

    def advance(self, to_ms: int) -> Happenings:
        """Let the market run until `to_ms`."""
        ...

    def funding_history(self, symbol: int) -> list[tuple[int, float, float]]:
        """Return (time, rate, mark price) of each settlement, oldest first."""
        ...

    def interest_history(
        self, symbol: int, from_ms: int, to_ms: int, step_ms: int
    ) -> list[tuple[int, float, float]]:
        """Return (time, open interest in base, in quote) at multiples of `step_ms`."""
        ...

    def info(self) -> dict[str, object]:
        """Say what this world is, for `/sim/info`."""
        ...

    def recorded_book(self, symbol: int) -> "Snapshot | None":
        """Return the book as recorded frames have it now; None where books are derived."""
        ...

    def levels(self, symbol: int, most: int) -> "Sides | None":
        """Return bids and asks in ticks and steps; None where the columns make the book."""
        ...

    def truth(self, symbol: int) -> dict[str, list[float]]:
        """Return what only the maker of this market knows; empty where there is nothing."""
        ...

    def checkpoint(self) -> None:
        """Keep what is needed to go on after a restart."""
        ...


def path(
    open_: FloatArray, high: FloatArray, low: FloatArray, close: FloatArray, share: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return (price, highest, lowest) after `share` (0..1) of each segment, shape (n,).

    The walk goes by straight lines: open → the extreme that lies nearer the open → the other
    extreme → close, a third of the time each. At share 1 it has touched all four.
    """
    high_first = (high - open_) <= (open_ - low)
    first = np.where(high_first, high, low)
    second = np.where(high_first, low, high)
    legs = min(max(share, 0.0), 1.0) * 3
    price = np.select(
        [np.full(open_.shape, legs <= 1), np.full(open_.shape, legs <= 2)],
        [open_ + (first - open_) * legs, first + (second - first) * (legs - 1)],
        second + (close - second) * (legs - 2),
    )
    top, bottom = np.maximum(open_, price), np.minimum(open_, price)
    if legs > 1:
        top, bottom = np.maximum(top, first), np.minimum(bottom, first)
    if legs > 2:
        top, bottom = np.maximum(top, second), np.minimum(bottom, second)
    return price, top, bottom


class OnlyRecorded:
    """What a recording does not hold is not invented."""

    def funding_history(self, symbol: int) -> list[tuple[int, float, float]]:
        """Return nothing: funding is not recorded."""
        return []

    def interest_history(
        self, symbol: int, from_ms: int, to_ms: int, step_ms: int
    ) -> list[tuple[int, float, float]]:
        """Return nothing: open interest is not recorded."""
        return []

    def levels(self, symbol: int, most: int) -> "Sides | None":
        """Return nothing: the book is recorded or follows from the columns."""
        return None

    def truth(self, symbol: int) -> dict[str, list[float]]:
        """Return nothing: nobody knows who holds what."""
        return {}
