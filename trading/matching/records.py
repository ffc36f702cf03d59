"""What an account holds: orders of both services, positions, and the ids they are given."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from cryptosystems.kernel.decimals import plain
from trading.domain.venue import (
    OrderKind,
    OrderRequest,
    OrderSide,
    PositionSide,
    Service,
    VenueOrder,
    VenueState,
)

ZERO: Final = Decimal(0)
FIRST_ALGO_ID: Final = 1_000_000_000_000_000


@dataclass(slots=True)
class Ids:
    """Rising numbers of one exchange: orders, conditional orders, trades, cash flows."""

    order: int = 1_000_000
    algo: int = FIRST_ALGO_ID
    trade: int = 500_000
    flow: int = 9_000_000_000

    def next_order(self) -> int:
        self.order += 1
        return self.order

    def next_algo(self) -> int:
        self.algo += 1
        return self.algo

    def next_trade(self) -> int:
        self.trade += 1
        return self.trade

    def next_flow(self) -> int:
        self.flow += 1
        return self.flow


@dataclass(frozen=True, slots=True)
class Fees:
    """Shares of the notional."""

    maker: Decimal = Decimal("0.0002")
    taker: Decimal = Decimal("0.0005")


@dataclass(slots=True)
class Order:
    """One order of either service."""

    id: int
    request: OrderRequest
    state: VenueState
    quantity: Decimal
    created_ms: int
    updated_ms: int
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    """Σ price × quantity of its fills."""
    actual_order_id: int = 0
    algo_id: int = 0
    """Of an ordinary order that a conditional one became."""
    original_kind: str = ""
    reject_reason: str = ""
    triggered_ms: int = 0
    is_active: bool = False
    """A trailing stop follows the price."""
    best: Decimal | None = None
    """The best price that a trailing stop has seen since."""

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled

    @property
    def average(self) -> Decimal | None:
        return self.cost / self.filled if self.filled else None

    @property
    def service(self) -> Service:
        return self.request.service

    @property
    def is_open(self) -> bool:
        return self.state.is_resting or self.state is VenueState.TRIGGERING

    def view(self) -> VenueOrder:
        """Return it as the exchange tells it."""
        r = self.request
        return VenueOrder(
            client_id=r.client_id,
            exchange_id=str(self.id),
            symbol=r.symbol,
            side=r.side,
            kind=r.kind.value,
            service=self.service,
            state=self.state,
            quantity=self.quantity,
            filled=self.filled,
            average_price=self.average,
            price=r.price,
            trigger_price=r.trigger_price,
            reduce_only=r.reduce_only or r.close_position,
            close_position=r.close_position,
            position_side=r.position_side,
            actual_order_id=str(self.actual_order_id) if self.actual_order_id else "",
            reject_reason=self.reject_reason,
            updated_ms=self.updated_ms,
        )


@dataclass(slots=True)
class Position:
    """One position; `quantity` is signed and may be zero between two trades."""

    symbol: str
    side: PositionSide
    quantity: Decimal = ZERO
    entry: Decimal = ZERO
    isolated_wallet: Decimal = ZERO
    """Margin set apart for it; 0 while the symbol is crossed."""
    realised: Decimal = ZERO
    """Of all its life, before fees."""
    fees: Decimal = ZERO
    updated_ms: int = 0

    def unrealised(self, mark: Decimal) -> Decimal:
        return (mark - self.entry) * self.quantity


@dataclass(slots=True)
class Setting:
    """How the account is set for a symbol; Binance begins with 20x crossed."""

    leverage: int = 20
    is_isolated: bool = False


def request_to_dict(r: OrderRequest) -> dict[str, Any]:
    """Return an order request as JSON holds it: numbers as text."""
    return {
        "client_id": r.client_id,
        "symbol": r.symbol,
        "side": r.side.value,
        "kind": r.kind.value,
        "quantity": number(r.quantity),
        "price": number(r.price),
        "trigger_price": number(r.trigger_price),
        "time_in_force": r.time_in_force,
        "reduce_only": r.reduce_only,
        "close_position": r.close_position,
        "position_side": r.position_side.value,
        "by_mark_price": r.by_mark_price,
        "activate_price": number(r.activate_price),
        "callback_rate": number(r.callback_rate),
        "price_protect": r.price_protect,
    }


def request_from_dict(d: dict[str, Any]) -> OrderRequest:
    """Return the request of such a dict."""
    return OrderRequest(
        **{
            **d,
            "side": OrderSide(d["side"]),
            "kind": OrderKind(d["kind"]),
            "quantity": decimal(d["quantity"]),
            "price": decimal(d["price"]),
            "trigger_price": decimal(d["trigger_price"]),
            "position_side": PositionSide(d["position_side"]),
            "activate_price": decimal(d.get("activate_price")),
            "callback_rate": decimal(d.get("callback_rate")),
        }
    )


def order_to_dict(order: Order) -> dict[str, Any]:
    """Return an order as JSON holds it."""
    return {
        "id": order.id,
        "request": request_to_dict(order.request),
        "state": order.state.value,
        "quantity": plain(order.quantity),
        "created_ms": order.created_ms,
        "updated_ms": order.updated_ms,
        "filled": plain(order.filled),
        "cost": plain(order.cost),
        "actual_order_id": order.actual_order_id,
        "algo_id": order.algo_id,
        "original_kind": order.original_kind,
        "reject_reason": order.reject_reason,
        "triggered_ms": order.triggered_ms,
        "is_active": order.is_active,
        "best": number(order.best),
    }


def order_from_dict(d: dict[str, Any]) -> Order:
    """Return the order of such a dict."""
    return Order(
        **{
            **d,
            "request": request_from_dict(d["request"]),
            "state": VenueState(d["state"]),
            "quantity": Decimal(d["quantity"]),
            "filled": Decimal(d["filled"]),
            "cost": Decimal(d["cost"]),
            "best": decimal(d.get("best")),
        }
    )


def number(value: Decimal | None) -> str | None:
    """Return a number as text, or None."""
    return None if value is None else plain(value)


def decimal(text: str | None) -> Decimal | None:
    """Return the number of a text, or None."""
    return None if text is None else Decimal(text)


def with_quantity(request: OrderRequest, quantity: Decimal) -> OrderRequest:
    """Return the same order for another quantity."""
    return replace(request, quantity=quantity)
