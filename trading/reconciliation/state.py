"""What a decision is made from: one trade by our rows, one symbol by the venue. All frozen."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from cryptosystems.kernel.instruments import Side
from trading.contracts import StopMode, TradeState
from trading.domain.orders import Leg, OrderState
from trading.domain.venue import (
    OrderRequest,
    PositionSide,
    Quote,
    SymbolSettings,
    VenueOrder,
    VenueState,
)
from trading.reconciliation.guards import Guard

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """One order of ours, by its row."""

    id: UUID
    leg: Leg
    attempt: int
    client_id: str
    request: OrderRequest
    state: OrderState
    prepared_ms: int
    exchange_id: str = ""
    actual_order_id: str = ""
    filled: Decimal = ZERO
    average_price: Decimal | None = None
    code: int | None = None
    """Of the exchange's refusal."""
    message: str = ""
    not_found: int = 0
    """Times that the exchange said there was no such order."""
    asked: int = 0
    sent_ms: int | None = None
    answered_ms: int | None = None
    seen_ms: int | None = None
    """When a query or an event last showed it resting as it should."""
    first_seen_ms: int | None = None
    cancel_asked_ms: int | None = None
    ended_ms: int | None = None
    updated_ms: int = 0
    asked_ms: int | None = None
    """When we last asked; known since the process started."""
    not_before_ms: int = 0
    """Not to be sent before: the exchange or its limits said so."""

    @property
    def is_sent(self) -> bool:
        return self.state not in (OrderState.PREPARED, OrderState.DROPPED)

    @property
    def is_lost(self) -> bool:
        """Say whether it rested once and ended without our asking."""
        ended = (OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED)
        return self.state in ended and self.seen_ms is not None and self.cancel_asked_ms is None

    @property
    def was_refused(self) -> bool:
        """Say whether the exchange never took it."""
        return self.state is OrderState.REJECTED and self.seen_ms is None


@dataclass(frozen=True, slots=True)
class TargetTerms:
    """One planned target."""

    leg: Leg
    price: Decimal
    quantity: Decimal
    """Of the whole plan, base."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the plan, the symbol's rules and the person's settings say about one trade."""

    entry_low: Decimal
    entry_high: Decimal
    entry_price: Decimal
    quantity: Decimal
    stop: Decimal
    targets: tuple[TargetTerms, ...]
    r_distance: Decimal
    """|entry - stop|, price."""
    atr: Decimal
    valid_until_ms: int
    expires_ms: int
    leverage: int
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    market_max_quantity: Decimal
    cost_rate: Decimal
    """Fee of entry and exit together, fraction of the price."""
    is_trailing: bool = False


@dataclass(frozen=True, slots=True)
class TradeFacts:
    """One trade, by its rows."""

    id: UUID
    user_id: UUID
    account_id: UUID
    signal_id: UUID
    symbol: str
    side: Side
    state: TradeState
    terms: Terms | None
    """None before it was planned."""
    orders: tuple[OrderFacts, ...] = ()
    model_version: str = ""
    is_by_bot: bool = False
    max_quantity: Decimal = ZERO
    stop_price: Decimal | None = None
    stop_level: str = "initial"
    entered: Decimal = ZERO
    """Filled by the entry, base."""
    open_quantity: Decimal = ZERO
    """Of ours, by booked fills."""
    entry_price: Decimal | None = None
    targets_hit: int = 0
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    reason: str = ""
    note: str = ""
    naked_since_ms: int | None = None
    close_since_ms: int | None = None
    close_asked_ms: int | None = None
    close_tries: int = 0
    last_fill_ms: int | None = None
    opened_ms: int | None = None
    offer_until_ms: int | None = None
    is_approved: bool = False
    """The person said yes to the offer."""
    stop_seen_ms: int | None = None
    stop_seen_id: str = ""
    exit_kind: str = ""
    """How the last exit fill came about: a leg's name, by_hand, liquidation, adl or settlement."""
    told: frozenset[str] = frozenset()
    """Codes of what has been said about it already."""
    failures: int = 0
    updated_ms: int = 0
    """When its row was last changed, by whomever."""
    """Times in a row that our own code raised on it."""

    def of(self, *legs: Leg) -> tuple[OrderFacts, ...]:
        """Return the orders of these legs, the oldest first."""
        return tuple(order for order in self.orders if order.leg in legs)

    def last(self, leg: Leg) -> OrderFacts | None:
        """Return the newest attempt of a leg."""
        found = [order for order in self.orders if order.leg is leg]
        return max(found, key=lambda order: order.attempt) if found else None

    def next_attempt(self, leg: Leg) -> int:
        last = self.last(leg)
        return 1 if last is None else last.attempt + 1


@dataclass(frozen=True, slots=True)
class PositionReading:
    """What a read or an event said about the position of one symbol and side."""

    quantity: Decimal
    """Signed, base; 0: the exchange lists none."""
    read_ms: int
    """When the question left, so it is at least as new as that."""
    zero_since_ms: int | None = None
    """First of the unbroken row of reads that said zero."""
    mark: Decimal | None = None
    liquidation_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VenueFacts:
    """One symbol of one account, as far as it is known now."""

    position: PositionReading | None = None
    """None: not read since we started, which is not zero."""
    position_fails: int = 0
    """Reads of it in a row that failed."""
    orders: tuple[VenueOrder, ...] | None = None
    """Resting at both services; None: not read yet."""
    orders_read_ms: int = 0
    fills_read_ms: int = 0
    """When executions were last read to the end."""
    quote: Quote | None = None
    past_stop_since_ms: int | None = None
    """Since when the mark price has been beyond the stop of the trade."""
    best_mark: Decimal | None = None
    """Best mark price for the trade while it was watched."""
    settings: SymbolSettings | None = None
    set_up_refused: str = ""
    """Why the exchange did not take margin mode or leverage."""
    is_hedged: bool | None = None

    @property
    def position_side_of(self) -> dict[Side, PositionSide]:
        """Return how exits must name the position: read, never assumed (F-49)."""
        if not self.is_hedged:
            return dict.fromkeys(Side, PositionSide.BOTH)
        return {Side.LONG: PositionSide.LONG, Side.SHORT: PositionSide.SHORT}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is allowed to the account now, whatever the trade."""

    stop_mode: StopMode | None = None
    """Strongest kill switch in force, or what follows from the bot's mode."""
    is_reconciled: bool = True
    """False: exits only (EX-17)."""
    entries_refused: str = ""
    """Code of why nothing that opens risk may leave: breaker, clock, key, data."""
    is_managed: bool = True
    """False: the bot is off; nothing is done, stops rest."""
    pace: float = 1.0
    """How many times rarer is read what is only the net under the user stream."""
    without: frozenset[Guard] = frozenset()
    """Guards that a test has taken away."""


def is_resting(told: VenueOrder) -> bool:
    """Say whether an order can still trade or fire."""
    return told.state in (
        VenueState.NEW,
        VenueState.PARTIALLY_FILLED,
        VenueState.TRIGGERING,
    )
