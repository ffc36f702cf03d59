"""Orders and terms as they stand in rows: numbers as text, exact."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from cryptosystems.kernel.decimals import plain
from trading.domain.orders import TARGETS
from trading.domain.venue import (
    OrderKind,
    OrderRequest,
    OrderSide,
    PositionSide,
    TradingRules,
)
from trading.reconciliation.state import TargetTerms, Terms


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def request_to_row(request: OrderRequest) -> dict[str, Any]:
    """Return an order as JSON."""
    return {
        "client_id": request.client_id,
        "symbol": request.symbol,
        "side": request.side.value,
        "kind": request.kind.value,
        "quantity": _text(request.quantity),
        "price": _text(request.price),
        "trigger_price": _text(request.trigger_price),
        "time_in_force": request.time_in_force,
        "reduce_only": request.reduce_only,
        "close_position": request.close_position,
        "position_side": request.position_side.value,
        "by_mark_price": request.by_mark_price,
    }


def request_from_row(row: Mapping[str, Any]) -> OrderRequest:
    """Return the order that `request_to_row` wrote."""
    return OrderRequest(
        client_id=row["client_id"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        kind=OrderKind(row["kind"]),
        quantity=_number(row["quantity"]),
        price=_number(row["price"]),
        trigger_price=_number(row["trigger_price"]),
        time_in_force=row["time_in_force"],
        reduce_only=row["reduce_only"],
        close_position=row["close_position"],
        position_side=PositionSide(row["position_side"]),
        by_mark_price=row["by_mark_price"],
    )


def terms_to_row(terms: Terms) -> dict[str, Any]:
    """Return the terms of a trade as JSON; they stand in its plan under "terms"."""
    row: dict[str, Any] = {}
    for name in Terms.__dataclass_fields__:
        value = getattr(terms, name)
        row[name] = plain(value) if isinstance(value, Decimal) else value
    row["targets"] = [
        {"price": plain(target.price), "quantity": plain(target.quantity)}
        for target in terms.targets
    ]
    return row


def terms_from_row(row: Mapping[str, Any]) -> Terms:
    """Return the terms that `terms_to_row` wrote."""
    values: dict[str, Any] = {
        name: Decimal(value) if isinstance(value, str) else value for name, value in row.items()
    }
    values["targets"] = tuple(
        TargetTerms(leg, Decimal(target["price"]), Decimal(target["quantity"]))
        for leg, target in zip(TARGETS, row["targets"], strict=False)
    )
    return Terms(**values)


def with_rules(terms: Terms, rules: TradingRules | None) -> Terms:
    """Return the terms with the symbol's filters of today: they may change while we hold."""
    if rules is None:
        return terms
    return replace(
        terms,
        tick=rules.tick,
        step=rules.step,
        min_quantity=rules.min_quantity,
        min_notional=rules.min_notional,
        market_max_quantity=rules.market_max_quantity,
    )
