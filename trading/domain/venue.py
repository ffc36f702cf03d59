"""What crosses the exchange port, in our own words: no wire names, numbers as `Decimal`."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from cryptosystems.kernel.instruments import Side


class OrderSide(StrEnum):
    """The side of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "OrderSide":
        return OrderSide.SELL if self is OrderSide.BUY else OrderSide.BUY


def opening(side: Side) -> OrderSide:
    """Return the order side that opens a position of this side."""
    return OrderSide.BUY if side is Side.LONG else OrderSide.SELL


class OrderKind(StrEnum):
    """Types of orders, as the exchange names them."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    STOP = "STOP"
    """Becomes a limit order; this kind and the next two are never sent by us."""
    TAKE_PROFIT = "TAKE_PROFIT"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"

    @property
    def is_conditional(self) -> bool:
        """Say whether the order lives at the algo service until its trigger."""
        return self not in (OrderKind.MARKET, OrderKind.LIMIT)


class Service(StrEnum):
    """The two services that hold orders; neither knows the other's."""

    ORDER = "order"
    ALGO = "algo"


class PositionSide(StrEnum):
    """BOTH in one-way mode, else the side of the hedge."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


class VenueState(StrEnum):
    """States of an order at the exchange, both services together."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
    REJECTED = "REJECTED"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    """Now an ordinary order; `actual_order_id` names it."""
    FINISHED = "FINISHED"
    """The order it became was filled or cancelled."""

    @property
    def is_resting(self) -> bool:
        return self in (VenueState.NEW, VenueState.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order as it will be sent; complete, so that the row of it is the truth."""

    client_id: str
    symbol: str
    side: OrderSide
    kind: OrderKind
    quantity: Decimal | None = None
    """None only with `close_position`."""
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: str = ""
    """GTC, IOC, FOK or GTX of what is or becomes a limit order; empty otherwise."""
    reduce_only: bool = False
    close_position: bool = False
    position_side: PositionSide = PositionSide.BOTH
    by_mark_price: bool = True
    """What triggers a conditional order: the mark price, else the last trade."""
    activate_price: Decimal | None = None
    """Where a trailing stop begins to follow the price; None: at once."""
    callback_rate: Decimal | None = None
    """How far the price comes back before a trailing stop fires, per cent."""
    price_protect: bool = False
    """Do not fire while last and mark price are far apart."""

    @property
    def service(self) -> Service:
        return Service.ALGO if self.kind.is_conditional else Service.ORDER


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the exchange tells it."""

    client_id: str
    exchange_id: str
    symbol: str
    side: OrderSide
    kind: str
    """As told; may be a type we never send."""
    service: Service
    state: VenueState
    quantity: Decimal
    filled: Decimal = Decimal(0)
    average_price: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reduce_only: bool = False
    close_position: bool = False
    position_side: PositionSide = PositionSide.BOTH
    actual_order_id: str = ""
    """Of a triggered conditional order: the id of what it became."""
    reject_reason: str = ""
    updated_ms: int = 0


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """A position that is not zero; `quantity` is signed, base asset."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    liquidation_price: Decimal
    """0 where there is none."""
    unrealised: Decimal
    isolated_wallet: Decimal
    position_side: PositionSide = PositionSide.BOTH
    updated_ms: int = 0

    @property
    def side(self) -> Side:
        return Side.LONG if self.quantity > 0 else Side.SHORT


@dataclass(frozen=True, slots=True)
class VenueFill:
    """One execution. `client_id` is empty where the exchange does not tell it (REST)."""

    trade_id: str
    order_id: str
    client_id: str
    symbol: str
    side: OrderSide
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    realised: Decimal
    """Before fees."""
    is_maker: bool
    at_ms: int
    position_side: PositionSide = PositionSide.BOTH


@dataclass(frozen=True, slots=True)
class CashFlow:
    """One line of the exchange's income list: the truth about fees, funding and results."""

    id: str
    kind: str
    """REALIZED_PNL, FUNDING_FEE, COMMISSION, TRANSFER, INSURANCE_CLEAR, …"""
    symbol: str
    amount: Decimal
    asset: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class VenueAccount:
    """Balances and modes of an account; USDT."""

    wallet: Decimal
    available: Decimal
    margin_balance: Decimal
    """Wallet and unrealised results."""
    can_trade: bool
    is_hedged: bool
    """Hedge mode: positions of both sides at once."""
    has_multi_assets: bool
    uid: str = ""


@dataclass(frozen=True, slots=True)
class SymbolSettings:
    """How an account is set for one symbol."""

    symbol: str
    is_isolated: bool
    leverage: int
    max_notional: Decimal


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What a key may do, by `apiRestrictions`."""

    reading: bool
    futures: bool
    withdrawals: bool
    internal_transfer: bool
    universal_transfer: bool
    spot_and_margin: bool
    margin_loans: bool
    options: bool
    portfolio_margin: bool
    is_ip_restricted: bool
    created_ms: int
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RiskBracket:
    """One leverage bracket: notional in (floor, cap], USDT."""

    floor: Decimal
    cap: Decimal
    max_leverage: int
    maintenance_rate: Decimal
    maintenance_amount: Decimal


@dataclass(frozen=True, slots=True)
class TradingRules:
    """Filters and brackets of one symbol, exact."""

    symbol: str
    base_asset: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    market_max_quantity: Decimal
    min_notional: Decimal
    price_up: Decimal
    """PERCENT_PRICE: a buy's price at most mark x this."""
    price_down: Decimal
    """A sell's price at least mark x this."""
    market_bound: Decimal
    """`marketTakeBound`: how far from the mark price a market order may fill."""
    liquidation_fee: Decimal
    brackets: tuple[RiskBracket, ...]
    status: str = "TRADING"
    max_orders: int = 200
    max_leverage: int = field(default=0)
    trigger_protect: Decimal = Decimal("0.05")
    """`triggerProtect`: how far last and mark price may be apart for an order that minds."""

    @property
    def is_trading(self) -> bool:
        return self.status == "TRADING"


@dataclass(frozen=True, slots=True)
class Quote:
    """The market of one symbol at one moment, and the range since the quote before."""

    symbol: str
    bid: Decimal
    ask: Decimal
    last: Decimal
    mark: Decimal
    high: Decimal
    """Highest trade since the quote before; `last` where there was none."""
    low: Decimal
    at_ms: int
    bids: tuple[tuple[Decimal, Decimal], ...] = ()
    """(price, quantity), best first; empty: unlimited at the best price."""
    asks: tuple[tuple[Decimal, Decimal], ...] = ()
    mark_high: Decimal | None = None
    """Highest mark price since the quote before; None: `mark`."""
    mark_low: Decimal | None = None
    funding_rate: Decimal | None = None
    next_funding_ms: int | None = None


class OutcomeClass(StrEnum):
    """How a call that changes something ended; reliability rules 2.2."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    """The exchange has surely not worked it: the same order may be sent again, later."""
    ALREADY = "already"
    """Its client id is taken: ask what is there."""
    UNKNOWN = "unknown"
    """It may have happened: ask, never send again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one call."""

    kind: OutcomeClass
    order: VenueOrder | None = None
    """Of ACCEPTED only."""
    code: int | None = None
    """The exchange's code."""
    status: int | None = None
    """HTTP status; None: no answer was read."""
    message: str = ""
    """Safe to store and show: never the request."""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """An ordinary order changed; `fill` where it traded."""

    order: VenueOrder
    fill: VenueFill | None
    at_ms: int
    reason: str = ""
    """autoclose (liquidation), adl, settlement; empty mostly."""


@dataclass(frozen=True, slots=True)
class AlgoEvent:
    """A conditional order changed."""

    order: VenueOrder
    at_ms: int


@dataclass(frozen=True, slots=True)
class BalanceEvent:
    """Wallet or positions changed. Only what changed is in it."""

    reason: str
    wallet: Decimal | None
    positions: tuple[tuple[str, PositionSide, Decimal], ...]
    """(symbol, side, signed quantity)"""
    at_ms: int


@dataclass(frozen=True, slots=True)
class SettingsEvent:
    """Leverage or a mode was changed by somebody."""

    symbol: str
    at_ms: int
    leverage: int | None = None
    """What it is now; None where something else was changed."""


STREAM_LOST: Final = "lost"
"""A gap's reason where the stream has just ended; another gap follows once it is back."""


@dataclass(frozen=True, slots=True)
class StreamGap:
    """Events may have been lost (reconnect, expired key): read everything again."""

    reason: str
    at_ms: int


VenueEvent = OrderEvent | AlgoEvent | BalanceEvent | SettingsEvent | StreamGap
