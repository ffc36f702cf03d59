"""Market events: what happened on the exchange, when it happened and when we knew.

Every event carries two clocks: `event_ms`, the exchange's time, which factors use, and
`received_ms`, ours, which staleness uses. Prices are quote per base, quantities base
asset, both float64. Events are immutable and hold no reference cycles.
"""

import msgspec

from cryptosystems.kernel.instruments import Side

Levels = list[tuple[float, float]]
"""Price and quantity of resting orders, best first."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """Base of all market events."""

    symbol: str
    event_ms: int
    received_ms: int


class CandleUpdate(Event, frozen=True, gc=False):
    """The state of one 1m candle; `is_closed` is the exchange's own word for final."""

    open_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    taker_buy_volume: float
    n_trades: float
    is_closed: bool


class CandleGap(Event, frozen=True, gc=False):
    """No source has the 1m candle opened at `open_ms`: the hole is marked, never filled in."""

    open_ms: int


class Trade(Event, frozen=True, gc=False):
    """An aggregate trade. `trade_id` rises by one per symbol."""

    trade_id: int
    price: float
    quantity: float
    is_taker_buy: bool


class BookTop(Event, frozen=True, gc=False):
    """Best bid and ask."""

    update_id: int
    bid_price: float
    bid_qty: float
    ask_price: float
    ask_qty: float


class BookPartial(Event, frozen=True, gc=False):
    """The complete top levels of both sides (the `depth20` stream)."""

    update_id: int
    bids: Levels
    asks: Levels


class DepthDiff(Event, frozen=True, gc=False):
    """Changed levels (absolute quantities, 0 deletes); `U`, `u` and `pu` of the wire."""

    first_id: int
    last_id: int
    previous_id: int
    bids: Levels
    asks: Levels


class DepthSnapshot(Event, frozen=True, gc=False):
    """A book as REST gives it; a diff chain starts from it."""

    last_id: int
    bids: Levels
    asks: Levels


class MarkPrice(Event, frozen=True, gc=False):
    """Mark and index price with the predicted funding of the coming settlement.

    `funding_rate` is per funding interval, above 0 longs pay; NaN where the contract has none.
    """

    mark_price: float
    index_price: float
    funding_rate: float
    next_funding_ms: int


class FundingSettled(Event, frozen=True, gc=False):
    """A funding payment that took place at `event_ms`."""

    funding_rate: float


class OpenInterest(Event, frozen=True, gc=False):
    """Contracts outstanding, base asset, one-sided; polled by REST."""

    quantity: float


class Liquidation(Event, frozen=True, gc=False):
    """A reported forced order. A lower bound: at most one per symbol and second is sent."""

    side: Side
    """Side of the position that was closed (a SELL order closes a long)."""
    price: float
    quantity: float


MarketEvent = (
    CandleUpdate
    | CandleGap
    | Trade
    | BookTop
    | BookPartial
    | DepthDiff
    | DepthSnapshot
    | MarkPrice
    | FundingSettled
    | OpenInterest
    | Liquidation
)
