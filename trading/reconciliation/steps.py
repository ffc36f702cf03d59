"""What can be done next about a trade. The shell does one, then everything is decided anew."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

from trading.contracts import TradeState
from trading.domain.orders import Leg
from trading.domain.venue import OrderRequest, VenueOrder
from trading.reconciliation.state import OrderFacts


class Urgency(IntEnum):
    """Among all trades of an account the lowest goes first; exits before everything."""

    PROTECT = 0
    CLOSE = 1
    RESOLVE = 2
    TIDY = 3
    TARGET = 4
    ENTER = 5
    LOOK = 6


class What(StrEnum):
    """Reads of one symbol."""

    POSITION = "position"
    ORDERS = "orders"
    FILLS = "fills"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Plan:
    """Size the trade and ask every limit; nothing of it stands yet."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Write the row of an order; nothing is sent by this."""

    leg: Leg
    attempt: int
    request: OrderRequest
    why: str


@dataclass(frozen=True, slots=True)
class Send:
    """Claim a prepared order and send it, once."""

    order: OrderFacts


@dataclass(frozen=True, slots=True)
class Drop:
    """A prepared order is not wanted any more; it never left."""

    order: OrderFacts
    why: str


@dataclass(frozen=True, slots=True)
class MarkUnknown:
    """It was claimed by a process that is gone: bytes may have left."""

    order: OrderFacts


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the exchange what became of an order."""

    order: OrderFacts
    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Count an order as not executed (rule EX-06, or a stop that is not to be found)."""

    order: OrderFacts
    sentence: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel an order of ours."""

    order: OrderFacts
    why: str


@dataclass(frozen=True, slots=True)
class CancelStranger:
    """Cancel an order that carries our prefix and has no row, or a row that ended."""

    told: VenueOrder


@dataclass(frozen=True, slots=True)
class Read:
    """Read something of the symbol."""

    what: What
    why: str


@dataclass(frozen=True, slots=True)
class SetLeverage:
    leverage: int


@dataclass(frozen=True, slots=True)
class SetIsolated:
    """Isolated margin for the symbol; the leverage with it, where neither is known."""

    leverage: int | None = None


@dataclass(frozen=True, slots=True)
class MoveStop:
    """The stop belongs elsewhere from now on; what rests follows."""

    price: Decimal
    level: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Facts about protection that go into the row: naked since, or seen by whom."""

    naked_since_ms: int | None
    seen_ms: int | None = None
    seen_id: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """Start the close loop, which ends only when nothing of ours is open."""

    reason: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Become:
    """Another state of the trade."""

    state: TradeState
    reason: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Tell:
    """Say something once: to the person as a note on the trade, or to whoever is on duty."""

    code: str
    sentence: str
    is_alarm: bool = False
    details: dict[str, Any] = field(default_factory=dict)


Step = (
    Plan
    | Prepare
    | Send
    | Drop
    | MarkUnknown
    | Ask
    | GiveUp
    | Cancel
    | CancelStranger
    | Read
    | SetLeverage
    | SetIsolated
    | MoveStop
    | Mark
    | Close
    | Become
    | Tell
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The next step, or until when there is none."""

    step: Step | None
    urgency: Urgency = Urgency.LOOK
    due_ms: int | None = None
    """Of no step: when to decide again although nothing has happened."""
