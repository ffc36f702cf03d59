"""The exact order of each leg. Exits can only ever make a position smaller."""

from decimal import Decimal

from trading.domain import client_ids
from trading.domain.orders import Leg
from trading.domain.venue import OrderKind, OrderRequest, PositionSide, opening
from trading.reconciliation.state import TradeFacts


def request_of(
    trade: TradeFacts,
    leg: Leg,
    *,
    quantity: Decimal | None = None,
    price: Decimal | None = None,
    trigger: Decimal | None = None,
    position_side: PositionSide = PositionSide.BOTH,
) -> OrderRequest:
    """Return the order of the next attempt of a leg."""
    attempt = trade.next_attempt(leg)
    name = client_ids.client_id(trade.user_id, trade.account_id, trade.signal_id, leg, attempt)
    side = opening(trade.side)
    if leg is Leg.ENTRY:
        return OrderRequest(
            client_id=name,
            symbol=trade.symbol,
            side=side,
            kind=OrderKind.LIMIT,
            quantity=quantity,
            price=price,
            time_in_force="GTC",
            position_side=position_side,
        )
    # In hedge mode the named side says it; the exchange refuses `reduceOnly` there (-1106).
    is_reduce_only = position_side is PositionSide.BOTH
    if leg is Leg.STOP:
        return OrderRequest(
            client_id=name,
            symbol=trade.symbol,
            side=side.opposite,
            kind=OrderKind.STOP_MARKET,
            trigger_price=trigger,
            close_position=True,
            position_side=position_side,
        )
    kind = {Leg.GUARD: OrderKind.STOP_MARKET, Leg.CLOSE: OrderKind.MARKET}.get(leg, OrderKind.LIMIT)
    return OrderRequest(
        client_id=name,
        symbol=trade.symbol,
        side=side.opposite,
        kind=kind,
        quantity=quantity,
        price=price,
        trigger_price=trigger,
        time_in_force="GTC" if kind is OrderKind.LIMIT else "",
        reduce_only=is_reduce_only,
        position_side=position_side,
    )
