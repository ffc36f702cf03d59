"""From Binance's JSON to our own words: tolerant of loose numbers and of fields that are missing.

What cannot be understood raises `Unreadable`; a wrong guess about money is worse than none.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from trading.domain.venue import (
    CashFlow,
    KeyRights,
    OrderSide,
    PositionSide,
    RiskBracket,
    Service,
    SymbolSettings,
    VenueFill,
    VenueOrder,
    VenuePosition,
    VenueState,
)

Row = Mapping[str, Any]
ZERO: Final = Decimal(0)
_MOST_DIGITS: Final = 40
"""Before or behind the point; a longer number is none, and would take for ever to write out."""


class Unreadable(ValueError):
    """The answer is not what was asked for. The text names the field, never its content."""


def number(row: Row, name: str, default: Decimal | None = None) -> Decimal:
    """Return a number written as text, integer or float ("7.0E-4" is one too)."""
    value = row.get(name)
    if value is None or value == "":
        if default is None:
            raise Unreadable(f"{name} is missing")
        return default
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise Unreadable(f"{name} is not a number") from None
    if not found.is_finite() or isinstance(value, bool) or abs(found.adjusted()) > _MOST_DIGITS:
        raise Unreadable(f"{name} is not a number")
    return found


def some(row: Row, name: str) -> Decimal | None:
    """Return a number that is neither missing nor zero."""
    return number(row, name, ZERO) or None


def whole(row: Row, name: str, default: int | None = None) -> int:
    return int(number(row, name, None if default is None else Decimal(default)))


def text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def flag(row: Row, name: str) -> bool:
    value = row.get(name)
    return value is True or str(value).lower() == "true"


def state_of(word: str) -> VenueState:
    """Return the state of that name; unknown ones of the exchange are taken by what they mean."""
    if word in ("NEW_INSURANCE", "NEW_ADL"):
        return VenueState.NEW
    try:
        return VenueState(word)
    except ValueError:
        raise Unreadable("the state of an order is none that we know") from None


def side_of(row: Row, name: str = "side") -> OrderSide:
    try:
        return OrderSide(text(row, name))
    except ValueError:
        raise Unreadable(f"{name} is neither BUY nor SELL") from None


def position_side_of(row: Row, name: str = "positionSide") -> PositionSide:
    try:
        return PositionSide(text(row, name) or "BOTH")
    except ValueError:
        raise Unreadable(f"{name} is none that we know") from None


def order_of(row: Row) -> VenueOrder:
    """Read an ordinary order (POST, GET, DELETE, openOrders)."""
    if not text(row, "orderId"):
        raise Unreadable("orderId is missing")
    filled = number(row, "executedQty", ZERO)
    average = some(row, "avgPrice")
    if average is None and filled and some(row, "cumQuote"):
        average = number(row, "cumQuote") / filled
    return VenueOrder(
        client_id=text(row, "clientOrderId"),
        exchange_id=text(row, "orderId"),
        symbol=text(row, "symbol"),
        side=side_of(row),
        kind=text(row, "type"),
        service=Service.ORDER,
        state=state_of(text(row, "status")),
        quantity=number(row, "origQty", ZERO),
        filled=filled,
        average_price=average,
        price=some(row, "price"),
        trigger_price=some(row, "stopPrice"),
        reduce_only=flag(row, "reduceOnly"),
        close_position=flag(row, "closePosition"),
        position_side=position_side_of(row),
        updated_ms=whole(row, "updateTime", 0),
    )


def algo_of(row: Row) -> VenueOrder:
    """Read a conditional order (POST and GET algoOrder, openAlgoOrders)."""
    if not text(row, "algoId"):
        raise Unreadable("algoId is missing")
    return VenueOrder(
        client_id=text(row, "clientAlgoId"),
        exchange_id=text(row, "algoId"),
        symbol=text(row, "symbol"),
        side=side_of(row),
        kind=text(row, "orderType"),
        service=Service.ALGO,
        state=state_of(text(row, "algoStatus")),
        quantity=number(row, "quantity", ZERO),
        filled=number(row, "actualQty", ZERO),
        average_price=some(row, "actualPrice"),
        price=some(row, "price"),
        trigger_price=some(row, "triggerPrice"),
        reduce_only=flag(row, "reduceOnly") or flag(row, "closePosition"),
        close_position=flag(row, "closePosition"),
        position_side=position_side_of(row),
        actual_order_id=text(row, "actualOrderId").strip("0") and text(row, "actualOrderId"),
        reject_reason=text(row, "rejectReason"),
        updated_ms=whole(row, "updateTime", 0),
    )


def position_of(row: Row) -> VenuePosition:
    return VenuePosition(
        symbol=text(row, "symbol"),
        quantity=number(row, "positionAmt"),
        entry_price=number(row, "entryPrice"),
        mark_price=number(row, "markPrice", ZERO),
        liquidation_price=number(row, "liquidationPrice", ZERO),
        unrealised=number(row, "unRealizedProfit", ZERO),
        isolated_wallet=number(row, "isolatedWallet", ZERO),
        position_side=position_side_of(row),
        updated_ms=whole(row, "updateTime", 0),
    )


def fill_of(row: Row) -> VenueFill:
    return VenueFill(
        trade_id=str(whole(row, "id")),
        order_id=str(whole(row, "orderId")),
        client_id=text(row, "clientOrderId"),
        symbol=text(row, "symbol"),
        side=side_of(row),
        price=number(row, "price"),
        quantity=number(row, "qty"),
        fee=number(row, "commission", ZERO),
        fee_asset=text(row, "commissionAsset"),
        realised=number(row, "realizedPnl", ZERO),
        is_maker=flag(row, "maker"),
        at_ms=whole(row, "time"),
        position_side=position_side_of(row),
    )


def flow_of(row: Row) -> CashFlow:
    return CashFlow(
        id=f"{text(row, 'incomeType')}:{text(row, 'tranId')}:{text(row, 'tradeId')}",
        kind=text(row, "incomeType"),
        symbol=text(row, "symbol"),
        amount=number(row, "income"),
        asset=text(row, "asset"),
        at_ms=whole(row, "time"),
    )


def settings_of(row: Row) -> SymbolSettings:
    kind = text(row, "marginType").upper()
    if kind not in ("ISOLATED", "CROSSED", "CROSS"):
        raise Unreadable("marginType is none that we know")
    return SymbolSettings(
        symbol=text(row, "symbol"),
        is_isolated=kind == "ISOLATED",
        leverage=whole(row, "leverage"),
        max_notional=number(row, "maxNotionalValue", ZERO),
    )


def rights_of(row: Row) -> KeyRights:
    """Read `apiRestrictions`. A right that is not told is taken as not given; reading must be."""
    if "enableReading" not in row or "enableFutures" not in row:
        raise Unreadable("the rights of the key are missing")
    return KeyRights(
        reading=flag(row, "enableReading"),
        futures=flag(row, "enableFutures"),
        withdrawals=flag(row, "enableWithdrawals"),
        internal_transfer=flag(row, "enableInternalTransfer"),
        universal_transfer=flag(row, "permitsUniversalTransfer"),
        spot_and_margin=flag(row, "enableSpotAndMarginTrading"),
        margin_loans=flag(row, "enableMargin"),
        options=flag(row, "enableVanillaOptions"),
        portfolio_margin=flag(row, "enablePortfolioMarginTrading"),
        is_ip_restricted=flag(row, "ipRestrict"),
        created_ms=whole(row, "createTime", 0),
        expires_ms=whole(row, "tradingAuthorityExpirationTime", 0) or None,
    )


def brackets_of(row: Row) -> tuple[RiskBracket, ...]:
    """Read one symbol of `leverageBracket`, the smallest first."""
    found = [
        RiskBracket(
            floor=number(b, "notionalFloor"),
            cap=number(b, "notionalCap"),
            max_leverage=whole(b, "initialLeverage"),
            maintenance_rate=number(b, "maintMarginRatio"),
            maintenance_amount=number(b, "cum", ZERO),
        )
        for b in row["brackets"]
    ]
    return tuple(sorted(found, key=lambda b: b.floor))
