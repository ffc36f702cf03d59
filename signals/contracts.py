"""What other rooms may hold of the signals room: plain names, no rows."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from cryptosystems.kernel.instruments import Side


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """How the engine's inputs stand."""

    is_ready: bool
    n_streams: int
    n_live: int
    oldest_s: float | None


@dataclass(frozen=True, slots=True)
class TradableSignal:
    """A signal as an executor needs it: exact numbers, times in milliseconds."""

    id: UUID
    number: int
    """Cursor: rises with every signal."""
    origin: str
    symbol: str
    base: str
    timeframe: str
    side: Side
    issued_ms: int
    entry_low: Decimal
    entry_high: Decimal
    valid_until_ms: int
    stop: Decimal
    targets: tuple[tuple[Decimal, Decimal], ...]
    """(price, share of the position), nearest first."""
    expires_ms: int
    """At this time what is open is closed at market."""
    confidence: float
    p_low: float
    strength: float
    atr: Decimal
    model_version: str
    decimals: int
    is_open: bool
    """Not settled yet."""


@dataclass(frozen=True, slots=True)
class ModelResult:
    """How the published rule settled a signal that was entered."""

    net_r: float
    gross_r: float
    entry: float
    """Fill price by the rule."""
